"""Address: what a user's text names, before anything is opened."""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from headrace.core.errors import InputError
from headrace.media.playlist import strays

#: Network schemes; those in LIVE never end and cannot be held back.
LIVE = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "rtp", "srt", "udp", "tcp"})
SCHEMES = LIVE | {"http", "https"}

_NAMES = "|".join(sorted(SCHEMES))
#: What stands before the authority, for a known scheme also if a colon or slash is missing.
_PREFIX = re.compile(rf"[a-z][a-z0-9+.-]*://|(?:{_NAMES})(?::/?|//)", re.IGNORECASE)
#: A URL mistyped: a scheme without ://, or user:password@host without a scheme.
_MEANT = re.compile(rf"(?:{_NAMES})(?::|//)|[^/@]+:[^@]*@", re.IGNORECASE)
#: A secret given as name=value within the path.
_SECRET = re.compile(r"([\w-]*(?:token|key|secret|pass|pwd|auth|sig)[\w-]*)=[^/&]*", re.IGNORECASE)

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


@dataclass(frozen=True, slots=True)
class Address:
    """One address a source can be opened from.

    Attributes:
        kind: "file", "stream", "camera", "images" or "pipe".
        target: what FFmpeg opens, or the folder, or a named pipe ("-" for standard input).
        shown: the address as it may be printed.
        format: FFmpeg's input format, None to find out.
        options: FFmpeg's options of the input.
        live: True if it is live whatever it holds; a network file turns out when it is opened.
        timeout: seconds (to open, to read), None for no limit.
    """

    kind: str
    target: str
    shown: str
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    live: bool = False
    timeout: tuple[float, float] | None = None


def address_of(url: str | os.PathLike[str], *, timeout: tuple[float, float] = (10.0, 10.0)) -> Address:
    """Tell what `url` names.

    Raises:
        InputError: it names nothing that can be opened.
    """
    text = os.fspath(url)
    if not text:
        raise InputError("the address is empty; give a file, a folder of images, a URL, camera:0 or -")
    if text == "-":
        return Address("pipe", "-", "standard input")
    if text.startswith(("camera:", "/dev/video")):
        return _camera(text, timeout)
    scheme, separator, rest = text.partition("://")
    if os.path.exists(text):  # noqa: PTH110 - Path.exists raises on names that are too long
        return _local(Path(text))
    if not separator:
        if _MEANT.match(text):
            raise InputError(f"{redact(text)}: no such file; a URL begins with its scheme, such as rtsp://host/path")
        return _local(Path(text))
    scheme = scheme.lower()
    if scheme == "file":
        return _local(Path(rest))
    if scheme not in SCHEMES:
        raise InputError(f"{redact(text)}: no scheme headrace opens; use {', '.join(sorted(SCHEMES))}")
    try:
        host = urlsplit(text).netloc
    except ValueError:  # its message may hold a password
        raise InputError(f"{redact(text)}: the URL is malformed; write {scheme}://host/path") from None
    if not host:
        raise InputError(f"{redact(text)}: the URL has no host; write {scheme}://host/path")
    options = {}
    if scheme in LIVE:
        options["fflags"] = "nobuffer"
    if scheme in ("rtsp", "rtsps"):
        options["rtsp_transport"] = "tcp"
    return Address("stream", text, redact(text), options=options, live=scheme in LIVE, timeout=timeout)


def _camera(text: str, timeout: tuple[float, float]) -> Address:
    number = text.removeprefix("camera:").removeprefix("/dev/video")
    if not number.isdigit():
        raise InputError(f"{text}: a camera is named by its number, camera:0 is the first")
    if sys.platform == "darwin":
        options = {"framerate": "30"}
        return Address("camera", number, f"camera:{number}", "avfoundation", options, True, timeout)
    device = f"/dev/video{number}"
    if not Path(device).exists():
        raise InputError(f"camera:{number}: there is no {device}; connect a camera, or look for others in /dev/video*")
    return Address("camera", device, f"camera:{number}", "v4l2", {}, True, timeout)


def _local(path: Path) -> Address:
    shown = str(path)
    try:
        if path.is_dir():
            if not any(is_picture(entry) for entry in path.iterdir()):
                raise InputError(
                    f"{shown}: a folder without images; give a file, or a folder of .jpg, .png or the like"
                )
            return Address("images", shown, shown)
        if not path.exists():
            if path.is_symlink():
                raise InputError(f"{shown}: a link that leads to no file; mend the link")
            raise InputError(f"{shown}: no such file or folder; check the path")
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and not path.stat().st_size:
            raise InputError(f"{shown}: the file is empty; copy or record it again")
        if not os.access(path, os.R_OK):
            raise InputError(f"{shown}: may not be read; give yourself read permission")
        if stat.S_ISFIFO(mode):
            return Address("pipe", shown, shown)
        if stat.S_ISREG(mode) and (name := strays(path)) is not None:
            raise InputError(
                f"{shown}: a playlist that names {redact(name)!r}, which does not lie in its folder; "
                "copy what it names beside it, or give what it names"
            )
    except PermissionError:
        raise InputError(f"{shown}: may not be read; give yourself read permission") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{shown!r}: not a usable path ({error}); check it") from None
    return Address("file", f"file:{path.absolute()}", shown, options={"pattern_type": "none"})


def is_picture(path: Path) -> bool:
    """Whether a folder's entry counts as one of its images."""
    return path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key by which `9.png` comes before `10.png`."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(0, int(part), part) if part.isdigit() else (1, 0, part) for part in parts]


def redact(url: str) -> str:
    """`url` in one line without user, password, parameters, query, fragment and RTMP stream key.

    A password may hold a mark that should have been escaped, so the last @ ends the credentials; where that @ may
    be part of a parameter, nothing behind the scheme is shown.
    """
    found = _PREFIX.match(url)
    prefix = found.group() if found else ""
    credentials, at, tail = url[len(prefix) :].rpartition("@")
    if re.search(r"/.*[?#;]|[?#;].*=", credentials, re.DOTALL):
        return f"{prefix}***"
    tail = _SECRET.sub(r"\1=***", re.split(r"[?#;]", tail, maxsplit=1)[0])
    if prefix.lower().startswith("rtmp"):
        host, slash, path = tail.partition("/")
        app, between, _ = path.split(" ", 1)[0].rstrip("/").rpartition("/")
        tail = f"{host}{slash}{app}{between}***" if path else tail
    return re.sub(r"[\x00-\x1f\x7f]", "?", f"{prefix}***@{tail}" if at else f"{prefix}{tail}")
