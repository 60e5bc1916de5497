from __future__ import annotations

import wave
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import MS, SECOND, Item
from headrace.core.sound import Sound
from headrace.media import Retry, open_source, probe
from headrace.media.audio import AudioTrack
from headrace.media.interleave import Chunk, Interleave
from headrace.media.stats import Stats
from headrace.media.timeline import Timeline
from tests.media.helpers import clip
from tests.media.sounded import EVENTS, beeps, film, heard, onsets
from tests.media.test_live import server  # noqa: F401

SAMPLE = SECOND // 16_000


def runs(items: list[Item]) -> list[tuple[int, int]]:
    """(from, to) in ns of each unbroken stretch of sound; asserts that time never runs back."""
    found: list[list[int]] = []
    for item in items:
        assert item.data.samples.dtype == np.float32
        assert item.data.rate == 16_000
        assert 0 < item.data.samples.size <= 1600
        assert np.abs(item.data.samples).max() <= 1
        end = item.pts + item.data.samples.size * SAMPLE
        if found and found[-1][1] == item.pts:
            found[-1][1] = end
        else:
            assert not found or item.pts > found[-1][1]
            found.append([item.pts, end])
    return [(begin, end) for begin, end in found]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("b.mp4", {"bf": "3"}),
        ("a.mkv", {"sound": "libopus", "shift": 10 * SECOND}),
        ("a.webm", {"codec": "libvpx", "sound": "libopus", "layout": "mono"}),
        ("a.ts", {"rate": 44_100, "shift": 1000 * SECOND}),
        ("b.ts", {"sound": "mp2", "bf": "2"}),
        ("c.mp4", {"layout": "7.1"}),
        ("c.mkv", {"sound": "ac3", "layout": "5.1"}),
        ("d.mkv", {"sound": "pcm_f32le", "rate": 11_025}),
        ("e.mkv", {"sound": "flac", "rate": 96_000}),
        ("a.avi", {"codec": "mpeg4", "sound": "libmp3lame"}),
    ],
)
def test_flashes_and_beeps_come_together(tmp_path, name, options):
    path = film(tmp_path / name, **options)
    silent = [item.pts for item in open_source(path).items()]
    source = open_source(path, sound=True)
    assert source.info == probe(path)
    assert source.info.channels == {"mono": 1, "5.1": 6, "7.1": 8}.get(options.get("layout"), 2)
    items = list(source.items())
    assert all(item.arrival == item.pts and item.source == source.name for item in items)
    assert [item.pts for item in items if item.kind == "video"] == silent
    flashes, tones = onsets(items)
    assert len(flashes) == len(tones) == len(EVENTS)
    # An .avi has no stamps: the mp3 encoder's delay of one frame stays.
    slack = 30 * MS if name != "a.avi" else 65 * MS
    assert all(abs(a - b) <= slack for a, b in zip(flashes, tones, strict=True))
    ((begin, end),) = runs([item for item in items if item.kind == "audio"])
    assert 0 <= begin < 30 * MS
    assert abs(end - 2 * SECOND) < 60 * MS
    assert source.stats.samples * SAMPLE == end - begin
    assert source.stats.sound_jumps == 0


@pytest.mark.parametrize(
    ("name", "sound", "rate", "layout"),
    [
        ("a.wav", "pcm_s16le", 8_000, "mono"),
        ("b.wav", "pcm_u8", 8_000, "mono"),
        ("c.wav", "pcm_s24le", 48_000, "hexadecagonal"),
        ("a.mp3", "libmp3lame", 44_100, "stereo"),
        ("a.flac", "flac", 192_000, "stereo"),
        ("a.ogg", "libopus", 48_000, "stereo"),
        ("a.m4a", "aac", 22_050, "stereo"),
    ],
)
def test_sound_alone_begins_at_zero(tmp_path, name, sound, rate, layout):
    path = film(tmp_path / name, codec=None, sound=sound, rate=rate, layout=layout)
    info = probe(path)
    assert (info.width, info.height, info.fps, info.codec) == (0, 0, None, "")
    assert info.rate == (48_000 if sound == "libopus" else rate)
    assert abs(info.duration - 2 * SECOND) < 100 * MS
    source = open_source(path, sound=True)
    items = list(source.items())
    assert {item.kind for item in items} == {"audio"}
    ((begin, end),) = runs(items)
    assert begin == 0
    assert abs(end - 2 * SECOND) < 80 * MS
    _, tones = onsets(items)
    assert all(abs(a - b) <= 5 * MS for a, b in zip(tones, EVENTS, strict=True))
    with pytest.raises(InputError, match="no video"):
        open_source(path)


