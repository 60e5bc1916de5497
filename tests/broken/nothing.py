"""What is no video or sound at all, whatever its name says."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.broken.case import Case, Refused
from tests.broken.write import Picture, Tone, png, write

NO_MEDIA = Refused("not a video")
TEXT = "The deadline of the proposal is on Friday.\n"


def holding(name: str, data: bytes | str) -> Callable[[Path], Path]:
    """Makes a file of that name."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return make


def noise(size: int, seed: int) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def archive(folder: Path) -> Path:
    path = folder / "archive.mp4"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("note.txt", TEXT * 20)
    return path


def without_index(folder: Path) -> Path:
    """An mp4 that was never finished: no moov."""
    path = write(folder / "unfinished.mp4", tone=Tone())
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"moov") - 4])
    return path


def playlist(target: str, *tags: str) -> Callable[[Path], Path]:
    """An HLS playlist of one segment."""
    lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:1", *tags, "#EXTINF:1,", target, "#EXT-X-ENDLIST", "")
    return holding("list.m3u8", "\n".join(lines))


def outside(folder: Path) -> Path:
    """A playlist that names a whole segment in another folder by its file:// address."""
    (folder / "private").mkdir()
    (folder / "public").mkdir()
    secret = write(folder / "private" / "secret.ts")
    return playlist(f"file://{secret}")(folder / "public")


def nested(folder: Path) -> Path:
    """A playlist beside it is named, which names a whole segment elsewhere."""
    inner = outside(folder).rename(folder / "public" / "inner.m3u8")
    lines = ("#EXTM3U", "#EXT-X-STREAM-INF:BANDWIDTH=1000", inner.name, "")
    return holding("list.m3u8", "\n".join(lines))(folder / "public")


def linked_out(folder: Path) -> Path:
    """The segment beside the playlist is a link to elsewhere."""
    path = outside(folder)
    (path.parent / "one.ts").symlink_to(folder / "private" / "secret.ts")
    return playlist("one.ts")(path.parent)


def outside_script(folder: Path) -> Path:
    """An FFmpeg concat script that names a video in another folder."""
    (folder / "private").mkdir()
    (folder / "public").mkdir()
    secret = write(folder / "private" / "secret.mp4")
    return holding("list.ffconcat", f"{SCRIPT}file {secret}\n")(folder / "public")


def subtitles(folder: Path) -> Path:
    """A Matroska file with nothing but subtitles."""
    import av

    script = folder / "said.srt"
    script.write_text("1\n00:00:00,000 --> 00:00:02,000\nHello there\n\n")
    path = folder / "subtitles.mkv"
    with av.open(str(script)) as source, av.open(str(path), "w") as target:
        copy = target.add_stream_from_template(source.streams.subtitles[0])
        for packet in source.demux(source.streams.subtitles[0]):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    script.unlink()
    return path


def bare_folder(folder: Path) -> Path:
    return folder


def folder_of_notes(folder: Path) -> Path:
    (folder / "note.txt").write_text(TEXT)
    (folder / "clip.mp4").write_bytes(b"")
    return folder


def folder_of_false_images(folder: Path) -> Path:
    for number in range(3):
        (folder / f"{number}.png").write_bytes(noise(500, number))
    return folder


def folder_of_folders(folder: Path) -> Path:
    (folder / "inner.png").mkdir()
    return folder


def loop(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


def dangling(folder: Path) -> Path:
    (folder / "video.mp4").symlink_to(folder / "gone.mp4")
    return folder / "video.mp4"


def image_cut(folder: Path) -> Path:
    """A PNG of which only the header is there."""
    path = png(folder / "cut.png", Picture(size=(200, 200)).pixels_of(0))
    path.write_bytes(path.read_bytes()[:40])
    return path


SCRIPT = "ffconcat version 1.0\n"
HTML = "<!doctype html><html><head><title>404</title></head><body><h1>Not found</h1></body></html>\n"
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S">'
    "<Period><AdaptationSet mimeType='video/mp4'><Representation id='1' bandwidth='1000'>"
    "<BaseURL>file:///etc/passwd</BaseURL></Representation></AdaptationSet></Period></MPD>\n"
)

CASES = {
    "zero_bytes": Case(holding("empty.mp4", b""), Refused("the file is empty")),
    "one_byte": Case(holding("one.mp4", b"\0"), NO_MEDIA),
    "text": Case(holding("text.mp4", TEXT * 50), NO_MEDIA),
    "text_long": Case(holding("notes.txt", TEXT * 5000), NO_MEDIA),
    "html": Case(holding("page.mp4", HTML), NO_MEDIA),
    "json": Case(holding("data.json", '{"a": [1, 2, 3]}\n' * 100), NO_MEDIA),
    "zip": Case(archive, NO_MEDIA),
    "noise_mp4": Case(holding("noise.mp4", noise(60_000, 1)), NO_MEDIA),
    "noise_mp3": Case(holding("noise.mp3", noise(60_000, 2)), NO_MEDIA),
    "noise_h264": Case(holding("noise.h264", noise(60_000, 3)), NO_MEDIA),
    "noise_yuv": Case(holding("noise.yuv", noise(60_000, 3)), Refused("cannot be opened")),
    "zeros": Case(holding("zeros.mp4", bytes(200_000)), NO_MEDIA),
    "without_index": Case(without_index, Refused("cut short before its index")),
    "subtitle_file": Case(
        holding("said.srt", "1\n00:00:00,000 --> 00:00:02,000\nHello\n\n"), Refused("(only subtitle)")
    ),
    "subtitles_only": Case(subtitles, Refused("(only subtitle)")),
    "playlist_nowhere": Case(playlist("gone.ts"), NO_MEDIA),
    "playlist_password": Case(playlist("/etc/passwd"), Refused("does not lie in its folder")),
    "playlist_network": Case(playlist("http://127.0.0.1:9/x.ts"), Refused("does not lie in its folder")),
    "playlist_outside": Case(outside, Refused("does not lie in its folder")),
    "playlist_in_playlist": Case(nested, Refused("does not lie in its folder")),
    "playlist_key": Case(playlist("one.ts", '#EXT-X-KEY:METHOD=AES-128,URI="/etc/passwd"'), Refused("does not lie in")),
    "playlist_escape": Case(playlist("one.ts", '#EXT-X-MAP:URI="\\../../a"'), Refused("does not lie in")),
    "playlist_link": Case(linked_out, Refused("does not lie in its folder")),
    "playlist_empty": Case(holding("list.m3u8", "#EXTM3U\n"), NO_MEDIA),
    "concat_password": Case(
        holding("list.ffconcat", "ffconcat version 1.0\nfile /etc/passwd\n"), Refused("names files outside its folder")
    ),
    "concat_outside": Case(outside_script, Refused("names files outside its folder")),
    "session_description": Case(holding("stream.sdp", SDP), NO_MEDIA),
    "dash_password": Case(holding("list.mpd", DASH), NO_MEDIA),
    "folder_bare": Case(bare_folder, Refused("a folder without images")),
    "folder_of_notes": Case(folder_of_notes, Refused("a folder without images")),
    "folder_of_folders": Case(folder_of_folders, Refused("a folder without images")),
    "folder_of_false_images": Case(folder_of_false_images, Refused("none of the 3 images can be read")),
    "link_loop": Case(loop, Refused("a link that leads to no file")),
    "link_dangling": Case(dangling, Refused("a link that leads to no file")),
    "image_cut": Case(image_cut, Refused("could be decoded")),
    "zero_device": Case(lambda _: "/dev/zero", NO_MEDIA),
    "null_device": Case(lambda _: "/dev/null", NO_MEDIA),
}
