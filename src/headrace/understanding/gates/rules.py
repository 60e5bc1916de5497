"""The rules of change, over any measure: what settled on something new, and what differs from just before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from headrace.understanding.admission import Floats, Mask

#: What a gate remembers, by name: cells [R, C, …].
Memory = dict[str, npt.NDArray[Any]]


class Measure(Protocol):
    """How much two pictures differ, cell by cell.

    Attributes:
        change: the difference beyond which a cell shows something else; one for all cells, or [R, C].
    """

    @property
    def change(self) -> Floats | float: ...

    def difference(self, now: Floats, before: Floats) -> Floats:
        """[R, C]; NaN in cells of which either picture knows nothing."""
        ...


class Stillness(Measure, Protocol):
    """A measure that also tells what holds still.

    Attributes:
        window: pictures that it looks at.
        forgets: a restless cell that left what was admitted there forgets it, so that its return is new.
    """

    @property
    def window(self) -> int: ...

    @property
    def forgets(self) -> bool: ...

    def hold(self, recent: Sequence[Floats]) -> tuple[Mask, Floats]:
        """Cells that hold still in these pictures, newest first, and what stands there."""
        ...


@dataclass(frozen=True, slots=True)
class Settled:
    """What the rule of settling says of a picture.

    Attributes:
        admitted: bool [R, C]: cells that came to rest on something new.
        stable: bool [R, C]: cells that hold still.
        held: float32 [R, C, D]: what stands there.
        difference: float32 [R, C]: from what was admitted last, in the units of the measure; NaN where nothing was.
    """

    admitted: Mask
    stable: Mask
    held: Floats
    difference: Floats


def settle(memory: Memory, now: Floats, measure: Stillness) -> Settled:
    """Admit a cell once, when it holds still and shows something else than what was last admitted there.

    So what never stops moving does not flood the memory behind the gate, and what stands still enters once, however
    long it stays. Remembers "reference" and "earlier…"; whoever calls sets "previous" to `now` afterwards.
    """
    recent = _recent(memory, now, measure.window)
    reference = memory.setdefault("reference", np.full_like(now, np.nan))
    if len(recent) < measure.window:
        nothing = np.zeros(now.shape[:2], bool)
        return Settled(nothing, nothing, now, np.zeros(now.shape[:2], np.float32))
    stable, held = measure.hold(recent)
    difference = measure.difference(held, reference)
    new = ~(difference <= measure.change)
    admitted: Mask = stable & new
    reference[admitted] = held[admitted]
    if measure.forgets:
        reference[new & ~stable] = np.nan
    return Settled(admitted, stable, held, difference)


def since_last(memory: Memory, now: Floats, measure: Measure) -> Floats:
    """Differences from the picture before, [R, C]; NaN at the first one. What exceeds `measure.change` differs.

    The picture before is compared whole, whatever was dropped of it, so there is no drifting reference: slow change
    is never seen, steady motion always.
    """
    last = memory.get("previous")
    return np.full(now.shape[:2], np.nan, np.float32) if last is None else measure.difference(now, last)


def _recent(memory: Memory, now: Floats, window: int) -> list[Floats]:
    """The last `window` pictures or what there is of them, newest first; each that is kept grows older by one."""
    names = ["previous", *(f"earlier{k}" for k in range(1, window - 1))]
    history = [memory[name] for name in names if name in memory]
    for name, picture in zip(names[1:], history, strict=False):
        memory[name] = picture
    return [now, *history]
