"""Pictures: those inside the page, counted."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from headrace.apps import thumbnail
from headrace.apps.page.markup import plain


class Pictures:
    """The pictures inside a page: at most `most`."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.most, self.used = folder, most, 0

    def image(self, name: str | None, hint: str) -> str:
        """An img element, or nothing where there is no such picture or no room left."""
        picture = thumbnail.load(self.folder, name) if self.used < self.most else None
        if picture is None:
            return ""
        self.used += 1
        data, (height, width) = b64encode(thumbnail.jpeg(picture)).decode(), picture.shape[:2]
        return f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" alt="{plain(hint)}">'

    def share(self, most: int) -> Pictures:
        """Room for `most` of those that are left; what is used of it counts here once it is `taken`."""
        return Pictures(self.folder, min(most, self.most - self.used))

    def taken(self, share: Pictures) -> None:
        """Count what was used of a `share`."""
        self.used += share.used
