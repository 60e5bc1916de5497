"""ImageFolder: a folder of images as a video."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from av.video.frame import VideoFrame

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.media.address import Address, address_of, is_picture, natural
from headrace.media.container import describe, open_container, packets, pick_video, pictures
from headrace.media.info import Info
from headrace.media.planes import Converter
from headrace.media.source import Picture, VideoSource
from headrace.media.timeline import exact_rate


class ImageFolder(VideoSource):
    """The images of a folder in natural order (9.png before 10.png), `fps` of them a second.

    An image that cannot be decoded is counted in `stats.decode_errors`; its time passes without it.

    Raises:
        InputError: no image in the folder can be opened.
    """

    def __init__(
        self,
        address: Address,
        *,
        name: str | None = None,
        every: int | None = None,
        loop: bool = False,
        fps: float = 1.0,
    ) -> None:
        self._rate = exact_rate(fps, 1_000_000)
        super().__init__(name or address.shown, can_wait=True, every=every, loop=loop)
        self._paths = sorted((p for p in Path(address.target).iterdir() if is_picture(p)), key=natural)
        self.info = self._describe(address)

    def _describe(self, address: Address) -> Info:
        duration = int(len(self._paths) * SECOND / self._rate)
        for path in self._paths:
            file = address_of(path)
            try:
                with open_container(file) as container:
                    first = describe(container, pick_video(container, file), file)
            except InputError:
                continue
            if not first.width:
                continue
            return Info(
                address.shown,
                "images",
                first.width,
                first.height,
                float(self._rate),
                duration,
                first.codec,
                False,
            )
        raise InputError(f"{address.shown}: none of the {len(self._paths)} images can be read; save them again")

    def _pictures(self) -> Iterator[Picture]:
        self._timeline.restart(1 / self._rate, int(SECOND / self._rate))
        converter = Converter()
        for index, path in enumerate(self._paths):
            picture = self._load(path)
            if picture is not None:
                yield index, partial(converter, picture)

    def _load(self, path: Path) -> VideoFrame | None:
        errors = self.stats.decode_errors
        try:
            address = address_of(path)
            with open_container(address) as container:
                stream = pick_video(container, address)
                stream.codec_context.thread_count = 1
                source = packets(container, stream, self.stats, self._closed.is_set)
                found = next(chain(pictures(source, stream, self.stats), [None]))
        except InputError:
            found = None
        if found is None:
            self.stats.decode_errors = errors + 1
        return found
