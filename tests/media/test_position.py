from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from random import Random

import numpy as np
import pytest

from headrace.core.errors import ConfigError, StateError
from headrace.core.item import MS, SECOND
from headrace.media import MediaSource, Retry, VirtualVideo, open_source, stream
from headrace.media.address import address_of
from headrace.media.container import decode
from tests.media.helpers import clip, image, stamped
from tests.media.sounded import film, told
from tests.media.test_live import server  # noqa: F401

KINDS = {
    "mp4": ("a.mp4", {"bf": "3", "g": "10"}),
    "open groups": ("a.mkv", {"bf": "3", "g": "10", "x264-params": "open-gop=1", "sound": "libopus"}),
    "refresh": ("a.mp4", {"intra-refresh": "1", "preset": "veryfast"}),
    "ts": ("a.ts", {"bf": "2", "sound": "mp2", "shift": 1000 * SECOND}),
    "hidden frames": ("a.webm", {"codec": "libvpx", "sound": "libopus", "auto-alt-ref": "1", "lag-in-frames": "10"}),
    "hevc": ("a.mp4", {"codec": "libx265", "x265-params": "log-level=none:bframes=3"}),
    "mpeg2": ("a.mkv", {"codec": "mpeg2video", "sound": "mp2", "bf": "2"}),
    "key frames only": ("a.mkv", {"codec": "mjpeg"}),
    "avi": ("a.avi", {"codec": "mpeg4", "sound": "libmp3lame"}),
    "late sound": ("a.mkv", {"late": SECOND}),
    "more sound": ("a.mp4", {"length": 1.0}),
    "sound alone": ("a.mp3", {"codec": None, "sound": "libmp3lame"}),
}


