"""Streams that change on the way, tracks of many kinds, and files cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as vary
from fractions import Fraction
from pathlib import Path

from tests.broken.case import Case, Watched
from tests.broken.nothing import TEXT, holding
from tests.broken.write import Picture, Tone, join, write


def spliced(*parts: tuple[Picture, Tone | None]) -> Callable[[Path], Path]:
    """Transport streams one after another in one file."""

    def make(folder: Path) -> Path:
        paths = [write(folder / f"{number}.ts", *part) for number, part in enumerate(parts)]
        path = join(folder / "spliced.ts", *paths)
        for part in paths:
            part.unlink()
        return path

    return make


def cut(name: str, share: float, **options: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = write(folder / name, Picture(frames=48), Tone(seconds=4), options=options)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        return path

    return make


def fragments(folder: Path) -> Path:
    """A fragmented mp4 that lost its last fragments."""
    return cut("live.mp4", 0.7, movflags="frag_keyframe+empty_moov")(folder)


def whole_playlist(folder: Path) -> Path:
    """An HLS folder as it is downloaded: a playlist and its segments beside it."""
    write(folder / "one.ts")
    write(folder / "two.ts")
    lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", "one.ts", "#EXT-X-DISCONTINUITY", "#EXTINF:1,")
    return holding("list.m3u8", "\n".join((*lines, "two.ts", "#EXT-X-ENDLIST", "")))(folder)


def lost_segment(folder: Path) -> Path:
    """The same, without its first segment."""
    path = whole_playlist(folder)
    (folder / "one.ts").unlink()
    return path


def playlist_of_playlists(folder: Path) -> Path:
    """A playlist that names another in a folder below, both with the line ends of Windows."""
    (folder / "low").mkdir()
    inner = whole_playlist(folder / "low")
    inner.write_bytes(inner.read_bytes().replace(b"\n", b"\r\n"))
    return holding("list.m3u8", "#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1000\r\nlow/list.m3u8\r\n")(folder)


def with_subtitles(folder: Path) -> Path:
    """Pictures, sound, subtitles and an attached font."""
    import av

    plain = write(folder / "plain.mkv", tone=Tone())
    script = holding("said.srt", "1\n00:00:00,000 --> 00:00:01,000\nHello\n\n")(folder)
    path = folder / "rich.mkv"
    with av.open(str(plain)) as film, av.open(str(script)) as said, av.open(str(path), "w") as target:
        tracks = [*film.streams, *said.streams]
        copies = {track: target.add_stream_from_template(track) for track in tracks}
        target.add_attachment("font.ttf", "application/x-truetype-font", TEXT.encode())
        for source in (film, said):
            for packet in source.demux():
                if packet.dts is not None:
                    copy = copies[packet.stream]
                    packet.stream = copy
                    target.mux(packet)
    for extra in (plain, script):
        extra.unlink()
    return path


def with_data(folder: Path) -> Path:
    """A transport stream with a track of private data."""
    import av

    plain = write(folder / "plain.ts")
    path = folder / "data.ts"
    with av.open(str(plain)) as film, av.open(str(path), "w") as target:
        copy = target.add_stream_from_template(film.streams.video[0])
        data = target.add_data_stream("klv")
        for number, packet in enumerate(film.demux(film.streams.video[0])):
            if packet.dts is None:
                continue
            note = av.Packet(b"\x06\x0e+4" + bytes([number]) * 12)
            note.stream, note.pts, note.dts, note.time_base = data, packet.pts, packet.dts, packet.time_base
            packet.stream = copy
            target.mux(packet)
            target.mux(note)
    plain.unlink()
    return path


SMALL, WIDE = Picture(), Picture(size=(96, 32))
MPEG2 = vary(SMALL, codec="mpeg2video", fps=Fraction(25))
SLOW, FAST = Tone(rate=16_000), Tone(rate=48_000, layout="stereo")
DAMAGED = r"\d+ damaged packets?"
MENDED = r"\d+ mended time stamps?"
JUMP = "1 jump in the sound"

CASES = {
    "size_changes": Case(spliced((SMALL, None), (WIDE, None), (SMALL, None)), Watched(36, (DAMAGED, MENDED))),
    "format_changes": Case(
        spliced((SMALL, None), (vary(SMALL, pixels="yuv444p"), None), (vary(SMALL, pixels="yuv420p10le"), None)),
        Watched(36, (DAMAGED, MENDED)),
    ),
    "codec_changes": Case(spliced((SMALL, None), (MPEG2, None)), Watched((12, 24), None)),
    "sound_changes": Case(spliced((SMALL, SLOW), (SMALL, FAST)), Watched(24, (DAMAGED, MENDED, JUMP))),
    "sound_ends": Case(spliced((SMALL, SLOW), (SMALL, None)), Watched(24, (DAMAGED, MENDED))),
    "sound_begins": Case(spliced((SMALL, None), (SMALL, SLOW)), Watched(24, (DAMAGED, MENDED, JUMP))),
    "cut_mkv": Case(cut("cut.mkv", 0.6), Watched((1, 47), None)),
    "cut_ts": Case(cut("cut.ts", 0.6), Watched((1, 47), None)),
    "cut_mp4": Case(cut("cut.mp4", 0.6, movflags="faststart"), Watched((1, 47), None)),
    "cut_fragments": Case(fragments, Watched((1, 48), None)),
    "cut_to_one_picture": Case(cut("cut.ts", 0.3), Watched((1, 47), None)),
    "subtitles_and_font": Case(with_subtitles, Watched(12)),
    "private_data": Case(with_data, Watched(12)),
    "playlist": Case(whole_playlist, Watched(24, (DAMAGED, MENDED))),
    "playlist_of_playlists": Case(playlist_of_playlists, Watched(24, (DAMAGED, MENDED))),
    "playlist_lost_segment": Case(lost_segment, Watched(12)),
}
