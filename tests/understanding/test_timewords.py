"""Time words: what they take out of a question, and what they leave alone."""

from __future__ import annotations

import pytest

from headrace.understanding.phrase import Mark
from headrace.understanding.timewords import TimeWords, seconds_of

Place = tuple[str, float] | None


def place(mark: Mark | None) -> Place:
    if mark is None:
        return None
    return mark.kind, round(mark.value if mark.kind == "share" else mark.offset, 1)


@pytest.mark.parametrize(
    ("question", "rest", "since", "until"),
    [
        ("what was said in the first minute?", "what was said?", ("start", 0), ("start", 60)),
        ("what was shown in the last 10 minutes?", "what was shown?", ("now", -600), ("now", 0)),
        ("what was shown over the past hour and a half?", "what was shown?", ("now", -5400), ("now", 0)),
        ("is there tin in the last half hour?", "is there tin?", ("now", -1800), ("now", 0)),
        ("what is shown at the beginning of the talk?", "what is shown?", ("start", 0), ("opening", 0)),
        ("what is shown at the end?", "what is shown?", ("closing", 0), ("now", 0)),
        ("was it open in the second half?", "was it open?", ("share", 0.5), ("share", 1)),
        ("what is on screen at 0:33?", "what is on screen?", ("start", 33), ("start", 34)),
        ("what is on screen at 1:02:03?", "what is on screen?", ("start", 3723), ("start", 3724)),
        ("what is on screen at minute 3?", "what is on screen?", ("start", 180), ("start", 240)),
        ("what is on screen at the 5 minute mark?", "what is on screen?", ("start", 300), ("start", 360)),
        ("what is on screen around 1:05?", "what is on screen?", ("start", 55), ("start", 76)),
        ("what was said between 1:00 and 2:30?", "what was said?", ("start", 60), ("start", 151)),
        ("what was said from 0:10 to 0:20?", "what was said?", ("start", 10), ("start", 21)),
        ("what was said before 10:30?", "what was said?", None, ("start", 630)),
        ("what was said until 10:30?", "what was said?", None, ("start", 630)),
        ("what was said after 10:30?", "what was said?", ("start", 630), None),
        ("copper since 10:30", "copper", ("start", 630), None),
        ("what was said after the first 5 minutes?", "what was said?", ("start", 300), None),
        ("what happened after the break?", "what happened?", ("break", 0), None),
        ("what happened during the coffee break?", "what happened?", ("break", 0), ("break", 0)),
        ("what happened right after the break?", "what happened?", ("break", 0), ("break", 60)),
        ("what was shown an hour ago?", "what was shown?", ("now", -3900), ("now", -3300)),
        ("what was said five minutes in?", "what was said?", ("start", 270), ("start", 330)),
        (
            "what was said 5 minutes into the lecture about tin?",
            "what was said about tin?",
            ("start", 270),
            ("start", 330),
        ),
        ("what happened just now?", "what happened?", ("now", -30), ("now", 0)),
        ("what was said 10 minutes before the end?", "what was said?", ("now", -660), ("now", -540)),
        ("what was shown after the error appeared?", "what was shown?", ("seen", 0), None),
        ("After the error appeared, what was shown?", "what was shown?", ("seen", 0), None),
        ("is it on in the 5 minutes before gate 3 opened?", "is it on?", ("seen", -300), ("seen", 0)),
    ],
)
def test_a_phrase_is_taken_out_and_means_two_marks(question: str, rest: str, since: Place, until: Place) -> None:
    words = TimeWords.of(question)
    assert words.rest == rest
    (phrase,) = words.phrases
    assert (place(phrase.since), place(phrase.until)) == (since, until)


@pytest.mark.parametrize(
    "question",
    [
        "who looks after the lock?",
        "what is at the end of the pier?",
        "where is the start line?",
        "is there rain before Tuesday?",
        "is it open until 5 pm?",
        "is it open at 10:30 am?",
        "what closed after 1999?",
        'when did "after the break" appear?',
        "how long was the crate on screen?",
        "is there anything about 3 minutes?",
        "is the break room locked?",
        "what about the second minute hand?",
        "is it shown after all?",
        "until when is the foot bridge closed?",
        "since when is it closed?",
        "does it say when the gate opens?",
        "what is the date after which it closes?",
    ],
)
def test_words_that_are_no_time_words_stay(question: str) -> None:
    assert TimeWords.of(question) == TimeWords(question)


def test_several_phrases_are_parted() -> None:
    words = TimeWords.of("what was said about tin after 1:00 and before 2:00?")
    assert words.rest == "what was said about tin?"
    assert [(place(phrase.since), place(phrase.until)) for phrase in words.phrases] == [
        (("start", 60), None),
        (None, ("start", 120)),
    ]


def test_clauses_keep_their_words_and_numbers() -> None:
    (phrase,) = TimeWords.of("was the pump on before the level reached 4.2 m, or not?").phrases
    assert phrase.until is not None
    assert phrase.until.clause == "the level reached 4.2 m"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90 s", 90),
        ("an hour and a half", 5400),
        ("1 h 20 minutes", 4800),
        ("half a minute", 30),
        ("forty-five secs", 45),
    ],
)
def test_lengths(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds
