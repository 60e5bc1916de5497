"""Presence: admit what has come to rest in a cell, and that it has gone, by each cell's own noise."""

from __future__ import annotations

from typing import Self

import numpy as np

from headrace.core.errors import ConfigError
from headrace.understanding.admission import Floats, Mask
from headrace.understanding.gates.cosine import apart, unit
from headrace.understanding.gates.tokengate import Judged, TokenGate

#: Pictures that make what rests in a cell known, those after which what was there has gone, and those that a mean is
#: taken over at most.
REST, GONE, LONGEST = 3, 5, 8
#: Difference below which pictures are equal.
STILL = 0.003
#: By which share of the way a cell's noise follows what is seen.
STEP = 0.2


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
    pictures = 4

    def __init__(self, change: float = 0.12, noises: float = 2.0, restless: float = 0.3, drift: float = 1.6) -> None:
        if not (0 < change <= 2 and noises >= 0 and 0 < restless <= 2 and drift >= 1):
            raise ConfigError("presence: use differences above 0 up to 2, noises of 0 or more and a drift of 1 or more")
        self.change, self.noises, self.restless, self.drift = change, noises, restless, drift
        super().__init__()

    def judge(self, features: Floats) -> Judged:
        now, cells = unit(features), features.shape[:2]
        memory = self.memory
        last, before = memory.get("last"), memory.get("before")
        if last is not None:
            memory["before"] = last
        memory["last"] = now
        if last is None or before is None:
            memory.setdefault("reference", np.full_like(now, np.nan))
            memory.setdefault("noise", np.zeros(cells, np.float32))
            memory.setdefault("age", np.zeros(cells, np.int8))
            memory.setdefault("missed", np.zeros(cells, np.int8))
            return Judged(admitted=np.zeros(cells, bool))
        step, earlier = apart(now, last), apart(last, before)
        least = np.maximum(self.drift * np.minimum(step, earlier), STILL)
        rest = (step <= self.restless) & (apart(now, before) <= least)
        difference = apart(now, memory["reference"])
        same = difference <= np.maximum(self.change, self.noises * memory["noise"])
        settled: Mask = rest & ~same
        memory["missed"] = np.where(same, 0, np.minimum(memory["missed"] + 1, GONE)).astype(np.int8)
        gone = ~same & ~settled & (memory["missed"] >= GONE) & (memory["age"] > 0)
        self._follow(now, same, step)
        held = unit(now + last + before)
        self._begin(held, settled, step)
        memory["reference"][gone] = np.nan
        memory["age"][gone] = 0
        kept = np.where(settled[..., None], held, now)
        admitted: Mask = settled | gone
        return Judged(admitted=admitted, score=float(step.mean()), features=kept if admitted.any() else None)

    def _follow(self, now: Floats, same: Mask, step: Floats) -> None:
        """Cells that show the same: their mean grows, their noise is followed."""
        memory = self.memory
        growing = same & (memory["age"] < LONGEST)
        age = memory["age"][growing][:, None]
        memory["reference"][growing] = unit(memory["reference"][growing] * age + now[growing])
        memory["age"] = (memory["age"] + growing).astype(np.int8)
        followed = memory["noise"] + STEP * (step - memory["noise"])
        memory["noise"] = np.where(same, followed, memory["noise"]).astype(np.float32)

    def _begin(self, held: Floats, settled: Mask, step: Floats) -> None:
        """Cells in which something new rests."""
        memory = self.memory
        memory["reference"][settled] = held[settled]
        memory["age"][settled] = REST
        memory["missed"][settled] = 0
        memory["noise"] = np.where(settled, step, memory["noise"]).astype(np.float32)

    def _new(self) -> Self:
        return type(self)(self.change, self.noises, self.restless, self.drift)
