"""open_source and probe: the two calls with which every stream begins."""

from __future__ import annotations

import os
from collections.abc import Callable

from headrace.core.errors import ConfigError, InputError
from headrace.media.address import Address, address_of
from headrace.media.info import Info
from headrace.media.retry import Retry
from headrace.media.source import VideoSource


def open_source(
    url: str | os.PathLike[str],
    *,
    name: str | None = None,
    every: int | None = None,
    loop: bool = False,
    fps: float = 1.0,
    workers: int = 1,
    retry: Retry | None = None,
    timeout: tuple[float, float] = (10.0, 10.0),
    sleep: Callable[[float], object] | None = None,
) -> VideoSource:
    """Open a stream of video items.

    Args:
        url: a video or image file, a folder of images, an http(s), rtsp, rtmp, srt, udp or tcp URL
            (HLS playlists included), `camera:0` or `/dev/video0`, or `-` for standard input.
        name: `Item.source`; the address, without credentials, if None.
        every: ns of media time; hands over the first frame at or after each multiple of it.
        loop: files and folders begin again at their end, time going on.
        fps: images a second of a folder.
        workers: processes that decode a file, see ParallelVideo; 1 decodes in the reading thread.
        retry: how a lost live stream is called back.
        timeout: seconds a network stream or camera may take (to open, to send something).
        sleep: how waits between attempts to reconnect are waited.

    Raises:
        InputError: nothing that can be read is there; one line says what, where and what to do.
        ConfigError: PyAV is not installed, or an option does not fit the source.
    """
    require_av()
    if workers < 1:
        raise ConfigError(f"workers={workers}: at least 1 is needed")
    address = address_of(url, timeout=timeout)
    if loop and address.kind not in ("file", "images"):
        raise ConfigError(f"{address.shown}: only files and folders of images can loop")
    if address.kind == "images":
        from headrace.media.images import ImageFolder

        return ImageFolder(address, name=name, every=every, loop=loop, fps=fps)
    if workers > 1 and address.kind == "file":
        from headrace.media.parallel import ParallelVideo

        return ParallelVideo(address.shown, workers=workers, name=name, every=every, loop=loop)
    from headrace.media.stream import StreamSource

    return StreamSource(address, name=name, every=every, loop=loop, retry=retry, sleep=sleep)


def probe(url: str | os.PathLike[str], *, fps: float = 1.0, timeout: tuple[float, float] = (10.0, 10.0)) -> Info:
    """What `url` holds, without decoding it.

    Raises:
        InputError: as `open_source`; also for `-`, which can be read only once.
    """
    require_av()
    address: Address = address_of(url, timeout=timeout)
    if address.kind == "pipe":
        raise InputError("standard input can be read only once; open it and look at its .info")
    if address.kind == "images":
        from headrace.media.images import ImageFolder

        return ImageFolder(address, fps=fps).info
    from headrace.media.container import describe, open_container, pick_video

    with open_container(address) as container:
        return describe(container, pick_video(container, address), address)


def require_av() -> None:
    """Raise ConfigError, with the pip command, if PyAV is missing."""
    try:
        import av  # noqa: F401
    except ImportError:
        raise ConfigError("reading video needs PyAV; run: pip install 'headrace[media]'") from None
