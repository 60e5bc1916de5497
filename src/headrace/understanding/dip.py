"""DropRatioDip: speak where a gate suddenly lets much in."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Admission
from headrace.understanding.trigger import Action, Respond


@dataclass
class DropRatioDip:
    """Speaks where the drop ratio of a gate dips, on whatever the gate judges; a Trigger.

    A step is low if its drop ratio is below the `dips` quantile of the `recent` ones before it; the first of a run
    of low steps speaks.

    Source: the trigger of TimeChat-Online (arXiv 2504.17343). Its code takes the lowest tenth of the ratios of the
    whole video, once it is over; here the lowest tenth of the recent ones, so that it can run on a stream.

    Attributes:
        dips: share of the steps, those of the lowest drop ratios, that are low.
        recent: steps among which a drop ratio is low.

    Raises:
        ConfigError: `dips` is not within 0 and 1, or `recent` is below `WARM`.
    """

    dips: float = 0.1
    recent: int = 300
    #: Steps without which no ratio is low.
    WARM: ClassVar[int] = 10
    _ratios: deque[float] = field(init=False, repr=False)
    _low: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.dips < 1 or self.recent < self.WARM:
            raise ConfigError(f"drop ratio dip: use 0 < dips < 1 and recent >= {self.WARM}")
        self.reset()

    def reset(self) -> None:
        self._ratios = deque(maxlen=self.recent)
        self._low = False

    def decide(self, now: int, view: Admission) -> Sequence[Action]:
        """Judge the next step, at media time `now` (ns); the drop ratio is the evidence of what it says."""
        ratio, before = 1 - view.share, self._low
        self._low = len(self._ratios) >= self.WARM and ratio < float(np.quantile(self._ratios, self.dips))
        self._ratios.append(ratio)
        return (Respond("", now, now, (ratio,)),) if self._low and not before else ()

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("drop-ratio-dip", {"ratios": list(self._ratios), "low": self._low})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("drop-ratio-dip").meta
        self._ratios, self._low = deque(meta["ratios"], maxlen=self.recent), meta["low"]

    def fork(self) -> Self:
        other = type(self)(self.dips, self.recent)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return 8 * len(self._ratios) + 8

    def max_bytes(self) -> int:
        return 8 * self.recent + 8
