"""BurstEncoder: a token for each burst of sound: a word, a beep, a knock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Self

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError, InputError, StateError
from headrace.core.item import MS, SECOND, Item
from headrace.core.op import Op
from headrace.core.sound import Sound
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Floats
from headrace.understanding.tokens.tokens import Tokens

RATE = 16_000
#: Samples and ns of one frame; its spectrum is that of the frame and the one before it.
FRAME, STEP = 160, 10 * MS
#: Mel bands from `LOWEST` to `HIGHEST` Hz, and the parts of equal length that a burst is cut into.
BANDS, PARTS, LOWEST, HIGHEST = 24, 8, 100.0, 7600.0
#: What lies this far below a burst's strongest band counts as silence, dB.
DEPTH = 30.0
#: Frames without sound that end a burst; those with sound that make one.
PAUSE, LEAST = 15, 4
#: How fast the estimate of the noise falls and rises in a frame: to a fifth of the way, by 1.3 dB a second.
FALL, RISE = 0.2, 1.003

Doubles = npt.NDArray[np.float64]


class BurstEncoder(Op):
    """Turns items of kind "audio" into one item of kind "tokens" for each burst; Stateful.

    A burst begins with a frame of 10 ms that is louder than `least_db`, and by `above_db` louder than the noise, and
    ends with 150 ms that are not; bursts of fewer than 4 loud frames are none. It is known once it has ended, or
    lasts `longest`, at which it is cut; the end of a stream ends none. A gap of more than 10 ms between items ends one.
    Its item stands at its first loud frame and arrives with the sound that ended it: it comes later than pictures of
    the same time. Its token (sense "sound", one cell) is the shape of its log-mel spectrum: 24 bands in 8 parts of
    its length, not lower than 30 dB below the strongest; of its two-dimensional cosine transform the `size` slowest
    components without those that are alike in all bands, so that neither loudness nor speed counts, each weighed by the
    square root of its order in time and in pitch, scaled to length 1. Nothing is learned.
    Items of other kinds pass.

    Source: mel-frequency cepstra (Davis and Mermelstein, IEEE Trans. ASSP 28, 1980), over time as well; the noise
    follows minima, after Martin (EUSIPCO 1994).

    Args:
        size: D, components of a token.
        least_db: dB of full scale.
        above_db: dB.
        longest: ns.

    Raises:
        ConfigError: `size` or `longest` is out of reach.
    """

    def __init__(
        self, size: int = 48, least_db: float = -45.0, above_db: float = 9.0, longest: int = 1200 * MS
    ) -> None:
        if not 1 <= size <= PARTS * (BANDS - 1):
            raise ConfigError(f"burst encoder: size {size}: use 1 to {PARTS * (BANDS - 1)}")
        if longest < STEP * LEAST:
            raise ConfigError(f"burst encoder: longest {longest} ns: use {STEP * LEAST} or more")
        self.size, self.least_db, self.above_db, self.longest = size, least_db, above_db, longest
        self._least, self._above = 10 ** (least_db / 10), 10 ** (above_db / 10)
        self.reset()

    def reset(self) -> None:
        self._rest: Floats = np.zeros(0, np.float32)
        self._before: Floats = np.zeros(FRAME, np.float32)
        self._frames: list[Floats] = []
        self._next: int | None = None  # where the next sample is expected
        self._start = self._quiet = 0
        self._noise: float | None = None  # until the first frame

    def step(self, item: Item) -> Iterable[Item]:
        """The tokens of the bursts that this sound ends.

        Raises:
            InputError: it is not 16 kHz, not one channel, or not finite.
        """
        return list(self._hear(item)) if item.kind == "audio" else (item,)

    def token(self, samples: Floats) -> Floats:
        """The token of one burst that stands alone, float32 [size]: a template of it. Changes nothing remembered.

        Args:
            samples: float32 [n] at 16 kHz, a second of it at most.

        Raises:
            InputError: they hold no burst, or more than one.
        """
        alone = type(self)(self.size, self.least_db, self.above_db, self.longest)
        silence = np.zeros(RATE // 4, np.float32)
        item = Item(0, "audio", Sound(np.concatenate([silence, samples, silence]), RATE), source="template")
        made = list(alone._hear(item))
        if len(made) != 1:
            raise InputError(
                f"a template of {len(samples)} samples holds {len(made)} bursts; give one, of a second or less"
            )
        features: Floats = made[0].data.features[0, 0]
        return features

    def _hear(self, item: Item) -> Iterator[Item]:
        sound = _sound(item)
        if self._next is None or abs(item.pts - self._next) > STEP:
            if self._next is not None:
                yield from self._end(item)
            self._rest, self._before = np.zeros(0, np.float32), np.zeros(FRAME, np.float32)
            self._next = item.pts
        first = self._next - len(self._rest) * SECOND // RATE
        samples = np.concatenate([self._rest, sound])
        frames = samples[: len(samples) - len(samples) % FRAME].reshape(-1, FRAME)
        powers = np.mean(frames.astype(np.float64) ** 2, axis=1).tolist()
        for index, power in enumerate(powers):
            yield from self._judge(item, first + index * STEP, frames[index], power)
        self._rest = samples[frames.size :].copy()
        self._next += len(sound) * SECOND // RATE

    def _judge(self, item: Item, pts: int, frame: Floats, power: float) -> Iterator[Item]:
        noise = power if self._noise is None else self._noise
        self._noise = noise * RISE if power > noise else noise + FALL * (power - noise)
        loud = power > max(self._least, self._above * noise)
        if loud and not self._frames:
            self._start = pts
        if loud or self._frames:
            self._frames.append(_bands(np.concatenate([self._before, frame])))
        self._before = frame.copy()
        self._quiet = 0 if loud else min(self._quiet + 1, PAUSE)
        if self._frames and (self._quiet >= PAUSE or len(self._frames) * STEP >= self.longest):
            yield from self._end(item)

    def _end(self, item: Item) -> Iterator[Item]:
        """The burst is over: its token, if it was one."""
        frames, self._frames = self._frames[: max(0, len(self._frames) - self._quiet)], []
        if len(frames) >= LEAST:
            tokens = Tokens(_shape(np.stack(frames), self.size)[None, None], "sound")
            yield replace(item, pts=self._start, kind="tokens", data=tokens)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta = {"next": self._next, "start": self._start, "quiet": self._quiet, "noise": self._noise}
        frames = np.stack(self._frames) if self._frames else np.zeros((0, BANDS), np.float32)
        return Snapshot(
            "burst-encoder", meta, {"rest": self._rest.copy(), "before": self._before.copy(), "frames": frames}
        )

    def restore(self, snapshot: Snapshot) -> None:
        held = snapshot.expect("burst-encoder")
        if (lasting := len(held.arrays["frames"]) * STEP) > self.longest:
            raise StateError(f"the snapshot holds a burst of {lasting} ns, this encoder cuts them at {self.longest}")
        self._rest, self._before = held.arrays["rest"].copy(), held.arrays["before"].copy()
        self._frames = [frame.copy() for frame in held.arrays["frames"]]
        self._next, self._start, self._quiet = held.meta["next"], held.meta["start"], held.meta["quiet"]
        self._noise = held.meta["noise"]

    def fork(self) -> Self:
        other = type(self)(self.size, self.least_db, self.above_db, self.longest)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return self._rest.nbytes + self._before.nbytes + 4 * BANDS * len(self._frames) + 32

    def max_bytes(self) -> int:
        return 8 * FRAME + 4 * BANDS * -(-self.longest // STEP) + 32


def _sound(item: Item) -> Floats:
    sound, where = item.data, f"{item.source!r} at {item.pts} ns"
    if not isinstance(sound, Sound):
        raise InputError(f"{where}: sound is needed, got {type(sound).__name__}")
    if sound.rate != RATE or sound.samples.ndim != 1:
        shape = "×".join(map(str, sound.samples.shape))
        raise InputError(f"{where}: {shape} samples at {sound.rate} Hz; bring it to one channel of {RATE} Hz")
    if not np.isfinite(sound.samples).all():
        raise InputError(f"{where}: a sample is not finite; its decoder failed")
    return sound.samples.astype(np.float32, copy=False)


def _bands(window: Floats) -> Floats:
    """Power in each mel band of two frames, float32 [BANDS]."""
    filters, taper = _filters()
    return (filters @ np.abs(np.fft.rfft(window * taper)) ** 2).astype(np.float32)


def _shape(powers: Floats, size: int) -> Floats:
    """The token of the frames [N, BANDS] of a burst, float32 [size]."""
    strongest = max(float(powers.max()), 1e-20)
    levels = 10 * np.log10(np.maximum(powers.astype(np.float64), strongest * 10 ** (-DEPTH / 10)))
    edges = np.linspace(0, len(levels), PARTS + 1)
    sums = np.concatenate([np.zeros((1, BANDS)), np.cumsum(levels, axis=0)])
    below = np.minimum(edges.astype(int), len(levels) - 1)
    reached = sums[below] + (edges - below)[:, None] * (sums[below + 1] - sums[below])
    parts = np.diff(reached, axis=0) / np.diff(edges)[:, None]
    slow, fast, weights = _order(size)
    found = (_cosines(PARTS) @ parts @ _cosines(BANDS).T)[slow, fast] * weights
    length = float(np.linalg.norm(found))
    if length < 1e-6:  # every band alike all the time: white noise, of which nothing is left
        return np.full(size, size**-0.5, np.float32)
    return (found / length).astype(np.float32)


@cache
def _filters() -> tuple[Doubles, Doubles]:
    """Triangles of equal width in mel, [BANDS, FRAME + 1], and the window, [2 FRAME]."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST, HIGHEST))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(2 * FRAME, 1 / RATE)
    rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    return np.clip(np.minimum(rising, falling), 0, None), np.hanning(2 * FRAME + 1)[:-1]


@cache
def _order(size: int) -> tuple[list[int], list[int], Doubles]:
    """The slowest components: order in time, order in pitch, weight."""
    grid = [(time, pitch) for time in range(PARTS) for pitch in range(1, BANDS)]
    chosen = sorted(grid, key=lambda at: (at[0] / PARTS + at[1] / BANDS, at))[:size]
    weights = np.array([((1 + time) * (1 + pitch)) ** 0.5 for time, pitch in chosen])
    return [time for time, _ in chosen], [pitch for _, pitch in chosen], weights


@cache
def _cosines(count: int) -> Doubles:
    """The orthonormal cosine transform of `count` numbers, [count, count]."""
    order = np.arange(count)
    basis = np.cos(np.pi * np.outer(order, order + 0.5) / count) * np.sqrt(2 / count)
    basis[0] /= np.sqrt(2)
    return basis
