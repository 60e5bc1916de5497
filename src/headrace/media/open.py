"""open_source and probe: the two calls with which every stream begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from headrace.core.errors import ConfigError, HeadraceError, InputError
from headrace.media.address import Address, address_of
from headrace.media.info import Info
from headrace.media.retry import Retry
from headrace.media.source import MediaSource


def open_source(
    url: str | os.PathLike[str],
    *,
    name: str | None = None,
    every: int | None = None,
    loop: bool = False,
    fps: float = 1.0,
    workers: int = 1,
    sound: bool = False,
    at: Mapping[str, Any] | None = None,
    gap: int = 0,
    retry: Retry | None = None,
    timeout: tuple[float, float] = (10.0, 10.0),
    sleep: Callable[[float], object] | None = None,
) -> MediaSource:
    """Open a stream of video items, and audio items if asked.

    Args:
        url: a video, sound or image file, a folder of images, an http(s), rtsp, rtmp, srt, udp or tcp URL
            (HLS playlists included), `camera:0` or `/dev/video0`, a named pipe, or `-` for standard input.
        name: `Item.source`; the address, without credentials, if None.
        every: ns of media time; hands over the first frame at or after each multiple of it.
        loop: files and folders begin again at their end, time going on.
        fps: images a second of a folder.
        workers: processes that decode a file, see ParallelVideo; 1 decodes in the reading thread.
        sound: give audio items as well, on the same clock; a file without video then is read for its sound.
        at: a position of this source (`MediaSource.position`) to go on from.
        gap: ns of media time between a position of a live stream and the first frame from now on.
        retry: how a lost live stream is called back.
        timeout: seconds a network stream or camera may take (to open, to send something).
        sleep: how waits between attempts to reconnect are waited.

    Raises:
        InputError: nothing that can be read is there; one line says what, where and what to do.
        ConfigError: PyAV is not installed, or an option does not fit the source.
        StateError: `at` is a position of another source.
    """
    require_av()
    if workers < 1:
        raise ConfigError(f"workers={workers}: at least 1 is needed")
    address = address_of(url, timeout=timeout)
    if loop and address.kind not in ("file", "images"):
        raise ConfigError(f"{address.shown}: only files and folders of images can loop")
    source: MediaSource
    if address.kind == "images":
        from headrace.media.images import ImageFolder

        source = ImageFolder(address, name=name, every=every, loop=loop, fps=fps)
    elif workers > 1 and address.kind == "file":
        from headrace.media.parallel import ParallelVideo

        if sound:
            raise ConfigError(f"{address.shown}: parallel decoding gives no sound; use workers=1")
        source = ParallelVideo(address.shown, workers=workers, name=name, every=every, loop=loop)
    else:
        from headrace.media.stream import StreamSource

        source = StreamSource(address, name=name, every=every, loop=loop, sound=sound, retry=retry, sleep=sleep)
    if at is not None:
        try:
            source.resume(at, gap)
        except HeadraceError:
            source.close()
            raise
    return source


def probe(url: str | os.PathLike[str], *, fps: float = 1.0, timeout: tuple[float, float] = (10.0, 10.0)) -> Info:
    """What `url` holds, without decoding it.

    Raises:
        InputError: as `open_source`; also for `-` and named pipes, which can be read only once.
    """
    require_av()
    address: Address = address_of(url, timeout=timeout)
    if address.kind == "pipe":
        raise InputError(f"{address.shown} can be read only once; open it and look at its .info")
    if address.kind == "images":
        from headrace.media.images import ImageFolder

        return ImageFolder(address, fps=fps).info
    from headrace.media.container import describe, open_container, pick

    with open_container(address) as container:
        return describe(container, *pick(container, address), address)


def require_av() -> None:
    """Raise ConfigError, with the pip command, if PyAV is missing."""
    try:
        import av  # noqa: F401
    except ImportError:
        raise ConfigError("reading video needs PyAV; run: pip install 'headrace[media]'") from None
