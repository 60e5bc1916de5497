"""Pictures of every size and format: files of odd shape, folders of images, turned and paletted ones."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace as vary
from fractions import Fraction
from pathlib import Path

from tests.broken.case import Case, Refused, Watched
from tests.broken.nothing import noise
from tests.broken.write import Picture, Tone, png, replace, turn, write

#: What FFV1 can hold, and QuickTime Animation, GIF, … beside it.
FFV1 = (
    *("gray", "gray10le", "gray16le", "ya8", "yuv420p10le", "yuv420p16le", "yuv422p", "yuv444p", "yuv410p", "yuv411p"),
    *("yuv440p", "yuva420p", "yuva444p", "yuva444p10le", "bgr0", "bgra", "gbrp10le", "gbrp16le", "rgb48le"),
)


def shape(
    width: int, height: int, codec: str = "ffv1", pixels: str = "bgr0", frames: int = 8
) -> Callable[[Path], Path]:
    return lambda folder: write(
        folder / "clip.mkv", Picture(frames, Fraction(6), (width, height), codec=codec, pixels=pixels)
    )


def coded(name: str, codec: str, pixels: str = "yuv420p", **more: object) -> Callable[[Path], Path]:
    return lambda folder: write(folder / name, vary(Picture(codec=codec, pixels=pixels), **more))  # type: ignore[arg-type]


def pixel_formats(folder: Path) -> list[Path]:
    """One film in each format."""
    return [coded(f"{name}.mkv", "ffv1", name)(folder) for name in FFV1]


def turned(quarters: int) -> Callable[[Path], Path]:
    return lambda folder: turn(write(folder / "phone.mp4"), quarters)


def one_broken(folder: Path) -> Path:
    """Nine good images, the fourth of ten broken."""
    for number in range(10):
        png(folder / f"{number}.png", Picture().pixels_of(number))
    (folder / "3.png").write_bytes(noise(300, 5))
    return folder


def cut_last(folder: Path) -> Path:
    """Three good images and half of a fourth."""
    for number in range(4):
        png(folder / f"{number}.png", Picture(size=(200, 100)).pixels_of(number))
    path = folder / "3.png"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return folder


def all_sizes(folder: Path) -> Path:
    """Images of one, few and many pixels, upright and wide, PNG and JPEG, one with the wrong suffix, one animated."""
    for number, size in enumerate(((64, 48), (1, 1), (48, 64), (1, 300), (321, 179), (300, 1), (640, 360), (2, 2))):
        png(folder / f"{number}.png", Picture(size=size).pixels_of(number))
    png(folder / "8.png", Picture().pixels_of(8), codec="mjpeg")
    png(folder / "9.jpg", Picture().pixels_of(9), codec="mjpeg")
    (folder / ".hidden.png").write_bytes(b"no image")
    return folder


def large_image(side: int, share: float = 1.0) -> Callable[[Path], Path]:
    """A grey square PNG of nothing but zeros, of which a share is there: small as a file, large in memory."""

    def make(folder: Path) -> Path:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        squeeze = zlib.compressobj(1)
        lines = (squeeze.compress(bytes(1 + side)) for _ in range(int(side * share)))
        packed = b"".join(lines) + squeeze.flush()
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        path = folder / "large.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
        return path

    return make


def wrong_tag(folder: Path) -> Path:
    """An AVI whose codec tag is another codec's."""
    return replace(coded("tag.avi", "mpeg4")(folder), b"FMP4", b"MJPG")


def unknown_tag(folder: Path) -> Path:
    """An mp4 whose codec tag is nobody's."""
    return replace(write(folder / "tag.mp4"), b"avc1", b"zzz9")


def unknown_codec(folder: Path) -> Path:
    """A Matroska file whose codec is nobody's."""
    return replace(write(folder / "codec.mkv"), b"V_MPEG4/ISO/AVC", b"V_NOPE4/NONE/NO")


def encrypted(folder: Path) -> Path:
    """An mp4 whose pictures are noise, as if encrypted; its index is whole."""
    path = write(folder / "secret.mp4", options={"movflags": "faststart"})
    data = path.read_bytes()
    at = data.index(b"mdat") + 4
    path.write_bytes(data[:at] + noise(len(data) - at, 9))
    return path