def check(make: Callable[[], MediaSource], *, seed: int = 0, tries: int = 4, limit: int | None = None) -> list[dict]:
    """Items from `position` taken after k items are those that were to come; returns the positions tried."""
    whole, items = make(), []
    positions = [whole.position()]
    for item in islice(whole.items(), limit):
        items.append(told(item))
        positions.append(whole.position())
    random, tried = Random(seed), []
    for taken in (0, len(items), *(random.randrange(len(items)) for _ in range(tries))):
        position = json.loads(json.dumps(positions[taken]))
        again = make()
        again.resume(position)
        assert again.position() == position
        rest = [told(item) for item in islice(again.items(), None if limit is None else limit - taken)]
        assert rest == items[taken:]
        if limit is None:
            assert again.stats == whole.stats
        else:
            again.close()
        tried.append(position)
    return tried


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_goes_on_exactly(tmp_path, kind):
    name, options = KINDS[kind]
    path = film(tmp_path / name, seconds=2.4, **options)
    check(lambda: open_source(path, sound=True), seed=1)
    check(lambda: open_source(path, sound=True, every=SECOND // 6), seed=2, tries=2)
    check(lambda: open_source(path, sound=True, loop=True), seed=3, tries=2, limit=200)
    if options.get("codec", "") is not None:
        check(lambda: open_source(path), seed=4, tries=2)


@pytest.mark.parametrize("fault", ["damaged", "twice", "cut"])
@pytest.mark.parametrize("name", ["a.ts", "a.mkv"])
def test_a_damaged_file_goes_on_exactly(tmp_path, name, fault):
    path = film(tmp_path / name, seconds=2.4, sound="mp2" if name == "a.ts" else "libopus", bf="2")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 188 * 188
    if fault == "damaged":
        data[middle + 20 : middle + 600] = b"\xff" * 580
    path.write_bytes({"damaged": data, "twice": data * 2, "cut": data[: len(data) * 2 // 3]}[fault])
    check(lambda: open_source(path, sound=True), tries=5)


def test_mended_stamps_and_pictures_of_two_sizes(tmp_path):
    path = stamped(tmp_path / "a.mkv", [0, 40, 40, 80, 5_000, 5_000, 5_040, 9_000])
    check(lambda: open_source(path))
    both = tmp_path / "both.ts"
    both.write_bytes(clip(tmp_path / "s.ts").read_bytes() + clip(tmp_path / "l.ts", size=(96, 64)).read_bytes())
    check(lambda: open_source(both))


def test_computed_pictures_and_folders(tmp_path):
    check(lambda: VirtualVideo(1, (32, 24), seconds=2, every=SECOND // 6))
    check(lambda: VirtualVideo(1, (32, 24), seconds=0.4, loop=True), limit=35)
    for index in range(9):
        image(tmp_path / f"{index}.png", np.full((12, 16, 3), 20 * index, np.uint8))
    (tmp_path / "4.png").write_bytes(b"\x89PNG broken")
    check(lambda: open_source(tmp_path))
    check(lambda: open_source(tmp_path, loop=True, every=2 * SECOND), limit=30)


def test_decoding_begins_at_a_key_frame(tmp_path, monkeypatch):
    path = film(tmp_path / "a.mp4", seconds=6, bf="3")
    source = open_source(path, sound=True)
    items = source.items()
    kept = [told(item) for item in islice(items, 150)]
    position = source.position()
    rest = [told(item) for item in items]
    decoded = []

    def counted(stream, packet, stats):
        decoded.append(packet)
        return decode(stream, packet, stats)

    monkeypatch.setattr(stream, "decode", counted)
    again = open_source(path, sound=True, at=position)
    assert [told(item) for item in again.items()] == rest
    frames = sum(item[2] == "video" for item in kept)
    assert frames > 90
    assert len(decoded) < 150 - frames + 40
    assert again.stats == source.stats


def test_a_way_that_no_longer_leads_there_is_not_taken(tmp_path):
    path = film(tmp_path / "a.mp4", seconds=3)
    source = open_source(path, sound=True)
    items = source.items()
    list(islice(items, 80))
    position = source.position()
    rest = [told(item) for item in items]
    for change in ({"digest": "00"}, {"fed": 1}, {"made": 1}, {"stamp": 7}):
        wrong = json.loads(json.dumps(position))
        wrong["near"]["seek"] |= change
        again = open_source(path, sound=True, at=wrong)
        assert [told(item) for item in again.items()] == rest
        assert again.stats == source.stats


def test_positions_of_other_sources_are_refused(tmp_path):
    path = film(tmp_path / "a.mp4")
    source = open_source(path, sound=True)
    list(islice(source.items(), 40))
    position = source.position()
    for other, options in (
        (film(tmp_path / "b.mp4", seconds=1), {"sound": True}),
        (path, {}),
        (path, {"sound": True, "every": SECOND}),
    ):
        with pytest.raises(StateError, match="position is of another source"):
            open_source(other, at=position, **options)
    for damaged in ({}, {**position, "format": 99}):
        with pytest.raises(StateError, match="begin without it"):
            open_source(path, sound=True, at=damaged)
    with pytest.raises(ConfigError, match="workers=1"):
        open_source(path, workers=2, at=position)
    with pytest.raises(ConfigError, match="gap"):
        open_source(path, sound=True, at=position, gap=-1)


def test_a_file_that_no_longer_gives_what_it_gave(tmp_path):
    path = film(tmp_path / "a.avi", codec="mpeg4", sound="libmp3lame")
    source = open_source(path)
    list(islice(source.items(), 40))
    position = json.loads(json.dumps(source.position()))
    position["frames"][1] += 1
    with pytest.raises(StateError, match="no longer gives"):
        list(open_source(path, at=position).items())
    position["frames"] = [99, 0]
    with pytest.raises(StateError, match="ends before"):
        list(open_source(path, at=position).items())


def test_a_live_stream_goes_on_after_the_gap(tmp_path, server):  # noqa: F811
    url, parts = server
    data = film(tmp_path / "a.ts", sound="mp2").read_bytes()
    parts += [data, data]
    first = open_source(url, sound=True, retry=Retry(jitter=0), sleep=lambda _: None)
    seen = list(islice(first.items(), 30))
    position = json.loads(json.dumps(first.position()))
    first.close()
    assert 0 <= position["time"] - seen[-1].pts < 200 * MS
    again = open_source(url, sound=True, at=position, gap=3 * SECOND)
    assert asdict(again.stats) == position["stats"]
    after = list(islice(again.items(), 30))
    again.close()
    begin = min(item.pts for item in after)
    assert begin == next(item.pts for item in after if item.kind == "video") == position["time"] + 3 * SECOND
    assert min(item.pts for item in after if item.kind == "audio") - begin < 50 * MS


def test_more_threads_go_on_exactly(tmp_path):
    path = film(tmp_path / "a.mp4", bf="2")
    check(lambda: stream.StreamSource(address_of(path), threads=2, sound=True), tries=3)
