"""StreamSource: files, network streams, cameras and standard input, through PyAV."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.media.address import Address
from headrace.media.container import (
    configure,
    describe,
    frame_step,
    log,
    open_container,
    packets,
    pick_video,
    pictures,
)
from headrace.media.info import Info
from headrace.media.planes import Converter
from headrace.media.retry import Retry
from headrace.media.source import Picture, VideoSource


class StreamSource(VideoSource):
    """One container, opened at once so that a wrong address fails here.

    A live stream that breaks or ends is opened again as `retry` says; the time spent waiting is added
    to the media clock. A file read by network that breaks off before its end is an error once the frames
    before the break have been handed over. Decoding uses one thread unless `threads` says otherwise: on a file more
    threads add delay and, on few cores, no throughput.

    Args:
        address: what to open.
        name: `Item.source`; the address as shown if None.
        every, loop: see VideoSource.
        retry: how a lost live stream is called back.
        threads: of the decoder.
        sleep: waits so many seconds; by default until then or `close`.

    Attributes:
        info: what was found, see Info.

    Raises:
        InputError: the address cannot be opened or holds no video.
    """

    def __init__(
        self,
        address: Address,
        *,
        name: str | None = None,
        every: int | None = None,
        loop: bool = False,
        retry: Retry | None = None,
        threads: int = 1,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._address, self._threads = address, threads
        self._retry = retry or Retry()
        self._random = Random(self._retry.seed)
        self._pipe = Pipe(0) if address.kind == "pipe" else None
        self._container: InputContainer | None = None
        self._stream = self._open()
        assert self._container is not None
        self.info: Info = describe(self._container, self._stream, address)
        super().__init__(name or address.shown, can_wait=not self.info.live, every=every, loop=loop)
        self._sleep: Callable[[float], object] = sleep or self._closed.wait

    def close(self) -> None:
        if self._pipe:
            self._pipe.wake()
        super().close()

    def _open(self) -> VideoStream:
        self._container = open_container(self._address, self._pipe)
        try:
            stream = pick_video(self._container, self._address)
        except InputError:
            self._release()
            raise
        configure(stream, threads=self._threads, live=self._address.live)
        return stream

    def _pictures(self) -> Iterator[Picture]:
        if self._container is None:
            self._stream = self._open()
        converter, waits, gap = Converter(), self._retry.waits(self._random), 0
        while True:
            assert self._container is not None
            assert self._stream.time_base is not None
            self._timeline.restart(self._stream.time_base, frame_step(self._stream), gap)
            source = packets(self._container, self._stream, self.stats, self._closed.is_set)
            try:
                for picture in pictures(source, self._stream, self.stats):
                    waits = self._retry.waits(self._random)
                    yield picture.pts, partial(converter, picture)
            except (FFmpegError, OSError) as error:
                self._broken(error)
            self._release()
            if not self.info.live or self._closed.is_set():
                return
            gap = self._reconnect(waits)
            if self._closed.is_set():
                return

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
                self._stream = self._open()
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


class Pipe:
    """A pipe read without seeking, whose blocking read `wake` ends."""

    def __init__(self, descriptor: int) -> None:
        if os.isatty(descriptor):
            raise InputError("standard input is a terminal; pipe a video into it: … | headrace watch -")
        self.name = "standard input"
        self._descriptor = descriptor
        self._woken, self._waker = os.pipe()

    def read(self, size: int) -> bytes:
        """At most `size` bytes, none at the end or after `wake`."""
        ready, _, _ = select.select([self._descriptor, self._woken], [], [])
        return b"" if self._woken in ready else os.read(self._descriptor, size)

    def wake(self) -> None:
        """End the read in progress and all that follow; may be called from any thread."""
        os.write(self._waker, b"\0")

    def __del__(self) -> None:
        if hasattr(self, "_waker"):
            os.close(self._woken)
            os.close(self._waker)
