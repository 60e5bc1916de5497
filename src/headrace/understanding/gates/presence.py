"""Presence: admit what has come to rest in a cell, and that it has gone, by each cell's own noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.understanding.admission import Floats, Mask
from headrace.understanding.gates.cosine import Cosine, apart, unit
from headrace.understanding.gates.rules import settle
from headrace.understanding.gates.tokengate import Judged, TokenGate

#: Pictures that make what rests in a cell known, those after which what was there has gone, and those that a mean is
#: taken over at most.
REST, GONE, LONGEST = 3, 5, 8
#: Difference below which pictures are equal.
STILL = 0.003
#: By which share of the way a cell's noise follows what is seen.
STEP = 0.2


@dataclass(frozen=True, slots=True)
class OwnNoise(Cosine):
    """A cell rests when it differs from two pictures ago hardly more than either differs from the one between.

    Attributes:
        restless: difference from one picture to the next above which nothing rests.
        drift: how much more a resting cell may differ from two pictures ago.
    """

    restless: float
    drift: float
    window: int = REST
    forgets: bool = False

    def hold(self, recent: Sequence[Floats]) -> tuple[Mask, Floats]:
        now, last, before = recent
        step = apart(now, last)
        least = np.maximum(self.drift * np.minimum(step, apart(last, before)), STILL)
        return np.asarray((step <= self.restless) & (apart(now, before) <= least)), unit(now + last + before)


class Presence(TokenGate):
    """Admits a cell when something new has come to rest in it, and once more when it has gone and nothing rests there.

    A cell is at *rest* when it differs from two pictures ago hardly more than either of the two differs from the one
    between: noise differs by the same at any distance, a fade or a motion by more and more. It shows the *same* while
    it differs from what was admitted, a mean over up to 8 pictures, by no more than a multiple of what it differs by
    from one picture to the next: every cell has a noise of its own, so that grain on a dull ground is no news, and a
    small change of something clear is. Where pictures differ for so long without coming to rest, what was there has
    gone: that is admitted too, as it is, or a memory behind the gate would think it was still there.

    Args:
        change: least difference (1 - cosine) that counts as new.
        noises: multiple of a cell's own noise to which that rises.
        restless: difference from one picture to the next above which nothing rests.
        drift: how much more a resting cell may differ from two pictures ago than from the last.

    Raises:
        ConfigError: a number out of range.
    """

    kind = "presence"
    pictures, planes = 3, 3

    def __init__(self, change: float = 0.12, noises: float = 2.0, restless: float = 0.3, drift: float = 1.6) -> None:
        if not (0 < change <= 2 and noises >= 0 and 0 < restless <= 2 and drift >= 1):
            raise ConfigError("presence: use differences above 0 up to 2, noises of 0 or more and a drift of 1 or more")
        self.change, self.noises, self.restless, self.drift = change, noises, restless, drift
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        now, memory = unit(features), self.memory
        if "previous" not in memory:
            memory |= {name: np.zeros(features.shape[:2], np.float32) for name in ("noise", "age", "missed")}
            memory["reference"] = np.full_like(now, np.nan)
        last, known = memory.get("previous", now), "earlier1" in memory
        measure = OwnNoise(np.maximum(self.change, self.noises * memory["noise"]), self.restless, self.drift)
        same = apart(now, memory["reference"]) <= measure.change
        settled = settle(memory, now, measure)
        memory["previous"] = now
        if not known:
            return Judged(admitted=settled.admitted)
        step = apart(now, last)
        same &= ~settled.admitted
        memory["missed"] = np.where(same | settled.admitted, 0, memory["missed"] + 1)
        gone = (memory["missed"] >= GONE) & (memory["age"] > 0)
        self._follow(now, same, step)
        for name, value in (("noise", step), ("age", np.float32(REST))):
            memory[name] = np.where(settled.admitted, value, memory[name])
        memory["reference"][gone] = np.nan
        memory["age"][gone] = 0
        admitted: Mask = settled.admitted | gone
        kept = np.where(settled.admitted[..., None], settled.held, now) if admitted.any() else None
        return Judged(admitted=admitted, score=float(step.mean()), features=kept)

    def _follow(self, now: Floats, same: Mask, step: Floats) -> None:
        """Cells that show the same: their mean grows, their noise is followed."""
        memory = self.memory
        growing = same & (memory["age"] < LONGEST)
        age = memory["age"][growing][:, None]
        memory["reference"][growing] = unit(memory["reference"][growing] * age + now[growing])
        memory["age"] = memory["age"] + growing
        memory["noise"] = np.where(same, memory["noise"] + STEP * (step - memory["noise"]), memory["noise"])

    def _new(self) -> Self:
        return type(self)(self.change, self.noises, self.restless, self.drift)
