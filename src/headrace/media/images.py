"""ImageFolder: a folder of images as a video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

from av.video.frame import VideoFrame

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.media.address import Address, address_of, is_picture, natural
from headrace.media.container import describe, open_container, packets, pick_video, pictures
from headrace.media.info import Info
from headrace.media.planes import Converter
from headrace.media.position import Mark
from headrace.media.source import MediaSource, Part
from headrace.media.timeline import exact_rate


class ImageFolder(MediaSource):
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
        self._index = 0
        self.info = self._describe(address)

    def _describe(self, address: Address) -> Info:
        duration = int(len(self._paths) * SECOND / self._rate)
        for path in self._paths:
            file = address_of(path)
            try:
                with open_container(file) as container:
                    first = describe(container, pick_video(container, file), None, file)
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

    def _parts(self, near: Mapping[str, Any] | None = None) -> Iterator[Part]:
        if near is None:
            self._timeline.restart(1 / self._rate, int(SECOND / self._rate))
        converter = Converter()
        for index in range(near["index"] if near else 0, len(self._paths)):
            picture = self._load(self._paths[index])
            if picture is not None:
                self._index = index
                yield index, partial(converter, picture)

    def _identity(self) -> dict[str, Any]:
        names = "\n".join(path.name for path in self._paths).encode("utf-8", "surrogateescape")
        return super()._identity() | {"rate": str(self._rate), "names": blake2b(names, digest_size=8).hexdigest()}

    def _near(self, mark: Mark) -> dict[str, Any]:
        return mark.as_json() | {"index": self._index}

    def _load(self, path: Path) -> VideoFrame | None:
        errors = self.stats.decode_errors
        try:
            address = address_of(path)
            with open_container(address) as container:
                stream = pick_video(container, address)
                stream.codec_context.thread_count = 1
                source = packets(container, [stream], self.stats, self._closed.is_set)
                found = next(chain(pictures(source, stream, self.stats), [None]))
        except InputError:
            found = None
        if found is None:
            self.stats.decode_errors = errors + 1
        return found
