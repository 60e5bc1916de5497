"""StreamSource: files, network streams, cameras and standard input, through PyAV."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.media.address import Address
from headrace.media.audio import TOLERANCE, AudioTrack
from headrace.media.container import (
    configure,
    decode,
    describe,
    find_audio,
    frame_step,
    log,
    missing,
    open_container,
    packets,
    pick,
)
from headrace.media.info import Info
from headrace.media.intervals import SPLITTABLE
from headrace.media.pipe import Pipe
from headrace.media.planes import Converter
from headrace.media.position import Mark, Mismatch, Seek
from headrace.media.retry import Retry
from headrace.media.source import MediaSource, Part
from headrace.media.wire import digest

#: Key packets remembered: in a stream of key frames only, the last ones are ahead of the picture that has come out.
KEYS = 64


class StreamSource(MediaSource):
    """One container, opened at once so that a wrong address fails here.

    A live stream that breaks or ends is opened again as `retry` says; the time spent waiting is added
    to the media clock. A file read by network that breaks off before its end is an error once the frames
    before the break have been handed over. Decoding uses one thread unless `threads` says otherwise: on a file more
    threads add delay and, on few cores, no throughput.

    Args:
        address: what to open.
        name: `Item.source`; the address as shown if None.
        every, loop: see MediaSource.
        sound: hand over the sound too; a container without pictures is then read for its sound.
        retry: how a lost live stream is called back.
        threads: of the decoder.
        sleep: waits so many seconds; by default until then or `close`.

    Attributes:
        info: what was found, see Info.

    Raises:
        InputError: the address cannot be opened or holds nothing to hand over.
    """

    def __init__(
        self,
        address: Address,
        *,
        name: str | None = None,
        every: int | None = None,
        loop: bool = False,
        sound: bool = False,
        retry: Retry | None = None,
        threads: int = 1,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._address, self._sound, self._threads = address, sound, threads
        self._retry = retry or Retry()
        self._random = Random(self._retry.seed)
        self._pipe = Pipe(address.target) if address.kind == "pipe" else None
        self._container: InputContainer | None = None
        self._video: VideoStream | None = None
        self._audio: AudioStream | None = None
        #: Number and stamp of the last key packets; packets fed, samples made and stamp when the last picture came.
        self._keys: deque[tuple[int, int]] = deque(maxlen=KEYS)
        self._passed: tuple[int, int, int | None] = 0, 0, None
        container = self._open()
        self.info: Info = describe(container, self._video, self._audio or find_audio(container, address), address)
        super().__init__(name or address.shown, can_wait=not self.info.live, every=every, loop=loop)
        self._size = container.size
        self.repeats = self.can_wait and self._pipe is None
        if self._video is None:
            self._held = 0
        self._sleep: Callable[[float], object] = sleep or self._closed.wait

    def close(self) -> None:
        if self._pipe:
            self._pipe.wake()
        super().close()

    def _open(self) -> InputContainer:
        try:
            container = open_container(self._address, self._pipe)
        finally:
            if self._pipe:
                self._pipe.check()
        self._container = container
        try:
            self._video, self._audio = pick(container, self._address, sound=self._sound)
        except InputError:
            self._release()
            raise
        if self._video is not None:
            configure(self._video, threads=self._threads, live=self._address.live)
        return container

    def _parts(self, near: Mapping[str, Any] | None = None) -> Iterator[Part]:
        waits, gap = self._retry.waits(self._random), self._gap
        if self._container is None:
            self._open()
        while True:
            if near is None:
                self._restart(gap)
            try:
                for part in self._decoded(near):
                    waits = self._retry.waits(self._random)
                    yield part
            except (FFmpegError, OSError) as error:
                self._broken(error)
            finally:
                self._release()
            if not self.info.live or self._closed.is_set():
                return
            yield None
            self.reconnecting = True
            gap = self._reconnect(waits)
            self.reconnecting = False
            if self._closed.is_set():
                return

    def _restart(self, gap: int) -> None:
        """Place what follows `gap` ns after what has come."""
        if self._video is not None:
            assert self._video.time_base is not None
            self._timeline.restart(self._video.time_base, frame_step(self._video), gap)
        else:
            self._timeline.restart(Fraction(1, SECOND), 1, gap)
        self._heard = max(self._heard, self._timeline.coming)

    def _decoded(self, near: Mapping[str, Any] | None) -> Iterator[Part]:
        """The pictures and sound of the open container, as they come."""
        assert self._container is not None
        video, converter = self._video, Converter()
        track = self._track()
        seek = None if near is None else Seek(**near["seek"])
        fed, lost = 0, None
        self._keys.clear()
        source = self._packets(self._container)
        while True:
            try:
                packet = next(source, None)
            except FFmpegError as error:
                packet, lost = None, error
            if video is not None and (packet is None or packet.stream is video):
                fed += packet is not None
                if packet is not None and packet.is_keyframe and packet.pts is not None:
                    self._keys.append((fed, packet.pts))
                for picture in decode(video, packet, self.stats) if seek is None or fed >= seek.key else ():
                    frame = partial(converter, picture)
                    self._passed = fed, track.made if track is not None else 0, picture.pts
                    if seek is None or seek.reaches(*self._passed, frame):
                        seek = None
                        yield picture.pts, frame
            if track is not None and (packet is None or packet.stream is self._audio):
                yield from track.feed(packet)
            if packet is None:
                break
        if track is not None:
            self._heard = track.end
            if track.end > self._timeline.coming + TOLERANCE:
                self._timeline.advance(track.end)
        if seek is not None and not self._closed.is_set():
            raise Mismatch
        if lost is not None:
            raise lost

    def _track(self) -> AudioTrack | None:
        if self._audio is None:
            return None
        return AudioTrack(self._audio, self._timeline, self.stats, floor=self._heard, leads=self._video is None)

    def _packets(self, container: InputContainer) -> Iterator[Packet[Any]]:
        """The packets as they come; at the end of a file, what is missing of it is noted.

        Raises:
            FFmpegError: the connection of a network stream broke.
            InputError: a file read from front to end has its index at its end.
        """
        wanted = [stream for stream in (self._video, self._audio) if stream is not None]
        ends = self._address.kind in ("file", "pipe")
        any_packet, end, lost = False, 0.0, None
        try:
            for packet in packets(container, () if ends else wanted, self.stats, self._closed.is_set):
                any_packet = True
                stamp, base = packet.pts if packet.pts is not None else packet.dts, packet.time_base
                if stamp is not None and base is not None:
                    end = max(end, float((stamp + (packet.duration or 0)) * base))
                if packet.stream in wanted:
                    yield packet
        except FFmpegError as error:
            lost = error
        if self._pipe:
            self._pipe.check()
        if self._closed.is_set():
            return
        if not any_packet and self._address.kind != "file" and "mov" in container.format.name.split(","):
            raise InputError(
                f"{self.name}: its index stands at its end, so it cannot be read as it comes; give the path of the "
                "file, or move the index: ffmpeg -i FILE -c copy -movflags +faststart NEW.mp4"
            )
        if ends:
            step = 0 if self._video is None else frame_step(self._video) / SECOND
            short = missing(container, end)
            self.stats.ended_early = round(short, 3) if short > 1 + 2 * step else 0.0
        if lost is not None:
            raise lost

    def _identity(self) -> dict[str, Any]:
        about = super()._identity() | {"kind": self.info.kind, "sound": self._sound}
        if not self.repeats:
            return about
        return about | {"size": self._size, "codec": self.info.codec, "sound_codec": self.info.sound_codec}

    def _near(self, mark: Mark) -> dict[str, Any] | None:
        trouble = mark.state.stats.decode_errors - self._start.stats.decode_errors
        trouble += mark.state.stats.bad_pts - self._start.stats.bad_pts
        fed, made, stamp = self._passed
        if trouble or stamp is None or self.info.codec not in SPLITTABLE:
            return None
        keys = [number for number, pts in self._keys if pts <= stamp]
        if len(keys) < 2:
            return None
        seek = Seek(keys[-2], fed, made, stamp, digest(mark.planes()).hex())
        return mark.as_json() | {"seek": asdict(seek)}

    def _broken(self, error: Exception) -> None:
        """A read failed: a local file ends there, a live stream is called back, a file by network is cut short."""
        if self._closed.is_set():
            return
        if self._address.kind == "stream" and not self.info.live:
            whole = f" of {self.info.duration / SECOND:.1f}" if self.info.duration else ""
            raise InputError(
                f"{self.name}: the connection was lost at {self._timeline.reached / SECOND:.1f}{whole} s; "
                "check the network and read it again"
            )
        log.warning("%s: reading failed (%s)", self.name, type(error).__name__)
        if not self.info.live:
            self.stats.decode_errors += 1

    def _reconnect(self, waits: Iterator[float]) -> int:
        """Open the stream again; returns the ns spent waiting."""
        waited, attempts = 0.0, 0
        for wait in waits:
            log.warning("%s: lost; trying again in %.1f s", self.name, wait)
            self._sleep(wait)
            if self._closed.is_set():
                return 0
            waited, attempts = waited + wait, attempts + 1
            try:
                self._open()
            except InputError as error:
                log.warning("%s", error)
                continue
            self.stats.reconnects += 1
            log.info("%s: back after %.1f s", self.name, waited)
            return int(waited * SECOND)
        raise InputError(
            f"{self.name}: lost, and not back after {attempts} attempts in {waited:.0f} s; check the sender"
        )

    def _release(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            container.close()
