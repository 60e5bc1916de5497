"""Opening containers and decoding their streams, with FFmpeg's errors told in one line."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from headrace.core.errors import InputError
from headrace.core.item import MS, SECOND
from headrace.media.address import Address
from headrace.media.info import Info
from headrace.media.stats import Stats

log = logging.getLogger("headrace.media")

#: FFmpeg shows text as a film of a terminal; nobody who names a text file means that.
_TEXT = frozenset({"ansi", "bintext", "xbin", "idf"})

#: What these formats' first file holds is only a description of the stream; its size says nothing.
_PLAYLISTS = frozenset({"hls", "dash", "sdp"})

#: Formats whose files say how long they are, not only from what was found in them.
_INDEXED = frozenset({"matroska", "webm", "mov", "mp4", "avi", "flv"})

#: Frames a second, at least and at most, that are believed.
SLOWEST, FASTEST = Fraction(1, 100), 1000

#: A file of fewer bytes a second than this is not as long as it claims.
SPARSEST = 1

#: Reads that may fail one after another before a file is taken to have ended.
_PATIENCE = 64

_HINTS: tuple[tuple[type[FFmpegError], str], ...] = (
    (
        av.error.HTTPUnauthorizedError,
        "the server wants a user name and password; write scheme://user:password@host/…",
    ),
    (av.error.HTTPForbiddenError, "the server refuses access; check the credentials"),
    (av.error.HTTPNotFoundError, "the server has nothing there; check the path"),
    (av.error.HTTPClientError, "the server refuses the request; check the URL"),
    (av.error.HTTPError, "the server failed; try again later"),
    (av.error.ConnectionRefusedError, "the connection is refused; check host, port and that the server runs"),
    (av.error.ExitError, "no answer in time; check the address and the network"),
    (av.error.TimeoutError, "no answer in time; check the address and the network"),
    (av.error.PermissionError, "may not be read; give yourself permission"),
    (av.error.FileNotFoundError, "no such file or device; check the name"),
    (av.error.ProtocolNotFoundError, "this FFmpeg lacks the protocol; install another build of PyAV"),
)


def open_container(address: Address, file: Any = None) -> InputContainer:
    """Open what `address` names, or the object `file` with a `read` method in its place.

    Raises:
        InputError: it cannot be opened, or is not a video; says why and what to do.
    """
    try:
        return av.open(
            file or address.target,
            "r",
            format=address.format,
            options=address.options,
            timeout=address.timeout,
            metadata_errors="replace",
        )
    except (FFmpegError, OSError, ValueError) as error:
        raise InputError(f"{address.shown}: {_reason(address, error)}") from None


def _reason(address: Address, error: Exception) -> str:
    if address.kind == "file" and getattr(error, "errno", None) == errno.EPERM:
        return "a script that names files outside its folder; give those files"
    for kind, hint in _HINTS:
        if isinstance(error, kind):
            return hint
    if isinstance(error, av.error.InvalidDataError | av.error.EOFError):
        if address.kind == "stream":
            return "what the server sends is not a video; check the URL"
        return "not a video or an image, or cut short before its index; convert or record it again"
    detail = getattr(error, "strerror", None) or type(error).__name__
    return f"cannot be opened ({detail}); check the address"


def pick_video(container: InputContainer, address: Address) -> VideoStream:
    """The container's main video stream.

    Raises:
        InputError: there is none that can be decoded.
    """
    video = find_video(container, address)
    if video is None:
        kinds = sorted({stream.type for stream in container.streams if not _is_cover(stream)})
        held = f"only {', '.join(kinds)}" if kinds else "no streams"
        raise InputError(f"{address.shown}: has no video ({held}); give a file or stream with pictures")
    return video


def pick(
    container: InputContainer, address: Address, *, sound: bool = True
) -> tuple[VideoStream | None, AudioStream | None]:
    """The container's main video and audio stream; with `sound` either may be missing, else the audio is left out.

    Raises:
        InputError: there is none that can be decoded.
    """
    if not sound:
        return pick_video(container, address), None
    video, audio = find_video(container, address), find_audio(container, address)
    if video is None and audio is None:
        kinds = sorted({stream.type for stream in container.streams if not _is_cover(stream)})
        held = f"only {', '.join(kinds)}" if kinds else "no streams"
        raise InputError(f"{address.shown}: has neither video nor sound that can be decoded ({held}); give another")
    return video, audio


def find_video(container: InputContainer, address: Address) -> VideoStream | None:
    """The container's main video stream; a picture attached to sound is none.

    Raises:
        InputError: its codec is not known, or it is no video.
    """
    best: Any = container.streams.best("video")
    if best is None or _is_cover(best):
        best = next((stream for stream in container.streams.video if not _is_cover(stream)), None)
    if best is None:
        return None
    assert isinstance(best, VideoStream)
    try:
        name = best.codec_context.name
    except (AttributeError, FFmpegError):
        raise InputError(f"{address.shown}: its video codec is not known to FFmpeg; convert it to H.264") from None
    if name in _TEXT:
        raise InputError(f"{address.shown}: is a text file, not a video; give a video, images or a URL")
    return best


def find_audio(container: InputContainer, address: Address) -> AudioStream | None:
    """The container's main audio stream, None if it has none that can be decoded."""
    best = container.streams.best("audio")
    if best is None:
        return None
    assert isinstance(best, AudioStream)
    try:
        best.codec_context.thread_count = 1
    except (AttributeError, FFmpegError):
        log.warning("%s: its audio codec is not known to FFmpeg; its sound is left out", address.shown)
        return None
    return best


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def configure(stream: VideoStream, *, threads: int = 1, live: bool = False) -> None:
    """Set up the decoder: one thread unless asked, and no delay for live streams."""
    stream.codec_context.thread_count = threads
    stream.codec_context.thread_type = "SLICE" if live else "AUTO"
    if live:
        stream.codec_context.flags |= Flags.low_delay


