from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from itertools import islice, pairwise
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from headrace.core.errors import StateError
from headrace.core.item import MS, SECOND
from headrace.media import open_source
from tests.media.helpers import clip, image, signature, stamped, stamps
from tests.media.sounded import film


def test_a_file_gives_every_frame_at_its_time(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=1, fps=30000 / 1001)
    source = open_source(path, name="cam")
    items = list(source.items())
    assert stamps(items) == [i * 1001 * SECOND // 30000 for i in range(30)]
    assert all(item.arrival == item.pts and item.kind == "video" and item.source == "cam" for item in items)
    assert items[0].data.key
    assert source.stats.frames == 30
    assert source.stats.bad_pts == source.stats.decode_errors == 0


def test_frames_outlive_their_source(tmp_path):
    path = clip(tmp_path / "a.mp4")
    source = open_source(path)
    kept = [item.data for item in source.items()]
    copies = [frame.y.copy() for frame in kept]
    again = [item.data.y for item in open_source(path).items()]
    assert all(np.array_equal(a, b) for a, b in zip(copies, again, strict=True))
    assert all(np.array_equal(a.y, b) for a, b in zip(kept, again, strict=True))


def test_every_keeps_the_first_frame_of_each_cell(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=2)
    source = open_source(path, every=300 * MS)
    assert stamps(source.items()) == [t * MS for t in (0, 320, 600, 920, 1200, 1520, 1800)]
    assert (source.stats.frames, source.stats.skipped) == (7, 43)


def test_loop_goes_on_in_time(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=0.4)
    source = open_source(path, loop=True)
    times = stamps(islice(source.items(), 25))
    assert times == [i * 40 * MS for i in range(25)]
    assert source.stats.bad_pts == 0


def test_bad_stamps_in_a_file_are_mended(tmp_path):
    path = stamped(tmp_path / "a.mkv", [0, 40, 40, 80, 120])
    source = open_source(path)
    times = stamps(source.items())
    assert len(times) == 5
    assert all(a < b for a, b in pairwise(times))
    assert source.stats.bad_pts == 1


def test_a_stream_without_stamps_gets_the_nominal_rate(tmp_path):
    import av

    path = clip(tmp_path / "a.mkv", bf="0")
    raw = tmp_path / "a.h264"
    with av.open(str(path)) as old, av.open(str(raw), "w", format="h264") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    source = open_source(raw)
    assert stamps(source.items()) == [i * 40 * MS for i in range(25)]


def test_damaged_packets_are_counted_and_passed(tmp_path):
    path = clip(tmp_path / "a.ts", seconds=2, bf="0")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 188 * 188
    data[middle + 20 : middle + 600] = b"\xff" * 580
    path.write_bytes(data)
    source = open_source(path)
    times = stamps(source.items())
    assert 30 < len(times) <= 50
    assert source.stats.decode_errors > 0
    assert all(a < b for a, b in pairwise(times))


def test_a_file_cut_short_ends_where_it_ends(tmp_path):
    path = clip(tmp_path / "a.mkv", seconds=6)
    whole = open_source(path)
    assert len(list(whole.items())) == 150
    assert whole.stats.ended_early == 0
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    source = open_source(path)
    frames = len(list(source.items()))
    assert 60 < frames < 110
    assert source.stats.ended_early == pytest.approx(6 - frames / 25, abs=0.1)


def test_a_file_whose_sound_lasts_longer_is_not_cut_short(tmp_path):
    path = film(tmp_path / "a.mkv", seconds=4, length=1.0)
    for sound in (False, True):
        source = open_source(path, sound=sound)
        list(source.items())
        assert source.stats.ended_early == 0


def test_an_index_at_the_end_cannot_be_read_as_it_comes(tmp_path):
    path = film(tmp_path / "a.mp4", seconds=40)
    code = "import headrace; list(headrace.open_source('-').items())"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], input=path.read_bytes(), env=environment, capture_output=True)
    assert b"faststart" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("stamps", "duration"),
    [([0, 40, 80], 120 * MS), ([0, 40, 10**9, 10**9 + 40], None), ([0, 1_800_000, 3_600_000], None)],
)
def test_what_a_file_claims_is_believed_if_it_can_be_true(tmp_path, stamps, duration):
    info = open_source(stamped(tmp_path / "a.mkv", stamps)).info
    assert info.duration == duration
    assert info.fps == 25


def test_the_size_may_change_within_a_stream(tmp_path):
    both = tmp_path / "both.ts"
    small, large = clip(tmp_path / "s.ts"), clip(tmp_path / "l.ts", size=(96, 64))
    both.write_bytes(small.read_bytes() + large.read_bytes())
    items = list(open_source(both).items())
    assert {(i.data.width, i.data.height) for i in items} == {(64, 48), (96, 64)}
    times = stamps(items)
    assert all(a < b for a, b in pairwise(times))
    assert max(b - a for a, b in pairwise(times)) <= 80 * MS


def test_items_may_be_called_once(tmp_path):
    source = open_source(clip(tmp_path / "a.mp4"))
    list(source.items())
    with pytest.raises(StateError, match="open it again"):
        source.items()
    source.close()
    source.close()


def test_close_from_another_thread_ends_it(tmp_path):
    source = open_source(clip(tmp_path / "a.mp4"), loop=True)
    seen = 0
    for item in source.items():
        seen += 1
        if seen == 10:
            Thread(target=source.close).start()
        assert item.pts < 3600 * SECOND
    assert seen >= 10


def test_one_image_is_a_video_of_one_frame(tmp_path):
    image(tmp_path / "a %d.png", np.full((20, 30, 3), 200, np.uint8))
    (item,) = open_source(tmp_path / "a %d.png").items()
    assert (item.data.width, item.data.height) == (30, 20)
    assert np.abs(item.data.rgb().astype(int) - 200).max() <= 3


def test_standard_input(tmp_path):
    path = clip(tmp_path / "a.ts")
    code = (
        "from headrace.media import open_source\n"
        "from threading import Timer\n"
        "source = open_source('-')\n"
        "print(source.info.kind, source.can_wait)\n"
        "timer = Timer(0.3, source.close); timer.daemon = True\n"
        "items = source.items()\n"
        "print(next(items).pts); timer.start()\n"
        "print(1 + sum(1 for _ in items))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        with suppress(BrokenPipeError):
            process.stdin.write(path.read_bytes() * 40)
            process.stdin.flush()
        # The pipe stays open: only `close` ends the read.
        lines = process.stdout.read().split()
        with suppress(BrokenPipeError):
            process.stdin.close()
    assert lines[:3] == [b"pipe", b"True", b"0"]
    assert int(lines[3]) >= 2
    assert process.returncode == 0


def test_ffmpeg_threads_change_nothing(tmp_path):
    from headrace.media.address import address_of
    from headrace.media.stream import StreamSource

    path: Path = clip(tmp_path / "a.mp4")
    assert signature(StreamSource(address_of(path), threads=2)) == signature(open_source(path))