def test_channels_that_stand_nowhere_are_averaged(tmp_path):
    path = tmp_path / "nine.wav"
    samples = beeps(1, 16_000, 9)
    samples[1:] = 0
    with wave.open(str(path), "wb") as file:
        file.setparams((9, 2, 16_000, 0, "NONE", ""))
        file.writeframes((samples.T * 32767).astype(np.int16).tobytes())
    found = np.concatenate([item.data.samples for item in heard(open_source(path, sound=True))])
    assert np.abs(found - samples[0] / 9).max() < 1e-4


def test_stereo_in_phase_is_not_louder_than_each_side(tmp_path):
    path = film(tmp_path / "a.wav", codec=None, sound="pcm_f32le", rate=16_000)
    found = np.concatenate([item.data.samples for item in heard(open_source(path, sound=True))])
    assert np.abs(found - beeps(2, 16_000, 1)[0]).max() < 1e-4


def test_a_cover_is_no_video(tmp_path):
    path = tmp_path / "cover.mp3"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=44_100)
        stream.layout = "mono"
        cover = container.add_stream("mjpeg")
        cover.width = cover.height = 32
        cover.pix_fmt = "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        picture = VideoFrame.from_ndarray(np.full((32, 32, 3), 90, np.uint8))
        picture.pts, picture.time_base = 0, Fraction(1, 25)
        container.mux(cover.encode(picture))
        container.mux(cover.encode(None))
        frame = AudioFrame.from_ndarray(beeps(1, 44_100, 1), format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 44_100, 0, Fraction(1, 44_100)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe(path).codec == ""
    assert {item.kind for item in open_source(path, sound=True).items()} == {"audio"}
    with pytest.raises(InputError, match=r"no video \(only audio\)"):
        open_source(path)


def test_a_silent_file_gives_its_pictures(tmp_path):
    source = open_source(clip(tmp_path / "a.mp4"), sound=True)
    assert (source.info.channels, source.info.rate, source.info.sound_codec) == (0, 0, "")
    assert {item.kind for item in source.items()} == {"video"}


@pytest.mark.parametrize(("late", "begin"), [(SECOND, SECOND), (-200 * MS, 0)])
def test_sound_that_begins_late_or_before_the_first_frame(tmp_path, late, begin):
    path = film(tmp_path / "a.mkv", late=late, shift=SECOND)
    items = heard(open_source(path, sound=True))
    ((start, _),) = runs(items)
    assert start == begin
    _, tones = onsets(items)
    assert all(abs(a - b - late) <= 5 * MS for a, b in zip(tones, EVENTS, strict=True))


def test_sound_waits_for_the_pictures_but_not_for_ever(tmp_path):
    path = film(tmp_path / "a.mkv", seconds=12, fps=25, length=4.0)
    order = list(open_source(path, sound=True, every=SECOND).items())
    frames = [item.pts for item in order if item.kind == "video"]
    assert frames == [0, SECOND, 2 * SECOND, 3 * SECOND]
    shown = -1
    for item in order:
        if item.kind == "video":
            shown = item.pts
        elif shown < 3 * SECOND:
            assert item.pts <= shown + SECOND
    sparse = film(tmp_path / "b.mkv", seconds=9, fps=1, bf="0", picture=lambda i, _: np.full((48, 64, 3), i, np.uint8))
    with av.open(str(sparse)) as old, av.open(str(tmp_path / "c.mkv"), "w") as new:
        streams = [new.add_stream_from_template(stream) for stream in old.streams]
        for packet in old.demux():
            if packet.size and (packet.stream.type == "audio" or packet.pts * packet.time_base in (0, 8)):
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    order = list(open_source(tmp_path / "c.mkv", sound=True).items())
    between = order[1 : [i for i, item in enumerate(order) if item.kind == "video"][1]]
    assert [item.pts for item in between] == [index * 100 * MS for index in range(len(between))]
    assert 58 <= len(between) <= 81


def restamped(path, change, **options):
    """A film of sound whose packets carry other stamps: `change` of the stamp in ms, None to leave a packet out."""
    plain = film(path.with_name("plain.mkv"), sound="libopus", bf="0", **options)
    with av.open(str(plain)) as old, av.open(str(path), "w") as new:
        streams = [new.add_stream_from_template(stream) for stream in old.streams]
        for packet in old.demux():
            if packet.size:
                if packet.stream.type == "audio":
                    stamp = change(packet.pts)
                    if stamp is None:
                        continue
                    packet.pts = packet.dts = stamp
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    return path


def test_a_gap_in_the_sound_is_a_jump_of_pts(tmp_path):
    path = restamped(tmp_path / "a.mkv", lambda t: None if 600 <= t < 900 else t)
    source = open_source(path, sound=True)
    items = heard(source)
    (_, first), (second, _) = runs(items)
    assert abs(first - 600 * MS) < 30 * MS
    assert abs(second - 900 * MS) < 30 * MS
    assert [t for t in onsets(items)[1] if t > SECOND] == [pytest.approx(EVENTS[1], abs=2 * MS)]
    assert source.stats.sound_jumps == 1


def test_a_gap_too_short_to_hear_is_none(tmp_path):
    source = open_source(restamped(tmp_path / "a.mkv", lambda t: None if 600 <= t < 660 else t), sound=True)
    assert len(runs(heard(source))) == 1
    assert source.stats.sound_jumps == 0


def tracked(stamps: list[int | None]) -> tuple[list[Item], Stats]:
    """What an AudioTrack makes of frames of 20 ms with these stamps in ms; frame i holds i / 1000 throughout."""
    stats = Stats()
    timeline = Timeline(stats)
    timeline.restart(Fraction(1, SECOND), 1)
    timeline.place(0)
    frames = []
    for index, stamp in enumerate(stamps):
        frame = AudioFrame.from_ndarray(np.full((1, 320), index / 1000, np.float32), format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16_000, stamp, Fraction(1, 1000)
        frames.append([frame])
    decoder = SimpleNamespace(decode=lambda packet: [] if packet is None else packet)
    track = AudioTrack(SimpleNamespace(codec_context=decoder, time_base=Fraction(1, 1000)), timeline, stats)
    chunks = [chunk for frame in [*frames, None] for chunk in track.feed(frame)]
    return [Item(chunk.pts, "audio", Sound(chunk.samples)) for chunk in chunks], stats


@pytest.mark.parametrize(
    ("stamps", "expected", "jumps"),
    [
        ([20 * i for i in range(20)], [(0, 400)], 0),
        ([20 * i + 60 * (i > 9) for i in range(20)], [(0, 400)], 0),  # too little to be a gap
        ([20 * i + 700 * (i == 9) for i in range(20)], [(0, 400)], 1),  # one stray stamp
        ([20 * i + 700 * (i > 9) for i in range(20)], [(0, 200), (900, 1100)], 1),
        ([20 * i - 120 * (i > 9) for i in range(20)], [(0, 280)], 1),  # repeats: cut until it is new
        ([20 * i - 9_000 * (i > 9) for i in range(20)], [(0, 400)], 1),  # begins again: counted on
        ([20 * i + 4_000_000 * (i > 9) for i in range(20)], [(0, 400)], 1),  # absurd: counted on
        ([None] * 20, [(0, 400)], 0),
        ([20 * i - 100 for i in range(20)], [(0, 300)], 0),
    ],
)
def test_stamps_that_leave_the_count(stamps, expected, jumps):
    items, stats = tracked(stamps)
    assert runs(items) == [(begin * MS, end * MS) for begin, end in expected]
    assert stats.sound_jumps == jumps
    values = np.concatenate([item.data.samples for item in items])
    assert (np.diff(values) >= -1e-6).all()
    assert values[-1] == pytest.approx(0.019, abs=1e-4)


@given(st.lists(st.none() | st.integers(-5000, 5000) | st.integers(-(2**40), 2**40), max_size=40))
def test_time_never_runs_back_whatever_the_stamps(stamps):
    items, _ = tracked(stamps)
    runs(items)


def test_the_sound_may_change_its_rate_and_channels(tmp_path):
    one = film(tmp_path / "1.ts", sound="mp2", rate=48_000)
    two = film(tmp_path / "2.ts", sound="mp2", rate=32_000, layout="mono")
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    items = list(open_source(both, sound=True).items())
    flashes, tones = onsets(items)
    assert len(flashes) == len(tones) == 4
    assert all(abs(a - b) <= 100 * MS for a, b in zip(flashes, tones, strict=True))
    assert len(runs([item for item in items if item.kind == "audio"])) <= 2


def test_damaged_sound_is_counted_and_never_fatal(tmp_path):
    path = film(tmp_path / "a.mp3", seconds=4, codec=None, sound="libmp3lame")
    data, random = bytearray(path.read_bytes()), np.random.default_rng(1)
    for at in random.integers(len(data) // 4, len(data) * 3 // 4, 30):
        data[at : at + 20] = random.bytes(20)
    path.write_bytes(data)
    source = open_source(path, sound=True)
    assert runs(heard(source))[-1][1] > 3 * SECOND
    assert source.stats.decode_errors > 0


def test_loops_keep_sound_and_pictures_together(tmp_path):
    for length in (2.0, 1.4, 3.0):
        path = film(tmp_path / f"{length}.mp4", length=length)
        source = open_source(path, sound=True, loop=True)
        items = []
        for item in source.items():
            items.append(item)
            if item.pts > 7 * SECOND:
                source.close()
        flashes, tones = onsets(items)
        assert len(flashes) >= 4
        assert all(abs(a - b) <= 100 * MS for a, b in zip(flashes[:4], tones[:4], strict=True))
        audio = [item for item in items if item.kind == "audio"]
        assert all(a.pts < b.pts for a, b in pairwise(audio))
        assert all(a.pts + a.data.samples.size * SAMPLE <= b.pts for a, b in pairwise(audio))


def test_a_live_stream_with_sound_comes_back(tmp_path, server):  # noqa: F811
    url, parts = server
    data = film(tmp_path / "a.ts", sound="mp2").read_bytes()
    parts += [data, data]
    source = open_source(url, sound=True, sleep=lambda _: None, retry=Retry(jitter=0, attempts=2))
    items = []
    with pytest.raises(InputError, match="not back"):
        items.extend(source.items())
    assert all(item.arrival == 0 for item in items)
    flashes, tones = onsets(items)
    assert len(flashes) == len(tones) == 4
    assert all(abs(a - b) <= 50 * MS for a, b in zip(flashes, tones, strict=True))
    (_, first), (second, _) = runs([item for item in items if item.kind == "audio"])
    assert second - first >= SECOND // 2 - 100 * MS
    cut = items.index(next(item for item in items if item.kind == "audio" and item.pts >= second))
    assert all(item.kind == "video" for item in items[cut:] if item.pts < first)


def test_parallel_decoding_has_no_sound(tmp_path):
    with pytest.raises(ConfigError, match="workers=1"):
        open_source(clip(tmp_path / "a.mp4"), workers=2, sound=True)


def test_interleave_gives_each_chunk_once_and_in_order():
    chunks = [Chunk(index * 100 * MS, np.full(1600, index, np.float32)) for index in range(30)]
    sounds, given = Interleave(), []
    for chunk in chunks:
        sounds.put(chunk)
        given += sounds.excess()
    assert [chunk.pts for chunk in given] == [index * 100 * MS for index in range(10)]
    assert [chunk.pts for chunk in sounds.before(SECOND + 1)] == [SECOND]
    assert len(list(sounds.rest())) == 19