def describe(container: InputContainer, video: VideoStream | None, audio: AudioStream | None, address: Address) -> Info:
    """Info of an opened container; `audio` is what it holds, whether it is listened to or not."""
    duration = _duration(container, video or audio)
    live = address.live or (address.kind == "stream" and duration is None and not _sized(container))
    rate = frame_rate(video) if video is not None else None
    return Info(
        name=address.shown,
        kind=address.kind,
        width=video.codec_context.width if video is not None else 0,
        height=video.codec_context.height if video is not None else 0,
        fps=float(rate) if rate else None,
        duration=None if live else duration,
        codec=video.codec_context.name if video is not None else "",
        live=live,
        channels=audio.codec_context.layout.nb_channels if audio is not None else 0,
        rate=audio.codec_context.sample_rate if audio is not None else 0,
        sound_codec=audio.codec_context.name if audio is not None else "",
    )


def _duration(container: InputContainer, stream: VideoStream | AudioStream | None) -> int | None:
    """ns that the container claims, None if it claims none that can be true."""
    duration = None
    if stream is not None and stream.duration is not None and stream.time_base is not None:
        duration = int(stream.duration * stream.time_base * SECOND)
    elif container.duration is not None:
        duration = container.duration * (SECOND // av.time_base)
    if duration is None or duration <= 0 or (isinstance(stream, VideoStream) and _is_absurd(stream.average_rate)):
        return None
    size = 0 if _PLAYLISTS & set(container.format.name.split(",")) else container.size
    return None if 0 < size * SECOND < duration * SPARSEST else duration


def _sized(container: InputContainer) -> bool:
    """Whether the server has told how many bytes there are: then the stream ends with them."""
    return container.size > 0 and not _PLAYLISTS & set(container.format.name.split(","))


def frame_rate(stream: VideoStream) -> Fraction | None:
    """Frames a second that the container claims, None if it claims none that can be true."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and not _is_absurd(rate):
            return rate
    return None


def _is_absurd(rate: Fraction | None) -> bool:
    return rate is not None and rate != 0 and not SLOWEST <= rate <= FASTEST


def missing(container: InputContainer, seconds: float) -> float:
    """Seconds that a file claims to last beyond `seconds` on its own clock; 0 where its claim says little."""
    names = set(container.format.name.split(","))
    if not _INDEXED & names or not container.duration:
        return 0.0
    start = 0 if "matroska" in names else container.start_time or 0  # there the claim is the time of its end
    return max(0.0, (start + container.duration) / av.time_base - seconds)


def frame_step(stream: VideoStream) -> int:
    """Nominal ns between frames; 40 ms if the container does not tell."""
    rate = frame_rate(stream)
    return int(SECOND / rate) if rate else 40 * MS


def packets(
    container: InputContainer, streams: Sequence[Stream], stats: Stats, closed: Callable[[], bool]
) -> Iterator[Packet[Any]]:
    """The streams' packets that hold data, as they come; damaged stretches are counted and passed over.

    Raises:
        FFmpegError: the connection of a network stream broke.
    """
    failures = 0
    while not closed():
        try:
            for packet in container.demux(*streams):
                failures = 0
                if packet.size:
                    yield packet
                if closed():
                    return
            return
        except av.error.InvalidDataError:
            stats.decode_errors += 1
            failures += 1
            if failures >= _PATIENCE:
                return


def pictures(source: Iterator[Packet[VideoStream]], stream: VideoStream, stats: Stats) -> Iterator[VideoFrame]:
    """Decode packets to pictures in order of display; damaged packets are counted and skipped."""
    try:
        for packet in source:
            yield from decode(stream, packet, stats)
    except FFmpegError:
        yield from decode(stream, None, stats)
        raise
    yield from decode(stream, None, stats)


def decode(stream: VideoStream, packet: Packet[VideoStream] | None, stats: Stats) -> list[VideoFrame]:
    """The pictures that `packet` completes, or all that remain for None."""
    try:
        found = stream.codec_context.decode(packet)
    except av.error.EOFError:
        return []
    except FFmpegError:
        stats.decode_errors += 1
        return []
    stats.decode_errors += sum(picture.is_corrupt for picture in found)
    if packet is not None and packet.is_corrupt:
        stats.decode_errors += 1
    return found
