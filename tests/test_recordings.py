"""The recordings are what their truth says: seeded, in known words, readable where and when it is told."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from itertools import islice

import av
import numpy as np
import pytest

from headrace.core.errors import ConfigError
from tests.clips import COMMON, KINDS, UNSHOWN, VOCABULARY, Recording, Truth, espeak, recording, write
from tests.clips.scenes import Mark, Text
from tests.clips.sound import NEEDS_ESPEAK
from tests.clips.stage import Easel, Picture, Stage, readable

#: Kinds with narration need a voice.
READY = [
    pytest.param(kind, marks=pytest.mark.skipif(kind == "lecture" and espeak() is None, reason=NEEDS_ESPEAK))
    for kind in KINDS
]


known = cache(recording)  # one of a kind and seed for all tests


def words(made: Recording) -> set[str]:
    """Every word that can be read or heard, without number plates."""
    texts = [line.text for line in (*made.truth.lines, *made.truth.passing)]
    texts = [text for text in texts if not re.fullmatch(r"[A-Z]{2} \d{4}", text)]
    texts += [speech.text for speech in made.truth.speech]
    return set(re.findall("[a-z]+", " ".join(texts).lower()))


def digest(made: Recording, frames: int) -> str:
    total = blake2b()
    for tick, frame in islice(made.timed(), frames):
        total.update(str(tick).encode())
        total.update(frame[::4, ::4].tobytes())
    return total.hexdigest()


def begin(made: Recording, t: float) -> Recording:
    """The recording from the state at `t` on."""
    states = made.stage.states
    first = max(index for index, (tick, _) in enumerate(states) if tick <= t * made.fps)
    return replace(made, stage=replace(made.stage, states=states[first:]))


@pytest.mark.parametrize("kind", READY)
def test_two_seeds_differ_in_words_and_one_seed_does_not(kind):
    first, other = known(kind, 1), known(kind, 2)
    again = recording(kind, 1)
    assert first.truth == again.truth
    assert digest(begin(first, 30), 4) == digest(begin(again, 30), 4) != digest(begin(other, 30), 4)
    assert len(words(first) ^ words(other)) >= (6 if kind == "street" else 30)
    for made in (first, other):
        assert words(made) <= {*VOCABULARY, *COMMON}
        assert not words(made) & set(UNSHOWN)


def test_common_words_and_those_that_are_never_shown_are_disjoint():
    assert not {*COMMON, *VOCABULARY} & set(UNSHOWN)
    assert not set(COMMON) & set(VOCABULARY)


@pytest.mark.parametrize("kind", READY)
def test_truth_of_a_recording(kind):
    made = known(kind, 2)
    truth = made.truth
    assert 60 <= truth.duration <= 180
    assert len(truth.lines) >= (4 if kind == "street" else 40)
    assert truth.boundaries
    for line in truth.lines:
        assert 0 <= line.on < line.off <= truth.duration + 1e-6
        assert line.off - line.on >= 1.2
        x0, y0, x1, y1 = line.box
        assert 0 <= x0 < x1 <= 1280
        assert 0 <= y0 < y1 <= 720
    assert all(round(line.off - line.on, 3) >= 0.15 for line in truth.passing)
    assert [segment.t0 for segment in truth.segments[1:]] == [start for start, _ in truth.boundaries]
    assert Truth.from_json(truth.to_json()) == truth


@pytest.mark.parametrize("kind", READY)
def test_what_is_told_is_drawn(kind):
    """Where a line stands there is ink."""
    made = known(kind, 2)
    for line in made.truth.lines[:: max(1, len(made.truth.lines) // 6)]:
        x0, y0, x1, y1 = line.box
        _, frame = next(begin(made, line.on + 0.01).timed())
        assert np.ptp(frame[y0:y1, x0:x1], axis=(0, 1)).max() > 60, line


@pytest.mark.skipif(espeak() is None, reason=NEEDS_ESPEAK)
def test_a_lecture_is_spoken_and_its_corner_moves():
    made = known("lecture", 1)
    truth = made.truth
    assert len(truth.speech) >= 16
    assert all(a.off < b.on for a, b in zip(truth.speech, truth.speech[1:], strict=False))
    assert [sounding.name for sounding in truth.sounds] == ["bang"]
    frames = [frame for _, frame in islice(begin(made, 10).timed(), 20)]
    moved = np.abs(frames[0].astype(int) - frames[-1]).max(axis=2)
    assert moved[500:698, 1000:1264].mean() > 2
    assert moved[:480].max() == 0


def test_a_screen_has_frames_only_where_something_changes(tmp_path):
    made = known("screen", 1)
    made = replace(made, stage=replace(made.stage, states=made.stage.states[:50]), seconds=12.0)
    write(made, tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([tick / 30 for tick, _ in made.timed()], abs=1e-3)
    gaps = np.diff(times)
    assert gaps.min() == pytest.approx(1 / 30, abs=1e-3)
    assert gaps.max() > 0.4
    assert times[-1] == pytest.approx(12 - 1 / 30, abs=1e-3)


def test_the_clock_of_a_street_ticks():
    made = known("street", 1)
    clocks = [line.text for line in made.truth.passing]
    assert len(set(clocks)) == 90
    frames = {second: next(begin(made, second).timed())[1] for second in (4, 5)}
    assert np.abs(frames[4][18:44, 24:300].astype(int) - frames[5][18:44, 24:300]).max() > 120
    day, night = (next(begin(made, second).timed())[1].astype(int) for second in (60, 63))
    assert np.abs(day[..., 0] - day[..., 2]).mean() > 4
    assert np.abs(night - night[..., :1]).mean() < 8  # grey but for the grain


def test_the_easel_draws_the_same_as_from_scratch():
    states = known("screen", 1).stage.states
    easel = Easel((1280, 720))
    for index in (0, 1, 40, 41, 200, 201, 60):
        pieces = states[index][1]
        assert np.array_equal(easel.draw(pieces), Easel((1280, 720)).draw(pieces))


def test_what_lies_under_something_cannot_be_read():
    line = Text("Silver lantern", "DejaVuSans", 20, 40, 40, (0, 0, 0))
    paper = Mark((255, 255, 255), (0, 0, 320, 180))
    shade = Mark((255, 255, 255, 90), (0, 0, 320, 180))
    window = Mark((200, 200, 200), (60, 30, 200, 100))
    caret = Mark((0, 0, 0), (60, 40, 62, 60))
    photo = Picture(np.zeros((40, 40, 3), np.uint8), 60, 40)
    arrow = Picture(np.zeros((20, 20, 4), np.uint8), 60, 40)
    size = (320, 180)
    for over, seen in ((shade, True), (caret, True), (arrow, True), (window, False), (photo, False)):
        assert bool(readable((paper, line, over), size)) is seen
        assert readable((paper, over, line), size) == [line]
    assert readable((paper, replace(line, x=-2)), size) == []
    assert readable((paper, replace(line, text="12")), size) == []
    assert Easel(size).draw((paper, line))[40:60, 40:180].min() < 60


def test_a_line_that_moves_is_one_line_and_one_that_does_not_stand_still_passes():
    stage = Stage((320, 180), 10)
    still, moving = (Text(text, "DejaVuSans", 20, 10, 20, (255, 255, 255)) for text in ("Silver", "Golden"))
    for step in range(20):
        stage.show(step * 0.2, [replace(still, y=20 if step < 8 else 40), replace(moving, y=60 + 2 * step)])
    stage.show(4.0, [])
    stood, passed = stage.lines("screen", 5.0)
    assert [(line.text, line.on, line.off) for line in stood] == [("Silver", 0.0, 4.0)]
    assert [(line.text, line.on, line.off) for line in passed] == [("Golden", 0.0, 4.0)]


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigError, match="unknown kind of recording 'opera'"):
        recording("opera", 1)
