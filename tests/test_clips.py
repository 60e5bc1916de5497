"""The clips are what their truth says, and the same for the same seed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from headrace.core.errors import ConfigError
from tests.clips import ALL, UNSHOWN, VOCABULARY, Truth, broken, clip, endless, write
from tests.clips.demo import GATE, demo
from tests.clips.sound import NEEDS_ESPEAK, RATE, Ambience, Noise, Say, Soundtrack, closed, espeak, read_aloud

SMALL, MEDIUM = (160, 96), (640, 360)
DEMO = Path(__file__).parents[1] / "src" / "headrace" / "apps" / "demo"
needs_espeak = pytest.mark.skipif(espeak() is None, reason=NEEDS_ESPEAK)


def digest(frames) -> str:
    total = blake2b()
    for frame in frames:
        total.update(frame.tobytes())
    return total.hexdigest()


def decoded(path: Path) -> list:
    """Times of the frames that can be decoded, up to the first damage."""
    times = []
    with av.open(str(path)) as container, suppress(av.InvalidDataError):
        for frame in container.decode(video=0):
            times.append(frame.time)  # noqa: PERF401 (damage ends the loop, not the list)
    return times


def heard(path: Path) -> np.ndarray:
    """The sound of a file, float32 [n] mono at RATE."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", RATE)
        return np.concatenate(
            [piece.to_ndarray()[0] for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
        )


def edits(a: list[str], b: list[str]) -> int:
    """Words to insert, delete or replace to make `b` of `a`."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def levels(samples: np.ndarray, step: float = 0.1) -> np.ndarray:
    """dB of full scale of each step (s)."""
    size = round(step * RATE)
    whole = samples[: len(samples) // size * size].reshape(-1, size).astype(float)
    return 10 * np.log10(np.mean(whole**2, axis=1) + 1e-20)


def test_same_seed_same_frames():
    first = digest(clip(3, size=SMALL, fps=5))
    assert digest(clip(3, size=SMALL, fps=5)) == first
    assert digest(clip(4, size=SMALL, fps=5)) != first


@pytest.mark.parametrize("regime", [regime for regime in ALL if regime != "revisit"])
def test_each_regime_stands_alone(regime):
    made = clip(1, [regime], size=SMALL, fps=5)
    frames = list(made)
    assert len(frames) == len(made) == round(made.truth.duration * 5)
    assert {(frame.shape, frame.dtype.name) for frame in frames} == {((96, 160, 3), "uint8")}
    assert {line.regime for line in made.truth.lines} == {regime}


@pytest.mark.parametrize("seed", range(12))
def test_truth_of_a_whole_clip(seed):
    made = clip(seed)
    truth = made.truth
    assert 140 <= truth.duration <= 170
    assert 70 <= len(truth.lines) <= 115
    new = [line.text for line in truth.lines if line.regime != "revisit"]
    assert len(set(new)) == len(new)
    words = {word for text in new for word in text.lower().split()}
    assert not words & set(UNSHOWN)
    assert len(words & set(VOCABULARY)) > 100
    for line in truth.lines:
        segment = truth.segments[line.slide]
        assert segment.t0 + segment.transition_s <= line.on + 1e-3
        assert line.on + 1.9 <= line.off <= segment.t1 + 1e-3
        x0, y0, x1, y1 = line.box
        assert 0 <= x0 < x1 <= 1280
        assert 0 <= y0 < y1 <= 720
    assert [segment.t0 for segment in truth.segments[1:]] == [segment.t1 for segment in truth.segments[:-1]]
    assert len(truth.boundaries) == len(truth.segments) - 1


def test_the_first_slide_returns():
    truth = clip(2).truth
    first = [line.text for line in truth.lines if line.slide == 0]
    assert [line.text for line in truth.lines if line.regime == "revisit"] == first


def test_one_digit_changes_every_two_seconds():
    lines = [line for line in clip(5, ["digit"]).truth.lines if " level " in line.text]
    assert [(line.on, line.off) for line in lines] == [(0, 2), (2, 4), (4, 6), (6, 8)]
    for a, b in pairwise(lines):
        assert sum(x != y for x, y in zip(a.text, b.text, strict=True)) == 1


def test_ink_is_where_and_when_the_truth_says():
    made = clip(7, ["calm", "build", "push", "digit"], size=MEDIUM, fps=10)
    frames = list(made)
    for line in made.truth.lines:
        x0, y0, x1, y1 = line.box
        area = frames[min(len(frames) - 1, round(line.on * 10) + 1)][y0:y1, x0:x1]
        assert np.ptp(area) > 100, line
    late = [line for line in made.truth.lines if line.regime == "build"][1:]
    for line in late:
        x0, y0, x1, y1 = line.box
        assert np.ptp(frames[round(line.on * 10) - 2][y0:y1, x0:x1], axis=(0, 1)).max() == 0, line


def test_a_panned_line_enters_and_leaves_whole():
    made = clip(11, ["pan"], size=MEDIUM, fps=10)
    frames = list(made)
    start = made.truth.segments[1].t0
    moving = [line for line in made.truth.lines if line.slide == 1 and line.on > start]
    assert moving
    for line in moving:
        assert line.box[2] in range(638, 641)
        rows, on = slice(line.box[1] - 4, line.box[3] + 4), round(line.on * 10)
        assert frames[on - 5][rows, -16:].min() < 150, line
        assert frames[on + 6][rows, -8:].min() > 200, line


def test_unknown_regimes_are_refused():
    with pytest.raises(ConfigError, match="unknown regimes"):
        clip(1, ["calm", "earthquake"])
    with pytest.raises(ConfigError, match="two slides"):
        clip(1, ["build", "revisit"])


def test_written_file_and_truth(tmp_path):
    made = clip(1, ["calm", "push", "noise"], size=(320, 180), fps=10)
    truth = write(made, tmp_path / "a.mp4", gop=20)
    times = decoded(tmp_path / "a.mp4")
    assert np.allclose(times, np.arange(len(made)) / 10)
    assert Truth.from_json((tmp_path / "a.json").read_text()) == truth


def test_endless_goes_on_with_new_pictures():
    fps = 2
    turn = len(clip(1, size=SMALL, fps=fps))
    frames = islice(endless(1, SMALL, fps), 2 * turn)
    hashes = [digest([frame]) for frame in frames]
    assert len(hashes) == 2 * turn
    assert not set(hashes[:turn]) & set(hashes[turn:])


def test_broken_inputs(tmp_path):
    made = broken(tmp_path)
    for name in ("text", "empty", "moov_missing"):
        with pytest.raises(av.InvalidDataError):
            av.open(str(made[name]))
    assert made["directory"].is_dir()
    with av.open(str(made["audio_only"])) as container:
        assert (len(container.streams.video), len(container.streams.audio)) == (0, 1)
    times = {name: decoded(path) for name, path in made.items() if name.startswith("pts")}
    assert 0 < len(decoded(made["mdat_cut"])) < 60
    assert decoded(made["no_frames"]) == []
    assert max(np.diff(times["pts_jump"])) > 99_000
    assert min(np.diff(times["pts_back"])) < -1
    assert times["pts_negative"][0] == -1
    assert np.count_nonzero(np.diff(times["pts_repeat"]) == 0) == 40
    assert times["pts_missing"] == [None] * 60
    assert None in times["pts_some_missing"]
    assert times["pts_some_missing"][-1] is not None
    gaps = np.diff(decoded(made["variable_rate"]))
    assert min(gaps) < 0.05
    assert max(gaps) > 0.3
    with av.open(str(made["one_pixel"])) as container:
        assert next(container.decode(video=0)).to_ndarray(format="rgb24").shape == (1, 1, 3)


def test_the_shipped_demo_is_what_the_script_makes():
    truth = Truth.from_json((DEMO / "demo.json").read_text())
    assert replace(truth, speech=[], voice=[], sounds=[]) == demo(narrated=False).truth
    video = DEMO / "demo.mp4"
    assert video.stat().st_size <= 3_000_000
    assert 60 <= truth.duration <= 75
    with av.open(str(video)) as container:
        assert container.streams.video[0].frames == round(truth.duration * truth.fps)
    shown = {line.text for line in truth.lines}
    said = {speech.text for speech in truth.speech}
    asks = truth.extra["ask"]
    assert [(ask["line"] in shown, ask["speech"] in said) for ask in asks] == [
        (True, False),
        (True, False),
        (False, True),
        (False, False),
    ]
    for ask in asks:
        assert ask["answer"] is None or ask["answer"] in (ask["line"] or ask["speech"]).lower()
    spoken_only = next(ask["answer"] for ask in asks if ask["speech"])
    assert not any(spoken_only in text.lower() for text in shown)
    opened = truth.extra["when"]["time"]
    assert [line.on for line in truth.lines if line.text == GATE] == [opened]


def test_the_demo_is_heard_where_its_truth_says():
    truth = Truth.from_json((DEMO / "demo.json").read_text())
    samples = heard(DEMO / "demo.mp4")
    assert len(samples) / RATE == pytest.approx(truth.duration, abs=0.05)
    level = levels(samples)
    quiet = np.ones(len(level), bool)
    for on, off in [*((speech.on, speech.off) for speech in truth.speech), *((s.on, s.off) for s in truth.sounds)]:
        assert level[round(on * 10) : round(off * 10)].max() > -20
        quiet[int(on * 10) - 2 : round(off * 10) + 3] = False
    assert quiet.mean() > 0.4
    assert level[quiet].max() < -45


def test_the_language_of_the_demo_is_more_than_its_answers():
    truth = Truth.from_json((DEMO / "demo.json").read_text())
    sentences = (DEMO / "demo.lm.txt").read_text().splitlines()
    plain = [re.sub("[^a-z ]", "", speech.text.lower()) for speech in truth.speech]
    assert set(plain) < set(sentences)
    assert len(set(sentences)) == len(sentences) >= len(plain) + 20
    assert all(re.fullmatch("[a-z]+( [a-z]+)*", sentence) for sentence in sentences)


def test_the_narration_of_the_demo_can_be_recognised():
    """Word error rate at most 0.15 with the language beside it, and the answer that is only said is understood."""
    pytest.importorskip("pocketsphinx", reason="needs pocketsphinx")
    from headrace.media.recognise import recogniser

    truth = Truth.from_json((DEMO / "demo.json").read_text())
    samples = heard(DEMO / "demo.mp4")
    listener = recogniser(f"lm:{DEMO / 'demo.lm.txt'}")
    said: list[str] = []
    wanted: list[str] = []
    for speech in truth.speech:
        stretch = samples[round((speech.on - 0.2) * RATE) : round((speech.off + 0.2) * RATE)]
        said += " ".join(phrase.text for phrase in listener.transcribe(stretch, RATE)).split()
        wanted += re.sub("[^a-z ]", "", speech.text.lower()).split()
    assert edits(wanted, said) <= 0.15 * len(wanted), said
    assert "friday" in said


@needs_espeak
def test_narration_is_the_same_for_the_same_words():
    truth = Truth.from_json((DEMO / "demo.json").read_text())
    again = demo().truth
    assert [speech.text for speech in again.speech] == [speech.text for speech in truth.speech]
    for one, other in zip(again.speech, truth.speech, strict=True):
        assert (one.on, one.off) == pytest.approx((other.on, other.off), abs=0.3)  # of another espeak-ng
    part = Say("The lantern is silver.", 0.5)
    twice = [Soundtrack((part, Ambience("room", 0, 3)), 3, seed).samples for seed in (1, 1, 2)]
    assert np.array_equal(twice[0], twice[1])
    assert not np.array_equal(twice[0], twice[2])
    read_aloud.cache_clear()
    assert np.array_equal(Soundtrack((part, Ambience("room", 0, 3)), 3, 1).samples, twice[0])


@needs_espeak
def test_speech_is_where_the_truth_says():
    track = Soundtrack((Say("Silver lanterns. Golden bridges.", 1.0, level_db=-18),), 6)
    (speech,) = track.speech
    assert 1.0 <= speech.on < 1.1
    assert track.voice[0][0] == speech.on
    assert track.voice[-1][1] == speech.off
    level = levels(track.samples, 0.01)
    inside = np.zeros(len(level), bool)
    for on, off in track.voice:
        inside[round(on * 100) : round(off * 100)] = True
    assert level[~inside].max() < level.max() - 35
    assert np.mean(level[inside] > level.max() - 40) > 0.8


def test_noises_and_ambience_are_where_the_truth_says():
    parts = (
        Ambience("room", 0, 4, -60),
        Ambience("silence", 4, 6),
        Ambience("room", 6, 8, -60),
        Ambience("rain", 8, 10, -40),
        Noise("bang", 2, 0.3, -6),
        Noise("horn", 9, 0.5, -12),
        Noise("beep", 1, 0.2, -20),
    )
    track = Soundtrack(parts, 10, 3)
    found = [(sounding.what, sounding.name, sounding.on, sounding.off) for sounding in track.sounds]
    assert found == [
        ("loud", "beep", 1, 1.2),
        ("loud", "bang", 2, 2.3),
        ("silence", "silence", 4, 6),
        ("change", "room to rain", 8, 8),
        ("loud", "horn", 9, 9.5),
    ]
    level = levels(track.samples, 0.01)
    assert [round(level[round(t * 100) : round(t * 100) + 30].max()) for t in (1, 2, 9)] == [-20, -6, -12]
    assert level[400:600].max() < -150
    assert level[310:390].mean() == pytest.approx(-60, abs=2)
    assert level[800:890].mean() == pytest.approx(-40, abs=1)


def test_closed_joins_over_short_pauses():
    assert closed([(2, 3), (0, 1), (1.29, 1.5), (3.3, 4)]) == [(0, 1.5), (2, 3), (3.3, 4)]


def test_command_line(tmp_path):
    run = [sys.executable, "-m", "tests.clips", str(tmp_path / "a.mp4"), "--size", "160x96", "--regimes"]
    root = Path(__file__).parents[1]
    environment = {"PYTHONPATH": f"{root / 'src'}:{root}"}
    done = subprocess.run([*run, "build"], cwd=root, env=environment, capture_output=True, text=True, check=True)
    assert "10 s, 1 slides" in done.stdout
    assert json.loads((tmp_path / "a.json").read_text())["size"] == [160, 96]
    bad = subprocess.run([*run, "storm"], cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    assert "unknown regimes" in bad.stderr
    assert "Traceback" not in bad.stderr
