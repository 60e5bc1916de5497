"""Timeline: from a container's time stamps to strictly increasing nanoseconds; Ticks: which to keep."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from headrace.core.errors import ConfigError
from headrace.core.item import MS, SECOND
from headrace.media.stats import Stats

#: A jump ahead by more than this is not believed.
JUMP = 3600 * SECOND


class Timeline:
    """Places time stamps on one media clock that starts at 0 ns and strictly increases.

    A stamp is placed exactly, `floor((ticks - anchor) * time_base)`, so that rounding never adds up.
    A stamp that is missing takes the place one frame after the last. One that is not after the last,
    or more than an hour after it, is nudged to just behind the last; if the next one is out of place
    too, the stamps have jumped for good, and the clock is anchored anew one frame after the last.
    Each mended stamp counts in `stats.bad_pts`.
    """

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._base = Fraction(1, SECOND)
        self._step = 40 * MS
        self._anchor: tuple[int, int] | None = None
        self._last: int | None = None
        self._gap = 0
        self._astray = False

    def restart(self, base: Fraction, step: int, gap: int = 0) -> None:
        """A (new) run of stamps begins.

        Args:
            base: seconds a tick.
            step: nominal duration of a frame in ns.
            gap: ns that passed since the last frame of the run before; at least `step` is taken.
        """
        self._base, self._step, self._gap = base, max(step, 1), max(step, gap, 1)
        self._anchor, self._astray = None, False

    def place(self, ticks: int | None) -> int:
        """The time in ns of the next frame, in the order of display."""
        if ticks is None:
            self._stats.bad_pts += 1
            return self._settle(self.coming)
        if self._anchor is None:
            return self._settle(self.coming, ticks)
        origin, start = self._anchor
        at = start + (ticks - origin) * self._base.numerator * SECOND // self._base.denominator
        last = self._last
        if last is None or last < at <= last + JUMP:
            self._astray = False
            return self._settle(at)
        self._stats.bad_pts += 1
        if self._astray:
            return self._settle(last + self._step, ticks)
        self._astray = True
        return self._settle(last + max(self._step // 8, 1))

    @property
    def reached(self) -> int:
        """ns at which the last frame was placed, 0 before the first."""
        return self._last or 0

    @property
    def coming(self) -> int:
        """ns at which the next frame is placed if it has no stamp, or is the first of a run."""
        return 0 if self._last is None else self._last + self._gap

    def at(self, seconds: Fraction) -> int | None:
        """ns of a time on the container's clock, which may lie before 0; None until a stamp has been placed."""
        if self._anchor is None:
            return None
        origin, start = self._anchor
        return start + int((seconds - origin * self._base) * SECOND // 1)

    def advance(self, reached: int) -> None:
        """What ends at `reached` ns has been placed by other means: no later frame stands before that."""
        self._last = reached if self._last is None else max(self._last, reached)

    def snapshot(self) -> list[Any]:
        """Everything remembered, for `restore`; JSON holds it."""
        base, anchor = self._base, self._anchor and list(self._anchor)
        return [base.numerator, base.denominator, self._step, anchor, self._last, self._gap, self._astray]

    def restore(self, state: list[Any]) -> None:
        """Be as when `state` was taken."""
        numerator, denominator, self._step, anchor, self._last, self._gap, self._astray = state
        self._base, self._anchor = Fraction(numerator, denominator), tuple(anchor) if anchor else None

    def _settle(self, at: int, anchor: int | None = None) -> int:
        if anchor is not None:
            self._anchor = (anchor, at)
        self._last, self._gap = at, self._step
        return at


def exact_rate(rate: float | Fraction, denominator: int) -> Fraction:
    """A rate (things a second) as a fraction whose denominator is at most `denominator`.

    Raises:
        ConfigError: it is not a number from 1 / denominator to a million.
    """
    if not 1 / denominator <= rate <= 1_000_000:
        raise ConfigError(f"a rate of {rate} a second: a positive one from {1 / denominator:g} to 1000000 is needed")
    return Fraction(rate).limit_denominator(denominator)


class Ticks:
    """Keeps the first frame at or after each multiple of `every` ns; all frames if `every` is None.

    The grid is absolute, so the choice does not depend on where reading began.
    """

    def __init__(self, every: int | None) -> None:
        self._every = every
        #: ns before which no frame is kept.
        self.next = 0

    def due(self, pts: int) -> bool:
        """Whether the frame at `pts` is kept; call it once a frame, in order."""
        if self._every is None:
            return True
        if pts < self.next:
            return False
        self.next = (pts // self._every + 1) * self._every
        return True