def marked_encrypted(folder: Path) -> Path:
    """An mp4 encrypted with the scheme of DASH, without its key."""
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "00112233445566778899aabbccddeeff",
        "encryption_kid": "00112233445566778899aabbccddeeff",
    }
    return write(folder / "secret.mp4", options=options)


def cover(folder: Path) -> Path:
    """An album: a sound with its cover as an attached picture."""
    import av
    from av.stream import Disposition

    from tests.broken.write import sound_packets

    image = png(folder / "cover.png", Picture().pixels_of(0)).read_bytes()
    (folder / "cover.png").unlink()
    path = folder / "song.mp3"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("libmp3lame", rate=16_000, layout="mono")
        picture = container.add_stream("png", rate=1)
        assert isinstance(sound, av.AudioStream)
        assert isinstance(picture, av.VideoStream)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "rgb24"
        picture.disposition = Disposition.attached_pic
        packet = av.Packet(image)
        packet.stream, packet.pts, packet.dts = picture, 0, 0
        container.mux(packet)
        for part in sound_packets(sound, Tone(codec="libmp3lame")):
            container.mux(part)
    return path


FINE = Watched(12)

CASES = {
    "one_pixel": Case(shape(1, 1), Watched(8, size=(1, 1))),
    "two_pixels": Case(shape(2, 2), Watched(8, size=(2, 2))),
    "tall": Case(coded("clip.mov", "qtrle", "rgb24", size=(1, 2000)), Watched(12, size=(1, 2000))),
    "wide": Case(shape(2000, 1), Watched(8, size=(2000, 1))),
    "odd": Case(shape(321, 179), Watched(8, size=(321, 179))),
    "odd_h264": Case(shape(321, 179, codec="libx264", pixels="yuv444p"), Watched(8, size=(321, 179))),
    "ultra_high_definition": Case(shape(7680, 4320, "mjpeg", "yuvj420p", 2), Watched(2, size=(7680, 4320))),
    "larger_than_any_screen": Case(large_image(30_000, 0.01), Refused("could be decoded")),
    "claims_more_than_memory": Case(large_image(65_000, 0.001), Refused("could be decoded")),
    "image": Case(lambda folder: png(folder / "one.png", Picture().pixels_of(0)), Watched(1)),
    "image_false_suffix": Case(lambda f: png(f / "one.png", Picture().pixels_of(0), "mjpeg"), Watched(1)),
    "one_broken_image": Case(one_broken, Watched(9, ("1 damaged packet",))),
    "last_image_cut": Case(cut_last, Watched((3, 4), ("1 damaged packet",))),
    "images_of_all_sizes": Case(all_sizes, Watched(10)),
    "turned_right": Case(turned(1), FINE),
    "turned_over": Case(turned(2), FINE),
    "turned_left": Case(turned(3), FINE),
    "wrong_tag": Case(wrong_tag, Refused("could be decoded")),
    "unknown_tag": Case(unknown_tag, Refused("video codec is not known")),
    "unknown_codec": Case(unknown_codec, Refused("video codec is not known")),
    "encrypted_noise": Case(encrypted, Refused("could be decoded")),
    "encrypted": Case(marked_encrypted, None),
    "cover_only": Case(cover, Watched(0, channels=1)),
    "gif": Case(coded("clip.gif", "gif", "rgb8"), FINE),
    "animation_alpha": Case(coded("clip.mov", "qtrle", "argb"), FINE),
    "apng": Case(coded("clip.apng", "apng", "rgba"), FINE),
    "animated_webp": Case(coded("clip.webp", "libwebp_anim", "bgra"), Refused("could be decoded")),
    "prores": Case(coded("clip.mov", "prores_ks", "yuv422p10le"), FINE),
    "flash": Case(coded("clip.flv", "flv1"), FINE),
    "mpeg2": Case(coded("clip.mpg", "mpeg2video", fps=Fraction(25)), FINE),
    "full_range": Case(coded("clip.mkv", "mjpeg", "yuvj422p"), FINE),
    "raw": Case(coded("clip.avi", "rawvideo", "bgr24"), FINE),
    "high10": Case(coded("clip.mkv", "libx264", "yuv420p10le"), FINE),
    "av1": Case(coded("clip.mkv", "libsvtav1", size=(64, 64)), FINE),
    "pixel_formats": Case(pixel_formats, FINE),
}
