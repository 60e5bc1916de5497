"""The process that decodes intervals for a ParallelVideo: `python -m headrace.media.worker`.

One thread reads messages, so that the sender never waits for the decoder; the other decodes.
"""

from __future__ import annotations

import os
import signal
import sys
from queue import LifoQueue, SimpleQueue
from threading import Thread
from typing import IO, Any

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from headrace.core.errors import InputError
from headrace.media.address import address_of
from headrace.media.container import configure, decode, open_container, pick_video
from headrace.media.planes import Converter
from headrace.media.stats import Stats
from headrace.media.wire import NO_PTS, Kind, Message, Slots, digest, planes, receive, send


class Worker:
    """Decodes one interval after another.

    Args:
        path: the file, opened only for its decoder's parameters; packets arrive as messages.
        slots: where frames are put.
        count: how many slots there are.
        inbox, outbox: the pipes.
    """

    def __init__(self, path: str, slots: Slots, count: int, inbox: IO[bytes], outbox: IO[bytes]) -> None:
        address = address_of(path)
        self._container = open_container(address)
        self._stream: VideoStream = pick_video(self._container, address)
        configure(self._stream)
        self._slots, self._inbox, self._outbox = slots, inbox, outbox
        self._work: SimpleQueue[Message | None] = SimpleQueue()
        self._free: LifoQueue[int | None] = LifoQueue()
        for slot in range(count):
            self._free.put(slot)
        self._convert = Converter()
        self._low = self._high = NO_PTS
        self._errors = 0

    def run(self) -> None:
        """Work until the inbox ends."""
        Thread(target=self._listen, daemon=True).start()
        while (message := self._work.get()) is not None:
            if message.kind is Kind.BEGIN:
                self._low, self._high, self._errors = message.a, message.b, 0
            elif message.kind is Kind.PACKET:
                self._decode(_packet(message, self._stream), counts=bool(message.number))
            else:
                self._decode(None, counts=True)
                self._stream.codec_context.flush_buffers()
                self._tell(Message(Kind.END, number=self._errors))

    def _listen(self) -> None:
        while (message := receive(self._inbox)) is not None:
            if message.kind is Kind.FREE:
                self._free.put(message.number)
            else:
                self._work.put(message)
        self._work.put(None)
        self._free.put(None)

    def _decode(self, packet: Packet[VideoStream] | None, counts: bool) -> None:
        stats = Stats()
        for picture in decode(self._stream, packet, stats):
            self._hand_over(picture)
        if counts:
            self._errors += stats.decode_errors

    def _hand_over(self, picture: VideoFrame) -> None:
        pts = picture.pts
        if pts is None:
            return self._give_up("a frame lost its time stamp")
        if pts < self._low:
            return None
        frame = self._convert(picture)
        if self._high != NO_PTS and pts >= self._high:
            return self._tell(Message(Kind.SEAM, a=pts, body=digest(frame)))
        if sum(plane.size for plane in planes(frame)) > self._slots.size:
            return self._give_up("the frame size grows within the file")
        slot = self._free.get()
        if slot is None:
            sys.exit()
        self._slots.put(slot, frame)
        flags = frame.key | frame.full_range << 1 | (frame.u is None) << 2
        return self._tell(Message(Kind.FRAME, flags, slot, pts, frame.height, frame.width))

    def _give_up(self, reason: str) -> None:
        self._tell(Message(Kind.GIVE_UP, body=reason.encode()))
        sys.exit()

    def _tell(self, message: Message) -> None:
        send(self._outbox, message)
        self._outbox.flush()


def _packet(message: Message, stream: VideoStream) -> Packet[Any]:
    # A packet made from bytes would lack the padding that decoders read into; one of a size has it.
    packet = Packet(len(message.body))
    packet.update(message.body)
    packet.stream = stream
    assert stream.time_base is not None
    packet.time_base = stream.time_base
    packet.pts, packet.dts, packet.duration = (None if t == NO_PTS else t for t in (message.a, message.b, message.c))
    packet.is_keyframe = bool(message.flags & 1)
    packet.is_corrupt = bool(message.flags & 2)
    return packet


def main() -> None:
    """Arguments: path, descriptor of the shared file, slots, bytes a slot."""
    path, descriptor, count, size = sys.argv[1], *map(int, sys.argv[2:5])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    inbox, outbox = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        Worker(path, Slots(descriptor, count, size), count, inbox, outbox).run()
    except (InputError, av.error.FFmpegError) as error:
        send(outbox, Message(Kind.GIVE_UP, body=str(error).encode()))
        outbox.flush()
    except BrokenPipeError:
        pass


if __name__ == "__main__":
    main()
