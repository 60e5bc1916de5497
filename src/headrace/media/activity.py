"""Activity: stretches of speech out of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from headrace.core.item import MS, SECOND
from headrace.core.stateful import Snapshot
from headrace.media.heard import RATE

Samples = npt.NDArray[np.float32]
#: Samples of a frame, each with one probability.
FRAME = 512
#: Frames over which the quietest place is looked for.
QUIET = 3


@dataclass(slots=True)
class Stretch:
    """Speech without a pause: media time in ns, mean probability, float32 [n] samples at 16 kHz."""

    first: int
    last: int
    score: float
    samples: Samples


@dataclass(slots=True, frozen=True)
class Pace:
    """When speech begins and ends.

    The thresholds, the least speech and the padding are the defaults of silero-vad's documentation.

    Attributes:
        begin: probability from which speech begins.
        end: probability below which it may end.
        speech: ns; shorter speech is dropped.
        silence: ns below `end` after which it has ended.
        pad: ns added at either side; less than a frame (32 ms) and than `silence`.
        longest: ns; a longer stretch is cut at the quietest place of its second half.
    """

    begin: float = 0.5
    end: float = 0.35
    speech: int = 250 * MS
    silence: int = 300 * MS
    pad: int = 30 * MS
    longest: int = 15 * SECOND


class Activity:
    """Finds stretches of speech in the frames of one stream, by hysteresis; Stateful."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace or Pace()
        self._silence = _frames(self.pace.silence)
        self._speech = _frames(self.pace.speech)
        self._longest = (self.pace.longest - 2 * self.pace.pad) * RATE // (FRAME * SECOND)
        self.reset()

    def reset(self) -> None:
        self._frames: list[Samples] = []  # `_lead` frames from before the stretch, then the stretch so far
        self._pts: list[int] = []
        self._odds: list[float] = []
        self._open = self._joined = False  # `_joined`: the stretch goes on where another was cut
        self._lead = self._quiet = 0  # `_quiet`: frames at its end in which speech may have ended

    def see(self, pts: int, frame: Samples, probability: float) -> Stretch | None:
        """The next frame, float32 [512], whose first sample is at `pts`; the stretch that it ends, if any."""
        self._frames.append(frame.copy())
        self._pts.append(pts)
        self._odds.append(probability)
        if not self._open:
            self._open = probability >= self.pace.begin
            self._lead = len(self._frames) - 1
            if not self._open:
                self._keep(1)
            return None
        self._quiet = self._quiet + 1 if self._below(probability) else 0
        if self._quiet >= self._silence:
            return self._close()
        return self._split() if len(self._frames) - self._lead >= self._longest else None

    def finish(self) -> Stretch | None:
        """The stretch that the end of the stream cut short."""
        return self._close() if self._open else None

    def _below(self, probability: float) -> bool:
        """Below `end`; once a frame was, only one of `begin` takes it back."""
        return probability < (self.pace.begin if self._quiet else self.pace.end)

    def _close(self) -> Stretch | None:
        """End the stretch where its last frames fell below `end`."""
        stop = len(self._frames) - self._quiet
        enough = stop - self._lead >= (1 if self._joined else self._speech)
        found = self._cut(stop, self.pace.pad if self._quiet else 0) if enough else None
        self._open = self._joined = False
        self._quiet = 0
        self._keep(1)
        return found

    def _split(self) -> Stretch:
        """Cut the stretch where it may have ended, else at the quietest place of its second half; go on from there."""
        stop = len(self._frames) - self._quiet
        if not self._quiet:
            power = np.array([float(np.mean(frame.astype(np.float64) ** 2)) for frame in self._frames])
            half, smooth = len(power) // 2, np.convolve(power, np.ones(QUIET) / QUIET, "same")
            stop = half + int(np.argmin(smooth[half:-QUIET]))
        found = self._cut(stop, 0)
        self._joined, self._lead = True, 0
        self._keep(len(self._frames) - stop)
        return found

    def _cut(self, stop: int, after: int) -> Stretch:
        """The stretch up to frame `stop` and `after` ns of that frame."""
        before = self.pace.pad if self._lead else 0
        begin, tail = FRAME * self._lead - before * RATE // SECOND, after * RATE // SECOND
        samples = np.concatenate(self._frames[: stop + 1])[begin : stop * FRAME + tail]
        last = self._pts[stop - 1] + FRAME * SECOND // RATE + after
        return Stretch(self._pts[self._lead] - before, last, float(np.mean(self._odds[self._lead : stop])), samples)

    def _keep(self, count: int) -> None:
        del self._frames[:-count], self._pts[:-count], self._odds[:-count]

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta = {"pts": list(self._pts), "open": self._open, "joined": self._joined}
        meta |= {"lead": self._lead, "quiet": self._quiet}
        frames = np.stack(self._frames) if self._frames else np.zeros((0, FRAME), np.float32)
        return Snapshot("activity", meta, {"frames": frames, "odds": np.array(self._odds, np.float64)})

    def restore(self, snapshot: Snapshot) -> None:
        meta, arrays = snapshot.expect("activity").meta, snapshot.arrays
        self._frames = [frame.copy() for frame in arrays["frames"]]
        self._odds = [float(odds) for odds in arrays["odds"]]
        self._pts, self._open = list(meta["pts"]), meta["open"]
        self._joined, self._lead, self._quiet = meta["joined"], meta["lead"], meta["quiet"]

    def fork(self) -> Self:
        other = type(self)(self.pace)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return len(self._frames) * (4 * FRAME + 16) + 16

    def max_bytes(self) -> int:
        return (self._longest + 2) * (4 * FRAME + 16) + 16


def _frames(duration: int) -> int:
    """Frames that last at least `duration` ns, one or more."""
    return max(1, -(-duration * RATE // (FRAME * SECOND)))
