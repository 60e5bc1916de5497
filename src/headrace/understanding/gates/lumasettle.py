"""LumaSettle: admit blocks that have just become stable and differ from what was last admitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from headrace.understanding.admission import Floats, Mask
from headrace.understanding.blocks import Blocks, distance, row_gain
from headrace.understanding.gates.lumagate import LumaGate
from headrace.understanding.gates.rules import settle


@dataclass(frozen=True, slots=True)
class LumaBand:
    """Stillness and difference of luma, in levels, flicker taken out.

    Attributes:
        window: pictures that are looked at.
        band: the band of levels in which a block must stay, one for all or [rows, cols].
        change: the least difference that counts as new, likewise.
    """

    window: int
    band: Floats | float
    change: Floats | float
    forgets: ClassVar[bool] = False

    def hold(self, recent: Sequence[Floats]) -> tuple[Mask, Floats]:
        """Which blocks held still, plainly or once flicker is taken out, and their mean luma."""
        plain = np.stack(recent)
        mean = plain.mean(axis=0)
        stable = (plain.max(axis=0) - plain.min(axis=0)).max(axis=2) < self.band
        gains = [row_gain(recent[0], other) for other in recent[1:]]
        if all((gain == 1).all() for gain in gains):
            return stable, mean
        level = np.stack([recent[0], *(other * gain for other, gain in zip(recent[1:], gains, strict=True))])
        still = (level.max(axis=0) - level.min(axis=0)).max(axis=2) < self.band
        only = (still & ~stable)[..., None]
        return stable | still, np.where(only, level.mean(axis=0), mean)

    def difference(self, now: Floats, before: Floats) -> Floats:
        """Levels by which they differ both plainly and under the gain that fits best."""
        gained = distance(now, before * row_gain(now, before))
        return np.asarray(np.fmin(distance(now, before), gained), np.float32)


class LumaSettle(LumaGate):
    """Admits a block once, when it has settled on something new, see `rules.settle`.

    A block is *stable* when its luma stayed within a band over the last `window` frames, and *new*
    when the mean of these differs from the one last admitted there by more than a threshold. Both
    thresholds rise with the sensor's noise (a running median of the change from frame to frame)
    and, while the camera pans, with the block's texture. Flicker: a block moves, or is new, only if
    both the plain and the gain-compensated comparison say so. So what never stops moving does not
    flood the memory, and what stands still enters once, however long it stays.

    Args:
        window: frames a block must hold still; at 6 frames/s, 3 admit 0.33 s after a cut.
        still: least band of luma levels that counts as holding still.
        change: least difference in luma levels that counts as new.
        follow: attach the blocks to the scene while the camera pans.
    """

    kind = "settle"
    #: Share of a block's texture that resampling may move while the camera pans.
    PAN_STILL, PAN_CHANGE = 0.1, 0.25
    #: A difference beyond this shows something else, not the same thing again.
    JUMP = 30.0

    def __init__(self, window: int = 3, still: float = 3.0, change: float = 4.0, follow: bool = True) -> None:
        self.window, self.still, self.change, self.follow = window, still, change, follow
        super().__init__(follow)

    def judge(self, picture: Blocks, moving: bool) -> tuple[Mask, Mask, Mask]:
        noise = self._noise(picture.means)
        slack = picture.texture if moving else np.zeros_like(picture.texture)
        band = max(self.still, 3 * noise) + self.PAN_STILL * slack
        change = max(self.change, 4 * noise) + self.PAN_CHANGE * slack
        settled = settle(self.memory, picture.means, LumaBand(self.window, band, change))
        return settled.admitted, ~settled.stable, ~(settled.difference <= self.JUMP)

    def _noise(self, now: Floats) -> float:
        """Running median change from frame to frame, in luma levels, capped at 3."""
        noise = self.numbers.get("noise", 0.5)
        if "previous" in self.memory:
            change = distance(now, self.memory["previous"])
            known = change[np.isfinite(change)]
            if known.size:
                noise += 0.1 * (min(float(np.median(known)), 3.0) - noise)
        self.numbers["noise"] = noise
        return noise

    def _new(self) -> Self:
        return type(self)(self.window, self.still, self.change, self.follow)
