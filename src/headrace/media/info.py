"""Info: what a source holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Info:
    """What `probe` found, without decoding.

    Attributes:
        name: how the source is shown; never holds a password.
        kind: "file", "stream" (a network address), "camera", "images" or "pipe".
        width, height: pixels as coded, before any turn the container asks for.
        fps: frames a second on average, None if unknown.
        duration: ns, None if unknown or endless.
        codec: FFmpeg's name of the codec ("h264", "png", …).
        live: True if the source cannot be held back without loss.
    """

    name: str
    kind: str
    width: int
    height: int
    fps: float | None
    duration: int | None
    codec: str
    live: bool
