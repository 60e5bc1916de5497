"""ParallelVideo: one file decoded by several processes, cut at key frames.

After QuickVideo (arXiv 2505.16175), which decodes key-frame-aligned intervals of a long video in
parallel. Here the packets are read once, in order, and handed to the workers, so that any container
will do and nothing is sought; and every seam is checked by decoding it from both sides.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import chain, cycle, islice
from typing import IO, Any

from av.error import FFmpegError

from headrace.core.errors import ConfigError
from headrace.core.frame import Frame
from headrace.media.address import address_of
from headrace.media.container import (
    configure,
    describe,
    find_audio,
    frame_step,
    log,
    open_container,
    packets,
    pick_video,
    pictures,
)
from headrace.media.intervals import MAX_PACKETS, SPLITTABLE, Interval, SplitError, intervals
from headrace.media.planes import Converter
from headrace.media.source import MediaSource, Part, Picture
from headrace.media.wire import NO_PTS, Kind, Message, Slots, digest, receive, send, shared_file


class ParallelVideo(MediaSource):
    """A video file, decoded by `workers` processes; the same items as the serial source, byte for byte.

    Each worker decodes one interval between key frames at a time and runs ahead of the reader by as
    many frames as its share of `memory` holds; frames are handed over in order. Two workers run side
    by side for good if that share holds half an interval. Where the file cannot be split, or a seam
    does not match, decoding goes on in this process from the frame it had reached. Damaged pictures come
    at the same times and are counted alike, but what stands in for their missing parts is whatever the
    decoder holds, so those pictures, up to the next key frame, need not be the serial source's.

    Args:
        path: the file.
        workers: processes.
        interval: least number of packets between cuts.
        memory: bytes of the shared rings of decoded frames, all together.
        name, every, loop: see MediaSource.

    Attributes:
        info: what the file holds.
        fallback: why decoding is (or became) serial, "" if it is not.

    Raises:
        InputError: the file cannot be read or holds no video.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        workers: int = 2,
        interval: int = 48,
        memory: int = 192 << 20,
        name: str | None = None,
        every: int | None = None,
        loop: bool = False,
    ) -> None:
        if workers < 1 or interval < 1 or memory < 1:
            raise ConfigError(f"workers={workers}, interval={interval}, memory={memory}: all must be at least 1")
        self._address = address_of(path)
        if self._address.kind != "file":
            raise ConfigError(f"{self._address.shown}: only a file can be decoded in parallel; use workers=1")
        with open_container(self._address) as container:
            audio = find_audio(container, self._address)
            self.info = describe(container, pick_video(container, self._address), audio, self._address)
        super().__init__(name or self._address.shown, can_wait=True, every=every, loop=loop)
        self._workers, self._interval, self._memory = workers, interval, memory
        self._crew: list[_Hand] = []
        self.fallback = ""

    def resume(self, position: Mapping[str, Any], gap: int = 0) -> None:
        """Cannot go on from a position: ConfigError."""
        raise ConfigError(f"{self.name}: parallel decoding cannot go on from a position; use workers=1")

    def close(self) -> None:
        super().close()
        for hand in list(self._crew):
            hand.kill()

    def _parts(self, near: Mapping[str, Any] | None = None) -> Iterator[Part]:
        delivered = 0
        errors = self.stats.decode_errors
        try:
            for picture in self._split():
                delivered += 1
                yield picture
            return
        except SplitError as reason:
            self.fallback = str(reason)
        finally:
            self._dismiss()
        if self._closed.is_set():
            return
        log.info("%s: decoding in one process: %s", self.name, self.fallback)
        self.stats.decode_errors = errors
        yield from islice(self._serial(restart=not delivered), delivered, None)

    def _serial(self, restart: bool) -> Iterator[Picture]:
        with open_container(self._address) as container:
            stream = pick_video(container, self._address)
            configure(stream)
            assert stream.time_base is not None
            if restart:
                self._timeline.restart(stream.time_base, frame_step(stream))
            converter = Converter()
            source = packets(container, [stream], self.stats, self._closed.is_set)
            try:
                for picture in pictures(source, stream, self.stats):
                    yield picture.pts, partial(converter, picture)
            except FFmpegError as error:
                log.warning("%s: reading failed (%s)", self.name, type(error).__name__)
                self.stats.decode_errors += 1

    def _split(self) -> Iterator[Picture]:
        with open_container(self._address) as container:
            stream = pick_video(container, self._address)
            context = stream.codec_context
            if context.name not in SPLITTABLE:
                raise SplitError(f"key frames of {context.name} are not known to reset its decoder")
            source = packets(container, [stream], self.stats, self._closed.is_set)
            try:
                todo = intervals(source, self._interval)
                first = list(islice(todo, 2))
                if len(first) < 2:
                    raise SplitError("a single interval: no second key frame far enough from the first")
                assert stream.time_base is not None
                self._timeline.restart(stream.time_base, frame_step(stream))
                self._hire(context.width, context.height)
                yield from self._gather(chain(first, todo))
            except FFmpegError as error:
                raise SplitError(f"reading failed ({type(error).__name__})") from None

    def _gather(self, todo: Iterator[Interval]) -> Iterator[Picture]:
        """Keep every worker supplied with two intervals; take their frames in order."""
        hands = cycle(self._crew)
        order: deque[_Hand] = deque()
        seam: dict[int, bytes] = {}
        while True:
            for interval in islice(todo, 2 * len(self._crew) - len(order)):
                hand = next(hands)
                hand.assign(interval)
                order.append(hand)
            if not order:
                return
            seam = yield from self._take(order.popleft(), seam)
            if order and not seam:
                raise SplitError("no frame at a seam could be decoded")

    def _take(self, hand: _Hand, seam: dict[int, bytes]) -> Generator[Picture, None, dict[int, bytes]]:
        """The frames of the interval that `hand` works on; returns the digests at its far seam.

        The first frames are held back until every one at the near seam equals what the interval
        before it saw there.
        """
        held: list[tuple[int, Frame]] = []
        far: dict[int, bytes] = {}
        for message in hand.messages():
            if message.kind is Kind.END:
                self.stats.decode_errors += message.number
                break
            if message.kind is Kind.SEAM:
                far[message.a] = message.body
            elif not seam:
                yield message.a, partial(hand.slots.get, message)
                hand.release(message)
            else:
                frame = hand.slots.get(message)
                hand.release(message)
                expected = seam.pop(message.a, None)
                if expected != digest(frame) and (expected is not None or not held):
                    raise SplitError("frames at a key frame depend on what comes before it")
                held.append((message.a, frame))
                if not seam:
                    for pts, kept in held:
                        yield pts, partial(_same, kept)
        if seam:
            raise SplitError("frames at a seam are missing")
        return far

    def _hire(self, width: int, height: int) -> None:
        size = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
        slots = min(max(2, self._memory // (self._workers * size)), MAX_PACKETS)
        for _ in range(self._workers):
            self._crew.append(_Hand(self._address.shown, slots, size))

    def _dismiss(self) -> None:
        while self._crew:
            self._crew.pop().dismiss()


class _Hand:
    """One worker process, seen from here."""

    def __init__(self, path: str, slots: int, size: int) -> None:
        descriptor = shared_file(slots * size)
        try:
            self.slots = Slots(descriptor, slots, size)
            command = [
                sys.executable,
                "-m",
                "headrace.media.worker",
                path,
                *map(str, (descriptor, slots, size)),
            ]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(descriptor,),
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        finally:
            os.close(descriptor)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to: IO[bytes] = self._process.stdin
        self._from: IO[bytes] = self._process.stdout

    def assign(self, interval: Interval) -> None:
        """Send an interval; it is worked on after those sent before."""
        self._send(Message(Kind.BEGIN, a=_ticks(interval.low), b=_ticks(interval.high)))
        for packet, counts in interval.packets:
            stamps = (_ticks(packet.pts), _ticks(packet.dts), _ticks(packet.duration))
            flags = packet.is_keyframe | packet.is_corrupt << 1
            self._send(Message(Kind.PACKET, flags, counts, *stamps, bytes(packet)))
        self._send(Message(Kind.END))
        self._send_now()

    def messages(self) -> Iterator[Message]:
        """What the worker says.

        Raises:
            SplitError: it gave up or died.
        """
        while True:
            message = receive(self._from)
            if message is None:
                raise SplitError("a worker ended before its work")
            if message.kind is Kind.GIVE_UP:
                raise SplitError(message.body.decode())
            yield message

    def release(self, message: Message) -> None:
        """Give the slot of a FRAME back."""
        self._send(Message(Kind.FREE, number=message.number))
        self._send_now()

    def kill(self) -> None:
        """End the process; a read in progress then ends too. May be called from any thread."""
        self._process.kill()

    def dismiss(self) -> None:
        """End the process and close its pipes."""
        self._process.kill()
        self._process.wait()
        self._from.close()
        with suppress(OSError):
            self._to.close()

    def _send(self, message: Message) -> None:
        try:
            send(self._to, message)
        except OSError:
            raise SplitError("a worker ended before its work") from None

    def _send_now(self) -> None:
        try:
            self._to.flush()
        except OSError:
            raise SplitError("a worker ended before its work") from None


def _ticks(stamp: int | None) -> int:
    return NO_PTS if stamp is None else stamp


def _same(frame: Frame) -> Frame:
    return frame
