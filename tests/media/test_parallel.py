from __future__ import annotations

import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import MS
from headrace.media import ParallelVideo, VirtualVideo, open_source, write_video
from headrace.media.virtual import heavy
from tests.media.helpers import clip, signature

FRAMES = [item.data for item in VirtualVideo(1, (96, 64), 30, 9, heavy).items()]


def film(path: Path, **options: str) -> Path:
    codec = options.pop("codec", "libx264")
    write_video(path, FRAMES, 30, codec=codec, options={"preset": "ultrafast", **options})
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"g": "12", "bf": "0"}),
        ("a.mp4", {"g": "12", "bf": "3"}),
        ("a.mkv", {"g": "60", "bf": "3", "b-pyramid": "normal", "x264-params": "open-gop=1"}),
        ("a.ts", {"g": "60", "bf": "0"}),
        ("a.ts", {"g": "12", "bf": "3", "x264-params": "open-gop=1"}),
        ("a.mp4", {"g": "250", "bf": "3"}),
    ],
)
def test_frames_are_those_of_the_serial_reader(tmp_path, name, options):
    path = film(tmp_path / name, **options)
    serial = signature(open_source(path))
    source = ParallelVideo(path, interval=48)
    assert len(serial) == len(FRAMES)
    assert signature(source) == serial
    assert source.fallback == ""
    assert source.stats.frames == len(FRAMES)


def test_a_ring_of_two_frames_is_enough_and_open_source_leads_here(tmp_path):
    path = film(tmp_path / "a.mp4", g="12")
    every = open_source(path, workers=2, every=500 * MS)
    assert isinstance(every, ParallelVideo)
    assert signature(every) == signature(open_source(path, every=500 * MS))
    assert signature(ParallelVideo(path, interval=24, memory=1)) == signature(open_source(path))


def test_key_frames_that_depend_on_the_past_are_found_at_the_seam(tmp_path):
    # A film of periodic intra refresh: its "key frames" are complete only after some pictures.
    path = tmp_path / "a.mp4"
    frames = (item.data for item in VirtualVideo(1, (160, 96), 30, 4, heavy).items())
    write_video(path, frames, 30, options={"g": "24", "bf": "3", "preset": "veryfast", "intra-refresh": "1"})
    source = ParallelVideo(path, interval=24)
    assert signature(source) == signature(open_source(path))
    assert "depend on what comes before" in source.fallback


def twice(folder: Path) -> Path:
    path = clip(folder / "once.ts", seconds=3)
    path.write_bytes(path.read_bytes() * 2)
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: clip(folder / "a.avi", codec="mpeg4"), "mpeg4"),
        (lambda folder: clip(folder / "a.mp4", seconds=1, g="250"), "single interval"),
        (twice, "run backwards"),
    ],
)
def test_what_cannot_be_split_is_read_serially(tmp_path, make, reason):
    path = make(tmp_path)
    source = ParallelVideo(path, interval=24)
    serial = open_source(path)
    assert signature(source) == signature(serial)
    assert reason in source.fallback
    assert source.stats == serial.stats


def test_a_worker_that_dies_is_replaced_by_this_process(tmp_path):
    path = film(tmp_path / "a.mp4", g="12")
    source = ParallelVideo(path, interval=24, memory=1)
    items, seen = source.items(), []
    for item in items:
        seen.append(item.pts)
        if len(seen) == 40:
            for hand in source._crew:
                os.kill(hand._process.pid, signal.SIGKILL)
    assert seen == [item.pts for item in open_source(path).items()]
    assert "worker ended" in source.fallback


def test_damage_is_counted_as_by_the_serial_reader_and_stays_where_it_is(tmp_path):
    path = film(tmp_path / "a.ts", g="12", bf="0")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 188 * 188
    data[middle + 20 : middle + 700] = b"\xff" * 680
    path.write_bytes(data)
    source, serial = ParallelVideo(path, interval=48), open_source(path)
    ours, theirs = signature(source), signature(serial)
    differ = [index for index, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
    assert len({index // 12 for index in differ}) <= 1
    assert [pts for pts, _, _ in ours] == [pts for pts, _, _ in theirs]
    assert source.stats == serial.stats
    assert serial.stats.decode_errors > 0


def test_close_and_loop(tmp_path):
    path = film(tmp_path / "a.mp4", g="12")
    source = ParallelVideo(path, interval=48, loop=True)
    times = []
    for item in source.items():
        times.append(item.pts)
        if len(times) == 300:
            source.close()
    assert len(times) == 300
    assert all(abs(b - a - 1e9 / 30) < 2 for a, b in pairwise(times))
    assert source._crew == []


def test_only_files(tmp_path):
    with pytest.raises(ConfigError, match="only a file"):
        ParallelVideo("http://127.0.0.1:1/a.mp4")
    with pytest.raises(InputError, match="no such file"):
        ParallelVideo(tmp_path / "no.mp4")
    with pytest.raises(ConfigError, match="at least 1"):
        ParallelVideo(tmp_path, workers=0)
