"""Silence and loud passages, by level."""

import numpy as np
import pytest

from headrace.core.item import SECOND
from headrace.media.loudness import BLOCK, LASTING, Loudness, Mark, level_db


def level(db: float, seconds: float, seed: int = 0) -> np.ndarray:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * 16_000))
    return (samples / np.sqrt(np.mean(samples**2)) * 10 ** (db / 20)).astype(np.float32)


def told(*parts: np.ndarray) -> list[Mark]:
    samples, loudness = np.concatenate(parts), Loudness()
    marks = [
        mark for k in range(len(samples) // BLOCK) for mark in loudness.see(k * LASTING, samples[k * BLOCK :][:BLOCK])
    ]
    return marks + loudness.finish()


def ends(marks: list[Mark]) -> list[tuple[str, float, float]]:
    """What, first and last in seconds, of the marks told at their end; each was told once before."""
    news = [(mark.what, mark.first) for mark in marks if mark.new]
    ended = [mark for mark in marks if not mark.new]
    assert sorted(news) == sorted((mark.what, mark.first) for mark in ended)
    return [(mark.what, mark.first / SECOND, mark.last / SECOND) for mark in ended]


def test_levels() -> None:
    assert level_db(np.ones(100, np.float32)) == pytest.approx(0.0)
    sine = np.sin(2 * np.pi * np.arange(16_000) / 16).astype(np.float32)
    assert level_db(sine) == pytest.approx(-3.01, abs=0.01)
    assert level_db(sine * np.float32(0.1)) == pytest.approx(-23.01, abs=0.01)
    assert level_db(np.zeros(100, np.float32)) == level_db(np.zeros(0, np.float32)) == -120.0


def test_digital_silence_from_the_start_is_one_silence() -> None:
    marks = told(np.zeros(16_000 * 60, np.float32))
    assert [(m.what, m.first, m.last, m.new) for m in marks] == [
        ("silence", 0, 2 * SECOND, True),
        ("silence", 0, 60 * SECOND, False),
    ]
    assert marks[-1].level_db == -120.0


def test_a_silence_takes_two_seconds() -> None:
    assert ends(told(level(-25, 5), level(-80, 1.9), level(-25, 2))) == []
    assert ends(told(level(-25, 5), level(-80, 2.1), level(-25, 2))) == [("silence", 5.0, 7.1)]


def test_a_click_does_not_end_a_silence() -> None:
    assert ends(told(level(-25, 5), level(-80, 3), level(-45, 0.1), level(-80, 3))) == [("silence", 5.0, 11.1)]


def test_silence_in_the_streams_own_noise() -> None:
    """At -45 dBFS noise alone is not silent, but beneath talk at -20 it is, and it stays so however long it lasts."""
    assert told(level(-45, 20)) == []
    talk = [part for k in range(6) for part in (level(-20, 1.5, k), level(-45, 0.5, k))]
    assert ends(told(*talk, level(-45, 200), level(-20, 3))) == [("silence", 11.5, 212.0)]


def test_music_without_pauses_is_never_silent() -> None:
    assert told(*[level(-22 + 4 * np.sin(k), 0.3, k) for k in range(100)]) == []


def test_a_bang_is_loud_and_its_end_is_known() -> None:
    marks = told(level(-28, 12), level(-6, 0.4), level(-28, 3))
    assert ends(marks) == [("loud", 12.0, 12.4)]
    assert marks[0].last == 12 * SECOND + LASTING
    assert marks[-1].level_db == pytest.approx(-6, abs=0.5)
    assert marks[-1].score == pytest.approx(22 / 40, abs=0.02)


def test_a_bang_in_a_silence_ends_it() -> None:
    assert ends(told(level(-70, 10), level(-8, 0.5), level(-70, 4))) == [
        ("silence", 0.0, 10.0),
        ("loud", 10.0, 10.5),
        ("silence", 10.7, 14.5),
    ]


def test_what_stays_loud_becomes_usual() -> None:
    assert ends(told(level(-35, 12), level(-15, 30))) == [("loud", 12.0, 17.0)]


def test_a_slow_rise_is_not_sudden() -> None:
    assert told(level(-35, 10), *[level(-35 + k * 0.5, 0.1, k) for k in range(50)]) == []


def test_speech_after_a_quiet_start_is_not_loud() -> None:
    assert ends(told(level(-75, 10), *[level(-20 - 6 * (k % 3), 0.2, k) for k in range(50)])) == [
        ("silence", 0.0, 10.0)
    ]
