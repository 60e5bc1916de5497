"""Questions about what was and what was never shown, and standing questions."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import numpy.typing as npt
import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.core.stateful import Stateful
from headrace.understanding.matching import EXACT, JOINED, NOISY, Line, Term, content
from headrace.understanding.observation import Observation
from headrace.understanding.observations import ObservationMemory
from headrace.understanding.question import Evidence, find
from headrace.understanding.search import Query
from headrace.understanding.standing import StandingQuestions
from tests.clips.words import VOCABULARY
from tests.understanding.noise import asked_about, misread, never_shown, recording


def text(
    name: str, words: str, first: float, last: float, *, source: str = "camera", segment: str | None = None
) -> Observation:
    return Observation(
        name,
        "text",
        source,
        words,
        int(first * SECOND),
        int(last * SECOND),
        segment=segment,
        thumbnail="t.jpg",
    )


def remember(*rows: Observation) -> ObservationMemory:
    memory = ObservationMemory(1_000_000)
    for row in rows:
        memory.write(row)
    return memory


def ask(memory: ObservationMemory, question: str) -> list[Evidence]:
    query = Query(question)
    return find(query, memory.read(query, 0))


def test_content_words_and_numbers_remain() -> None:
    def words(question: str) -> list[str]:
        return [term.text for term in content(question)]

    assert words("What was the quarterly revenue?") == ["quarterly", "revenue"]
    assert words("When did the warning about gate 3 appear?") == ["warning", "gate", "3"]
    assert words("Is there anything about copper lattices?") == ["copper", "lattice"]
    assert words("Was 1,200 shown at 12:30?") == ["1200", "12:30"]
    assert words("who is who") == ["who", "is"]


@pytest.mark.parametrize(
    ("word", "line", "surety"),
    [
        ("table", "Results table 4.2 of", EXACT),
        ("gate", "Sluice gates", EXACT),
        ("table", "Resultstable4.2of", JOINED),
        ("4.2", "Resultstable4.2of", EXACT),
        ("revenue", "Quarterly revenu3 report", NOISY),
        ("revenue", "Quarterly rcvenue report", NOISY),
        ("4.2", "Resultstable4.7of", 0.0),
        ("3", "Gate 33", 0.0),
        ("right", "Light on", 0.0),
        ("ridge", "Bridge closed", 0.0),
        ("rain", "Training", 0.0),
    ],
)
def test_noise_is_forgiven_but_other_words_and_numbers_are_not(word: str, line: str, surety: float) -> None:
    assert Line(line).match(Term(word)) == surety


@pytest.mark.parametrize("seed", [101, 102])
def test_the_right_line_is_found_and_the_never_shown_is_not(seed: int) -> None:
    made = recording(seed)
    memory, rng = remember(*made.rows), Random(seed)
    right = 0
    for question, fits in asked_about(made, 200, rng):
        evidence = ask(memory, question)
        right += bool(evidence) and evidence[0].observation in fits
    unseen = sum(not ask(memory, question) for question in never_shown(made, 200, rng))
    assert right >= 190
    assert unseen >= 196


def test_a_moment_is_what_was_on_screen_together() -> None:
    memory = remember(
        text("a", "Sluice gate", 0, 9),
        text("b", "wide open", 5, 9),
        text("c", "Copper lattice", 20, 29),
        text("d", "Sluice basin", 40, 49, source="other"),
        text("e", "lattice basin", 40, 49),
    )
    assert [item.observation for item in ask(memory, "is the sluice gate open?")] == ["a", "b"]
    assert ask(memory, "copper gate") == []
    assert ask(memory, "copper basin") == []


def test_a_number_of_another_line_is_not_borrowed() -> None:
    memory = remember(text("a", "Gate 4 open", 0, 9), text("b", "3", 0, 9), text("c", "Pump 7 idle", 0, 9))
    assert ask(memory, "is gate 3 open?") == []
    assert ask(memory, "is gate 4 open?")[0].observation == "a"
    assert ask(memory, "what about 3?")[0].observation == "b"


@pytest.mark.parametrize("fillers", [0, 1, 2, 4, 8, 16, 64, 200])
def test_the_same_line_is_seen_among_few_lines_and_many(fillers: int) -> None:
    rng = Random(fillers)
    others = [text(f"{i}", " ".join(rng.sample(VOCABULARY, 4)), 20 + 9 * i, 25 + 9 * i) for i in range(fillers)]
    memory = remember(text("a", "Call the lock keeper on channel 7", 0, 9), *others)
    assert ask(memory, "Which channel reaches the lock keeper?")[0].observation == "a"


@pytest.mark.parametrize("line", ["Door is unlocked", "Doorunlocked", "Door is un1ocked"])
def test_an_opposite_is_no_evidence(line: str) -> None:
    assert ask(remember(text("a", line, 0, 9)), "is the door locked?") == []


@pytest.mark.parametrize(
    ("question", "line", "seen"),
    [
        ("Lowwater1255", "Low water 12:55", True),
        ("lowwater", "Low water 12:55", True),
        ("when is low water?", "Lowwater1255", True),
        ("is low water at 12:55?", "Lowwater1255", True),
        ("highwater1255", "Low water 12:55", False),
        ("lowwater1256", "Low water 12:55", False),
        ("what is at gate 1 2?", "Gate 12", False),
        ("is the level 42?", "Level4.2", False),
        ("is the pump inactive?", "Pump in active service", False),
        ("the pump in active service", "Pump inactive", False),
        ("together", "Low water to get her home", False),
    ],
)
def test_spaces_that_reader_or_asker_dropped_do_not_matter(question: str, line: str, seen: bool) -> None:
    assert bool(ask(remember(text("a", line, 0, 9)), question)) is seen


@pytest.mark.parametrize(
    ("question", "found"),
    [("the the the", []), ("is it on?", []), ("who is who?", ["c"]), ("what is the name of the canal?", ["a"])],
)
def test_words_that_name_nothing_are_found_only_word_for_word(question: str, found: list[str]) -> None:
    memory = remember(
        text("a", "Name of the canal", 0, 9), text("b", "The light is on", 20, 29), text("c", "Who is who", 40, 49)
    )
    assert [item.observation for item in ask(memory, question)] == found


@pytest.mark.parametrize("lines", [1, 2, 3, 20])
def test_a_place_that_was_never_shown_is_not_seen(lines: int) -> None:
    told = ["High water 12:55", "Low water 19:10", "Harbour office", *(f"Notice {i}" for i in range(17))]
    memory = remember(*(text(f"{i}", words, 0, 9) for i, words in enumerate(told[:lines])))
    assert ask(memory, "when is high water?")
    assert ask(memory, "when is high water in london?") == []


class Fixed:
    """An encoder for which the first text of a memory means what is asked, as nearly as given."""

    def __init__(self, cosine: float) -> None:
        self.near = np.array([[cosine, (1 - cosine**2) ** 0.5]], dtype=np.float16)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float16]:
        asked = np.array([[1, 0]], dtype=np.float16)
        return np.concatenate([asked if text.endswith("?") else self.near for text in texts])


@pytest.mark.parametrize(
    ("question", "cosine", "seen"),
    [
        ("is bad weather coming?", 0.62, True),
        ("is bad weather coming?", 0.55, False),
        ("when is high water in london?", 0.65, False),
        ("when is the high tide?", 0.75, True),
        ("is bad weather coming at 19:10?", 0.9, False),
    ],
)
def test_meaning_does_not_stand_in_for_a_missing_word_or_number(question: str, cosine: float, seen: bool) -> None:
    memory = ObservationMemory(1_000_000, Fixed(cosine))
    memory.write(text("a", "High water 12:55", 0, 9))
    assert bool(ask(memory, question)) is seen


def standing(*texts: str) -> StandingQuestions:
    questions = StandingQuestions(texts)
    assert isinstance(questions, Stateful)
    return questions


def test_an_alert_comes_once_with_its_evidence_and_latency() -> None:
    questions = standing("sluice gate 3 is open")
    assert questions.decide(0, [text("a", "Sluice gate 3 is shut", 39, 40)]) == []
    (alert,) = questions.decide(42 * SECOND, [text("b", "Sluicegate 3 is open", 41, 41)])
    assert (alert.since, alert.latency) == (41 * SECOND, SECOND)
    assert [item.text for item in alert.evidence] == ["Sluicegate 3 is open"]
    assert questions.decide(60 * SECOND, [text("c", "Sluice gate 3 is open", 60, 60)]) == []


def test_it_fires_again_only_when_rearmed_and_on_something_new() -> None:
    questions = standing("pump stopped")
    old = text("a", "Pump stopped", 1, 2)
    assert questions.decide(2 * SECOND, [old])
    questions.rearm("when-1", 5 * SECOND)
    assert questions.decide(6 * SECOND, [text("a", "Pump stopped", 1, 6)]) == []
    assert questions.decide(9 * SECOND, [text("b", "Pump stopped", 8, 9)])


def test_the_lines_of_one_moment_may_cover_it_together() -> None:
    questions = standing("sluice gate 3 is open")
    assert questions.decide(0, [text("a", "Sluice gate", 0, 9)]) == []
    assert questions.decide(0, [text("b", "3 is open", 20, 29)]) == []
    (alert,) = questions.decide(0, [text("c", "3 is open", 5, 9)])
    assert {item.observation for item in alert.evidence} == {"a", "c"}


@pytest.mark.parametrize(
    "line",
    ["Sluice gate 3", "Sluice gate 8 is open", "Sluice gate 3 is not open", "Sluice late 3 open", "3", ""],
)
def test_partial_or_denied_coverage_is_silent(line: str) -> None:
    assert standing("sluice gate 3 is open").decide(0, [text("a", line, 0, 9)]) == []


def test_a_denial_is_waited_for_in_any_wording() -> None:
    questions = standing("the gate isn't open")
    assert questions.decide(0, [text("a", "Gate open", 0, 9)]) == []
    assert questions.decide(0, [text("b", "Gate not open", 0, 9)])


def test_no_false_alarm_in_five_thousand_unrelated_lines() -> None:
    """Sixteen questions of 3 to 5 of the 300 words; no moment shows all words of one of them."""
    rng = Random(7)
    vocabulary = rng.sample(VOCABULARY, 300)
    asked = [rng.sample(vocabulary, rng.randint(3, 5)) for _ in range(16)]
    questions, slides, alarms = standing(*(" ".join(words) for words in asked)), 0, []
    while slides < 1000:
        lines = [rng.sample(vocabulary, rng.randint(2, 6)) for _ in range(5)]
        held = {word for line in lines for word in line}
        if any(held >= set(words) for words in asked):
            continue
        start = slides * 3.6
        rows = [
            text(f"{slides}-{i}", misread(" ".join(line), rng), start, start + 3, segment=str(slides))
            for i, line in enumerate(lines)
        ]
        alarms += questions.decide(0, rows)
        assert questions.nbytes() <= questions.max_bytes()
        slides += 1
    assert alarms == []
    shown = [text("true", " ".join(words), 5000, 5001) for words in asked]
    assert len(questions.decide(0, shown)) == len(asked)


def test_standing_questions_survive_a_snapshot_and_a_fork() -> None:
    questions = standing("sluice gate open", "pump stopped")
    questions.decide(0, [text("a", "Pump stopped", 0, 1), text("b", "Sluice gate", 0, 9)])
    restored, forked = StandingQuestions(), questions.fork()
    restored.restore(questions.snapshot())
    assert restored.snapshot() == questions.snapshot() == forked.snapshot()
    late = [text("c", "wide open", 4, 9)]
    assert [alert.when for alert in forked.decide(0, late)] == ["sluice gate open"]
    assert restored.decide(0, late) == questions.decide(0, late) != []
    questions.reset()
    assert [question.armed for question in questions] == [True, True]


def test_a_standing_question_without_words_or_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="no word"):
        StandingQuestions(["?!"])
    with pytest.raises(ConfigError, match="twice"):
        StandingQuestions(["pump", "pump"])
