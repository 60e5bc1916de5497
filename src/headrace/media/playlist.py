"""Playlists: what a playlist on this machine names must lie beside it.

FFmpeg follows an HLS playlist (RFC 8216) to whatever local file it names. One that comes from somebody else
could thus have any file shown, so each name is looked at before FFmpeg sees it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

#: With these bytes every HLS playlist begins.
_BEGIN = b"#EXTM3U"
#: No playlist is longer, in bytes, and no name is longer, than what this module and FFmpeg read alike.
_LONGEST, _LONGEST_LINE = 16 << 20, 2000
_END_OF_LINE = re.compile(rb"[\r\n\0]")
_ATTRIBUTE = re.compile(rb"URI=(\"[^\"]*|[^,\s]*)", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def strays(path: Path) -> str | None:
    """The first name in the HLS playlist `path`, or in one that it names, that leads out of its folder.

    None if there is none, or if the file is no HLS playlist. Links are followed before judging.

    Raises:
        OSError: the file cannot be read.
    """
    root = path.parent.resolve()
    waiting, seen = [path], set[Path]()
    while waiting:
        now = waiting.pop()
        for name in _names(now):
            try:
                target = (now.parent / name).resolve()
            except (OSError, RuntimeError, ValueError):
                return name
            if _SCHEME.match(name) or "\\" in name or not target.is_relative_to(root):
                return name
            if target not in seen and target.is_file():
                seen.add(target)
                waiting.append(target)
    return None


def _names(path: Path) -> list[str]:
    """What a playlist names: segments, other playlists, keys; nothing for any other file."""
    with path.open("rb") as file:
        data = file.read(len(_BEGIN))
        if data != _BEGIN:
            return []
        data = file.read(_LONGEST)
    found: list[bytes] = []
    for line in _END_OF_LINE.split(data):
        if line.startswith(b"#"):
            found += (value.lstrip(b'"') for value in _ATTRIBUTE.findall(line))
        elif line.strip():
            found.append(line.rstrip())
    if len(data) == _LONGEST:
        found.append(b"file:, beyond the first 16 MB")
    return [os.fsdecode(name if len(name) <= _LONGEST_LINE else b"file:, in a line too long") for name in found]
