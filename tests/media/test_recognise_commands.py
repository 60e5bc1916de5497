"""Commands and small languages by pocketsphinx, on speech of espeak-ng."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import headrace
from headrace.core.errors import ConfigError, InputError
from headrace.media.recognise import Recogniser, recogniser, resample
from tests.media.narration import RATE, SPEAKS, say

pytest.importorskip("pocketsphinx", reason="needs the audio extra")
speaks = pytest.mark.skipif(not SPEAKS, reason="needs espeak-ng (apt install espeak-ng)")

GRAMMAR = """#JSGF V1.0;
grammar belt; // of a sorting hall
<speed> = slow | normal | full;
public <drive> = (raise | lower) the (left | right) arm | set the belt to <speed> speed;
public <Ask> = how many boxes are waiting | [please] call a technician;
"""
COMMANDS = (
    "raise the left arm",
    "lower the left arm",
    "lower the right arm",
    "set the belt to full speed",
    "set the belt to normal speed",
    "how many boxes are waiting",
    "call a technician",
    "please call a technician",
)
OTHER = (
    "my sister plays the violin on sundays",
    "the harbour is closed to small boats",
    "raise your hand if you agree",
    "how many people came to the party",
    "please call me tomorrow",
    "set the table for dinner",
    "there is fresh bread in the kitchen",
    "the right answer was seven",
    "good evening and welcome",
    "we never found the old key",
)
LANGUAGE = """The ferry to the island leaves at nine.
The market hall opens on Thursday.
Heavy snow is expected in the mountains tonight.
Two lanes of the bridge are closed for repair.
The library lends books for four weeks.
Please switch off the lights in the meeting room.
"""
#: Figures for the report of a run (`--junit-xml`).
Note = Callable[[str, object], None]
VOICES = ("en-us", "en-us+f3")


def words_wrong(reference: str, heard: str) -> int:
    """Least substitutions, insertions and deletions of words."""
    row = list(range(len(heard.split()) + 1))
    for i, one in enumerate(reference.split(), 1):
        above, row[0] = row[0], i
        for j, other in enumerate(heard.split(), 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (one != other))
    return row[-1]


def heard(by: Recogniser, text: str, voice: str) -> str:
    samples = np.pad(say(text, voice, 140), 480)  # an utterance has 30 ms of quiet at its ends
    return " ".join(phrase.text for phrase in by.transcribe(samples, RATE))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    return recogniser(f"grammar:{written(tmp_path_factory.mktemp('grammar'), 'belt.gram', GRAMMAR)}")


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    return recogniser(f"lm:{written(tmp_path_factory.mktemp('lm'), 'town.txt', LANGUAGE)}")


@cache
def sentences() -> tuple[str, ...]:
    return tuple(line.lower().rstrip(".") for line in LANGUAGE.splitlines())


@speaks
def test_commands_are_recognised_and_other_speech_is_not(commands: Recogniser, record_property: Note) -> None:
    said = [(text, voice, heard(commands, text, voice)) for text in COMMANDS for voice in VOICES]
    right = sum(text == found for text, _, found in said)
    other = [heard(commands, text, voice) for text in OTHER for voice in VOICES]
    accepted = sum(bool(found) for found in other)
    record_property("commands", f"{right} of {len(said)} right, {accepted} of {len(other)} other sentences accepted")
    assert right >= 0.75 * len(said), said
    assert accepted <= 0.1 * len(other), other
    assert commands.name == "grammar:belt.gram"


@speaks
def test_a_small_language_is_recognised_and_other_speech_is_not(language: Recogniser, record_property: Note) -> None:
    said = [(text, heard(language, text, voice)) for text in sentences() for voice in VOICES]
    rate = sum(words_wrong(*pair) for pair in said) / sum(len(text.split()) for text, _ in said)
    other = [heard(language, text, voice) for text in OTHER for voice in VOICES]
    accepted = sum(bool(found) for found in other)
    record_property("language", f"word error rate {rate:.3f}, {accepted} of {len(other)} other sentences accepted")
    assert rate <= 0.25, said
    assert accepted <= 0.1 * len(other), other


@speaks
def test_times_are_those_of_the_words(language: Recogniser) -> None:
    pause = np.zeros(RATE, dtype=np.float32)
    first, second = (say(sentences()[i], "en-us+f3", 140) for i in (1, 4))
    both = np.concatenate([first, pause, second])
    rng = np.random.default_rng(5)
    phrases = language.transcribe(both + rng.normal(0, 1e-4, len(both)).astype(np.float32), RATE)
    assert [phrase.text for phrase in phrases] == [sentences()[1], sentences()[4]]
    assert abs(phrases[0].end_s - len(first) / RATE) < 0.25
    assert abs(phrases[1].start_s - (len(first) + RATE) / RATE) < 0.25
    assert phrases[1].end_s <= len(both) / RATE
    assert all(0 <= phrase.score <= 1 for phrase in phrases)


@speaks
def test_a_call_remembers_nothing_of_the_one_before(commands: Recogniser, language: Recogniser) -> None:
    texts = [*COMMANDS[:3], sentences()[0]]
    stretches = [say(text, "en-us+f3", 140) * level for text, level in zip(texts, (1, 0.1, 3, 0.5), strict=True)]
    for by in (commands, language):
        alone = {i: by.transcribe(samples, RATE) for i, samples in enumerate(stretches)}
        order = list(alone)
        random.Random(3).shuffle(order)
        assert [by.transcribe(stretches[i], RATE) for i in order] == [alone[i] for i in order]


@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(100), np.zeros(RATE), np.full(RATE, np.nan), np.full(RATE, 9.0)]
)
def test_what_is_no_speech_has_no_words(commands: Recogniser, language: Recogniser, samples: np.ndarray) -> None:
    for by in (commands, language):
        assert by.transcribe(samples.astype(np.float32), RATE) == []


@pytest.mark.parametrize(("shape", "rate"), [((100, 2), RATE), ((100,), 0)])
def test_wrong_samples_are_refused(commands: Recogniser, shape: tuple[int, ...], rate: int) -> None:
    with pytest.raises(InputError, match="one channel"):
        commands.transcribe(np.zeros(shape, dtype=np.float32), rate)


@pytest.mark.parametrize(
    ("plug", "text", "told"),
    [
        ("grammar", "", "not a JSGF grammar"),
        ("grammar", "raise the arm", "not a JSGF grammar"),
        ("grammar", "#JSGF V1.0; grammar g; public <a> = (left", "does not parse"),
        ("grammar", "#JSGF V1.0; grammar g; <a> = left;", "no public rule"),
        ("grammar", "#JSGF V1.0; grammar g; public <a> = <b> left;", "<b> is used, but not defined"),
        ("grammar", "#JSGF V1.0; grammar g; import <x.y>; public <a> = left;", "imports are not supported"),
        ("grammar", "#JSGF V1.0; grammar g; public <a> = left <a>;", "no command"),
        ("grammar", "#JSGF V1.0; grammar g; public <a> = <VOID>;", "no command"),
        ("grammar", "#JSGF V1.0; grammar g; public <a> = left zorgblatt;", "'zorgblatt'"),
        ("lm", "  \n.\n", "no sentence"),
        ("lm", "Take 12 pills.\nzorg blatts", "'12', 'blatts', 'zorg'"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(tmp_path: Path, plug: str, text: str, told: str) -> None:
    path = written(tmp_path, "given.txt", text)
    with pytest.raises(ConfigError) as refused:
        recogniser(f"{plug}:{path}")
    assert told in str(refused.value)
    assert "given.txt" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("spec", ["", "grammar", "grammar:", "whisper:base", ":x"])
def test_an_unknown_plug_is_refused(spec: str) -> None:
    with pytest.raises(ConfigError, match="grammar:FILE, lm:FILE or transformers:PATH"):
        recogniser(spec)


def test_a_missing_file_and_a_broken_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        recogniser(f"grammar:{tmp_path / 'none.gram'}")
    with pytest.raises(InputError, match="is a folder"):
        recogniser(f"lm:{tmp_path}")
    for name, text in (("a.lm", "hello"), ("b.arpa", ""), ("c.bin", "\0\1" * 99)):
        with pytest.raises(ConfigError, match="n-gram model"):
            recogniser(f"lm:{written(tmp_path, name, text)}")
    (tmp_path / "latin.gram").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="UTF-8"):
        recogniser(f"grammar:{tmp_path / 'latin.gram'}")


def test_nothing_is_written_on_standard_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError):
        recogniser(f"lm:{written(tmp_path, 'a.lm', 'hello')}")
    by = recogniser(f"grammar:{written(tmp_path, 'b.gram', GRAMMAR)}")
    by.transcribe(np.zeros(RATE, dtype=np.float32), RATE)
    assert capfd.readouterr() == ("", "")


@speaks
def test_a_dictionary_beside_brings_words(tmp_path: Path) -> None:
    path = written(tmp_path, "made.gram", "#JSGF V1.0; grammar g; public <a> = start the headrace;")
    with pytest.raises(ConfigError, match="'headrace'"):
        recogniser(f"grammar:{path}")
    written(tmp_path, "made.dict", "headrace HH EH D R EY S\n")
    assert heard(recogniser(f"grammar:{path}"), "start the head race", "en-us+f3") == "start the headrace"
    written(tmp_path, "made.dict", "headrace HH EH QQ\n")
    with pytest.raises(ConfigError, match="unknown phone 'QQ'"):
        recogniser(f"grammar:{path}")


@speaks
def test_an_n_gram_model_is_taken_as_it_is(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx")
    from pocketsphinx.lm import ArpaBoLM

    model = ArpaBoLM(text="\n".join(sentences()), add_start=True)
    model.compute()
    path = tmp_path / "town.arpa"
    assert model.write_file(str(path))
    assert heard(recogniser(f"lm:{path}"), sentences()[1], "en-us+f3") == sentences()[1]


@pytest.mark.parametrize(("rate", "to"), [(22050, 16000), (48000, 16000), (16000, 24000), (8000, 16000)])
def test_a_tone_survives_another_rate(rate: int, to: int) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * rate) / rate).astype(np.float32)
    made = resample(tone, rate, to)
    assert len(made) == 2 * to
    expected = np.sin(2 * np.pi * 1000 * np.arange(2 * to) / to)
    assert np.abs(made - expected)[200:-200].max() < 1e-4
    high = np.sin(2 * np.pi * 0.45 * rate * np.arange(rate) / rate).astype(np.float32)
    if to < rate:
        assert np.abs(resample(high, rate, to))[200:-200].max() < 1e-2


def test_the_narration_of_the_demo_is_recognised(record_property: Note) -> None:
    """The language of the demo holds the sentences of its narration: this says nothing of other speech."""
    av = pytest.importorskip("av", reason="needs the media extra")
    demo = Path(headrace.__file__).parent / "apps" / "demo"
    truth = json.loads((demo / "demo.json").read_text(encoding="utf-8"))["speech"]
    with av.open(str(demo / "demo.mp4")) as container:
        stream = container.streams.audio[0]
        rate = stream.rate
        parts = [frame.to_ndarray().reshape(frame.layout.nb_channels, -1).mean(0) for frame in container.decode(stream)]
    samples = np.concatenate(parts).astype(np.float32)
    by = recogniser(f"lm:{demo / 'demo.lm.txt'}")
    wrong = total = 0
    for one in truth:
        text = re.sub(r"[^a-z' ]", "", one["text"].lower())
        stretch = samples[int((one["on"] - 0.06) * rate) : int((one["off"] + 0.06) * rate)]
        wrong += words_wrong(text, " ".join(phrase.text for phrase in by.transcribe(stretch, rate)))
        total += len(text.split())
    record_property("demo", f"word error rate {wrong / total:.3f}")
    assert wrong <= 0.15 * total
