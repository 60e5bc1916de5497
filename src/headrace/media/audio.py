"""AudioTrack: from the packets of an audio stream to chunks of 16 kHz sound on the media clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.error import EOFError as EndError
from av.error import FFmpegError
from av.packet import Packet

from headrace.core.item import MS, SECOND
from headrace.core.sound import Samples
from headrace.media.interleave import RATE, Chunk
from headrace.media.stats import Stats
from headrace.media.timeline import JUMP, Timeline

#: Samples in one chunk.
CHUNK = 1_600

#: ns of one sample.
SAMPLE = SECOND // RATE

#: Stamps this far from the count of samples are believed to say the same.
TOLERANCE = 100 * MS

#: Sound that its stamps put no further back than this is cut; beyond it the stamps are not believed.
BACK = 2 * SECOND

#: Sound that waits for the first picture is kept up to this length, ns.
EARLY = 60 * SECOND


class AudioTrack:
    """Decodes one audio stream and places its samples by count, on the clock of the pictures.

    The first sample stands where its stamp says, and each later one follows the one before; what lies before
    `floor` is cut. Stamps that run ahead of the count by more than 100 ms, two frames in a row, are a gap: the chunk
    in the making ends there and the next begins at the stamp. Stamps that fall behind by as much, up to 2 s, say
    that sound repeats: it is cut. Any other stamps are not believed, and counting goes on. So time never runs back.

    Args:
        stream: the audio.
        timeline: tells where stamps stand; sound waits until it does.
        stats: `decode_errors` and `sound_jumps` are counted here.
        floor: ns before which there is no sound.
        leads: there are no pictures; the first stamp sets the timeline, whose ticks must be ns.

    Attributes:
        end: ns up to which there is sound, `floor` before the first chunk.
        made: samples made so far.
    """

    def __init__(
        self, stream: AudioStream, timeline: Timeline, stats: Stats, *, floor: int = 0, leads: bool = False
    ) -> None:
        self._stream, self._timeline, self._stats, self._leads = stream, timeline, stats, leads
        self.end, self.made = floor, 0
        self._floor = floor
        self._early: deque[AudioFrame] = deque()
        self._doubt: tuple[int, AudioFrame] | None = None
        self._astray = self._cutting = False
        self._resampler: AudioResampler | None = None
        self._setup: Any = None
        self._start: int | None = None
        self._fed = Fraction(0)
        self._out = self._cut = 0
        self._rest: Samples = np.zeros(0, np.float32)

    def feed(self, packet: Packet[AudioStream] | None) -> Iterator[Chunk]:
        """The chunks that `packet` completes; all that remain for None."""
        for frame in self._decode(packet):
            if frame.samples and frame.sample_rate:
                self._early.append(frame)
        anchored = self._timeline.at(Fraction(0)) is not None
        if self._early and self._leads and not anchored:
            self._timeline.place(int((self._seconds(self._early[0]) or 0) * SECOND))
            anchored = True
        if not anchored:
            while sum(map(_length, self._early)) > EARLY:
                self._early.popleft()
        else:
            while self._early:
                yield from self._judge(self._early.popleft())
        if packet is None and self._start is not None:
            if self._doubt is not None:
                yield from self._push(self._doubt[1])
            yield from self._finish()

    def _decode(self, packet: Packet[AudioStream] | None) -> list[AudioFrame]:
        try:
            return list(self._stream.codec_context.decode(packet))
        except EndError:
            return []
        except FFmpegError:
            self._stats.decode_errors += 1
            return []

    def _judge(self, frame: AudioFrame) -> Iterator[Chunk]:
        """Place a frame by its stamp, or by the count of samples."""
        at = self._place(frame)
        if self._start is None:
            self._begin(self.end if at is None or abs(at - self.end) > JUMP else at)
            at = None
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            if at is not None and abs(at - doubt[0] - _length(doubt[1])) <= TOLERANCE:
                yield from self._finish()
                self._begin(doubt[0])
                at = None
            yield from self._push(doubt[1])
        off = 0 if at is None else at - self._expected()
        cutting, self._cutting = self._cutting, False
        if abs(off) <= (_length(frame) // 2 if cutting and off < 0 else TOLERANCE):
            self._astray = False
        elif not self._astray:
            self._stats.sound_jumps += 1
            self._astray = True
        if at is not None and TOLERANCE < off <= JUMP:
            self._doubt = at, frame
        elif -BACK <= off < 0 and self._astray:
            self._cutting = True
        else:
            yield from self._push(frame)

    def _place(self, frame: AudioFrame) -> int | None:
        seconds = self._seconds(frame)
        return None if seconds is None else self._timeline.at(seconds)

    def _seconds(self, frame: AudioFrame) -> Fraction | None:
        """The stamp of a frame on the container's clock, None if it has none."""
        base = frame.time_base or self._stream.time_base
        return None if frame.pts is None or base is None else frame.pts * base

    def _begin(self, start: int) -> None:
        """Count samples from `start` ns."""
        self._start, self._fed, self._out = start, Fraction(0), 0
        self._cut = max(0, -((start - self._floor) // SAMPLE))

    def _expected(self) -> int:
        assert self._start is not None
        return self._start + int(self._fed * SECOND)

    def _push(self, frame: AudioFrame) -> Iterator[Chunk]:
        """Resample a frame; it follows the last one."""
        if frame.layout.name == f"{frame.layout.nb_channels} channels":
            try:
                frame = _mean(frame)
            except (FFmpegError, ValueError):
                self._stats.decode_errors += 1
                return
        setup = (frame.format.name, frame.layout.name, frame.layout.nb_channels, frame.sample_rate)
        if self._resampler is None or setup != self._setup:
            yield from self._drain()
            self._resampler, self._setup = AudioResampler("s32", "mono", RATE), setup
        self._fed += Fraction(frame.samples, frame.sample_rate)
        frame.pts = None
        try:
            found = self._resampler.resample(frame)
        except (FFmpegError, ValueError):
            self._stats.decode_errors += 1
            self._resampler = None
            return
        yield from self._gather(found)

    def _drain(self) -> Iterator[Chunk]:
        """What the resampler still holds."""
        resampler, self._resampler = self._resampler, None
        if resampler is not None:
            yield from self._gather(resampler.resample(None))

    def _finish(self) -> Iterator[Chunk]:
        """The run of samples ends: the last chunk may be short."""
        yield from self._drain()
        if self._rest.size:
            yield self._chunk(self._rest.size)

    def _gather(self, frames: list[AudioFrame]) -> Iterator[Chunk]:
        for frame in frames:
            samples = frame.to_ndarray().reshape(-1).astype(np.float32) * np.float32(1 / (1 << 31))
            cut = min(self._cut, samples.size)
            self._cut, self._out = self._cut - cut, self._out + cut
            self._rest = np.concatenate([self._rest, samples[cut:]])
            while self._rest.size >= CHUNK:
                yield self._chunk(CHUNK)

    def _chunk(self, size: int) -> Chunk:
        assert self._start is not None
        pts = self._start + self._out * SAMPLE
        samples, self._rest = self._rest[:size], self._rest[size:]
        self._out, self.made = self._out + size, self.made + size
        self.end = pts + size * SAMPLE
        if self._leads:
            self._timeline.advance(self.end - 1)
        return Chunk(pts, samples)


def _length(frame: AudioFrame) -> int:
    """ns that a frame lasts."""
    return frame.samples * SECOND // frame.sample_rate


def _mean(frame: AudioFrame) -> AudioFrame:
    """The mean of channels of which it is not known where they stand."""
    packed = frame.format.packed.name
    if frame.format.is_planar:  # PyAV looks for planes beyond the last one where there are eight or more
        frame.pts = None
        (frame,) = AudioResampler(packed, frame.layout, frame.sample_rate).resample(frame)
    data = frame.to_ndarray()
    mean = data.reshape(-1, frame.layout.nb_channels).mean(axis=1)[None].astype(data.dtype)
    mono = AudioFrame.from_ndarray(mean, format=packed, layout="mono")
    mono.sample_rate = frame.sample_rate
    return mono
