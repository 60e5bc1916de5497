"""Info: what a source holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Info:
    """What `probe` found, without decoding.

    Attributes:
        name: how the source is shown; never holds a password.
        kind: "file", "stream" (a network address), "camera", "images" or "pipe".
        width, height: pixels as coded, before any turn the container asks for; 0 without pictures.
        fps: frames a second on average, None if unknown.
        duration: ns, None if unknown, endless or not to be believed.
        codec: FFmpeg's name of the video codec ("h264", "png", …), "" without pictures.
        live: True if the source cannot be held back without loss.
        channels: of its sound, 0 without.
        rate: samples a second of its sound in Hz, 0 without.
        sound_codec: FFmpeg's name of the audio codec ("aac", "opus", …), "" without sound.
    """

    name: str
    kind: str
    width: int
    height: int
    fps: float | None
    duration: int | None
    codec: str
    live: bool
    channels: int = 0
    rate: int = 0
    sound_codec: str = ""
