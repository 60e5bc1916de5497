"""Intervals: cutting a packet stream at key frames so that each part decodes alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from av.packet import Packet
from av.video.stream import VideoStream

#: Codecs whose key frames reset all that their decoder remembers.
SPLITTABLE = frozenset({"h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "mpeg2video", "mjpeg", "prores"})

#: An interval that grows beyond this without a key frame is not worth a process.
MAX_PACKETS = 600
MAX_BYTES = 64 << 20


class SplitError(Exception):
    """The file cannot be cut here; says why in one clause."""


@dataclass(slots=True)
class Interval:
    """Packets, in decode order, whose frames from `low` up to `high` in display order are wanted.

    It begins with a key frame and ends with a *tail*: the next interval's key frame, the pictures
    that follow it in decode order but come before it in display order (an open group of pictures:
    they may refer to both sides), and one picture more. So every wanted frame is decoded here exactly
    as in one pass; and the frames at the seam are decoded on both sides and can be compared.

    Attributes:
        low, high: time stamps in ticks; None for no bound.
        packets: each with whether damage to it counts here (else it counts in the neighbour).
    """

    low: int | None
    high: int | None = None
    packets: list[tuple[Packet[VideoStream], bool]] = field(default_factory=list)


def intervals(packets: Iterator[Packet[VideoStream]], at_least: int) -> Iterator[Interval]:
    """Cut at key frames, no closer together than `at_least` packets.

    Raises:
        SplitError: time stamps are missing or run backwards across a key frame, a packet carries
            side data that cannot travel, or no key frame comes in time.
    """
    done: Interval | None = None  # waits for its tail
    now = Interval(None)
    top: int | None = None
    size = 0
    trailing = False
    for packet in packets:
        pts = packet.pts
        if pts is None:
            raise SplitError("packets without time stamps")
        if packet.is_discard or packet.has_sidedata("new_extradata") or packet.has_sidedata("param_change"):
            raise SplitError("packets with an edit list or changing parameters")
        if packet.is_keyframe and done is None and len(now.packets) >= at_least and top is not None and pts > top:
            done, now = now, Interval(pts)
            done.high, trailing, size = pts, False, 0
        leads = now.low is not None and pts < now.low
        if leads and trailing:
            raise SplitError("time stamps that run backwards")
        now.packets.append((packet, not leads))
        size += packet.size
        top = pts if top is None else max(top, pts)
        if done is not None:
            done.packets.append((packet, leads))
        if now.low is not None and pts > now.low:
            trailing = True
            if done is not None:
                yield done
                done = None
        if len(now.packets) > at_least and (len(now.packets) > MAX_PACKETS or size > MAX_BYTES):
            raise SplitError(f"no key frame within {len(now.packets)} packets")
    if done is not None:
        yield done
    yield now
