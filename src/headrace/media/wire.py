"""Wire: messages between a ParallelVideo and its workers, over pipes; planes go through a shared ring.

To the worker: BEGIN(low, high) an interval of the display times it must hand over; PACKET; END of the
interval; FREE(slot). From the worker: FRAME in a slot; SEAM(digest) of a frame at or after `high`;
END(errors); GIVE_UP(reason).
"""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from struct import Struct
from typing import IO

import numpy as np
import numpy.typing as npt

from headrace.core.frame import Frame

#: Stands for a missing time stamp; FFmpeg's own mark.
NO_PTS = -(1 << 63)

_HEAD = Struct("<BBIqqqI")


class Kind(IntEnum):
    """What a message says."""

    BEGIN = 1
    PACKET = 2
    END = 3
    FREE = 4
    FRAME = 5
    SEAM = 6
    GIVE_UP = 7


@dataclass(slots=True)
class Message:
    """One message; the meaning of `number`, `a`, `b`, `c` is the kind's.

    BEGIN: a = low, b = high (NO_PTS for no bound). PACKET: number = 1 if its errors count, a = pts,
    b = dts, c = duration, body = data, flags 1 = key frame, 2 = corrupt. FRAME: number = slot, a = pts, b = height,
    c = width, flags 1 = key, 2 = full range, 4 = grey. FREE: number = slot. SEAM: a = pts, body = digest.
    END from the worker: number = errors. GIVE_UP: body = reason.
    """

    kind: Kind
    flags: int = 0
    number: int = 0
    a: int = NO_PTS
    b: int = NO_PTS
    c: int = NO_PTS
    body: bytes = b""


def send(file: IO[bytes], message: Message) -> None:
    """Write one message; the caller flushes."""
    file.write(
        _HEAD.pack(message.kind, message.flags, message.number, message.a, message.b, message.c, len(message.body))
    )
    if message.body:
        file.write(message.body)


def receive(file: IO[bytes]) -> Message | None:
    """The next message, None at the end or when the other side died amid one."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, flags, number, a, b, c, size = _HEAD.unpack(head)
    body = file.read(size) if size else b""
    return Message(Kind(kind), flags, number, a, b, c, body) if len(body) == size else None


def shared_file(size: int) -> int:
    """The descriptor of `size` bytes that processes can share; not bounded by /dev/shm."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("headrace")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class Slots:
    """A ring of slots for one picture each in a shared file.

    A picture lies in its slot as y, u, v, each without padding.
    """

    def __init__(self, descriptor: int, count: int, size: int) -> None:
        self.size = size
        self._bytes = np.frombuffer(mmap.mmap(descriptor, count * size), np.uint8)

    def put(self, slot: int, frame: Frame) -> None:
        """Copy the frame's planes into a slot."""
        at = slot * self.size
        for plane in planes(frame):
            self._bytes[at : at + plane.size].reshape(plane.shape)[...] = plane
            at += plane.size

    def get(self, message: Message) -> Frame:
        """A copy of the picture that a FRAME message announces."""
        height, width = message.b, message.c
        grey = bool(message.flags & 4)
        shapes = [(height, width)] + ([] if grey else [((height + 1) // 2, (width + 1) // 2)] * 2)
        total = sum(rows * columns for rows, columns in shapes)
        start = message.number * self.size
        data = self._bytes[start : start + total].copy()
        data.flags.writeable = False
        parts: list[npt.NDArray[np.uint8]] = []
        at = 0
        for rows, columns in shapes:
            parts.append(data[at : at + rows * columns].reshape(rows, columns))
            at += rows * columns
        y, u, v = parts if len(parts) == 3 else (parts[0], None, None)
        return Frame(y, u, v, full_range=bool(message.flags & 2), key=bool(message.flags & 1))


def planes(frame: Frame) -> list[npt.NDArray[np.uint8]]:
    """The planes that a frame has."""
    return [plane for plane in (frame.y, frame.u, frame.v) if plane is not None]


def digest(frame: Frame) -> bytes:
    """16 bytes that tell frames of different size, range or pixels apart."""
    sums = blake2b(f"{frame.width} {frame.height} {frame.full_range}".encode(), digest_size=16)
    for plane in planes(frame):
        sums.update(np.ascontiguousarray(plane).data)
    return sums.digest()
