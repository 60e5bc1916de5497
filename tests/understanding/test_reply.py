"""Questions about time, of one and of several streams."""

from __future__ import annotations

import pytest

from benchmarks.watch.asking import asked, recording, right
from headrace.core.item import SECOND
from headrace.understanding.observation import Observation
from headrace.understanding.observations import ObservationMemory, read_all
from headrace.understanding.past import Past
from headrace.understanding.question import Answer, find
from headrace.understanding.reply import reply
from headrace.understanding.search import Query
from headrace.understanding.window import find_break

Row = tuple[str, str, float, float]
HALL: list[Row] = [
    ("text", "Canal control room", 0, 20),
    ("speech", "good evening from the canal", 3, 8),
    ("text", "Water level 4.2 m", 20, 60),
    ("speech", "the copper lattice arrived", 30, 36),
    ("text", "ERROR 17 pump stopped", 62, 70),
    ("text", "Gate 3 is open", 75, 95),
    ("event", "", 75, 75),
    ("text", "Coffee break", 100, 170),
    ("sound", "silence", 100, 168),
    ("speech", "welcome back", 171, 173),
    ("text", "Departure 12:40 to Vienna", 175, 190),
    ("text", "Doors close after 10:30", 175, 190),
    ("text", "Copper lattice 200 kg", 180, 195),
    ("speech", "", 196, 198),
]


def rows(told: list[Row], source: str = "hall") -> list[Observation]:
    return [
        Observation(f"{source}-{i}", kind, source, text, round(first * SECOND), round(last * SECOND))
        for i, (kind, text, first, last) in enumerate(told)
    ]


def past(told: list[Row], now: float = 200, source: str = "hall", folder: str = "") -> Past:
    memory = ObservationMemory(1_000_000)
    for row in rows(told, source):
        memory.write(row)
    return Past(memory, round(now * SECOND), folder, source)


def ask(question: str, *pasts: Past, sources: tuple[str, ...] = ()) -> Answer:
    return reply(Query(question, sources=sources), pasts or [past(HALL)])


def told(question: str, *pasts: Past) -> list[str]:
    return [item.text or item.kind for item in ask(question, *pasts).evidence]


@pytest.mark.parametrize("seed", [1, 2])
def test_what_lies_outside_is_never_seen_and_what_lies_inside_is(seed: int) -> None:
    made = recording(seed)
    questions = list(asked(made, seed))
    assert len(questions) >= 40
    answerable = [right(made, question) for question in questions if question.fits]
    assert sum(answerable) >= 0.9 * len(answerable)
    assert all(right(made, question) for question in questions if not question.fits)


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("what was on the screen at 0:33?", ["Water level 4.2 m"]),
        ("what was said in the first minute?", ["good evening from the canal", "the copper lattice arrived"]),
        ("what happened between 1:10 and 1:20?", ["ERROR 17 pump stopped", "Gate 3 is open", "event"]),
        ("which events happened in the first half?", ["event"]),
        ("what was heard in the last 5 seconds?", ["speech"]),
        ("what was said after the break?", ["welcome back", "speech"]),
        ("what was shown after the error appeared, and before the break?", ["Gate 3 is open"]),
        ("what did it say during the break?", ["Coffee break", "silence"]),
        ("what was on the screen while the water level was shown?", ["Canal control room", "Water level 4.2 m"]),
        ("what was said when the water level was shown?", ["the copper lattice arrived"]),
        ("what was shown before the error disappeared?", ["Canal control room", "Water level 4.2 m"]),
        (
            "what's on the screen now?",
            ["Departure 12:40 to Vienna", "Doors close after 10:30", "Copper lattice 200 kg"],
        ),
        ("who spoke by 0:10?", ["good evening from the canal"]),
        ("summarise the last 4 seconds", ["speech"]),
    ],
)
def test_a_question_of_time_alone_is_answered_with_what_was_there(question: str, texts: list[str]) -> None:
    assert told(question) == texts


def test_more_than_can_be_listed_is_counted() -> None:
    many = [("text", f"Notice {i}", 10.0 + i, 40.0 + i) for i in range(20)]
    made = ask("what was on the screen in the first minute?", past([("text", "Title", 0, 60), *many]))
    assert len(made.evidence) == 12
    assert made.text.endswith("; and 9 more")


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("was gate 3 open in the first minute?", "not seen between 0:00 and 1:00"),
        ("was the water level shown at 1:30?", "not seen at 1:30"),
        ("was the zebra shown after the break?", "not seen after 2:50"),
        ("was gate 3 open before 0:30?", "not seen before 0:30"),
        ("was the pump on before gate 3 closed?", 'not seen: "gate 3 closed" itself was not seen'),
        ("what was shown at 12:40?", "not seen: only 0:00-3:20 was watched"),
        ("what was shown an hour ago?", "not seen: only 0:00-3:20 was watched"),
        ("was gate 3 open after 2:00 and before 1:00?", "not seen: there is no such time"),
        ("was the zebra shown?", "not seen"),
    ],
)
def test_what_was_not_seen_is_told_with_its_time(question: str, text: str) -> None:
    made = ask(question)
    assert (made.seen, made.text, made.evidence) == (False, text, [])
    assert made.question == question


def test_a_verb_in_a_clause_may_be_inflected_but_not_replaced() -> None:
    assert told("was the copper lattice mentioned before gate 3 opened?") == ["the copper lattice arrived"]
    assert not ask("was the copper lattice mentioned before gate 4 opened?").seen


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("what departs at 12:40?", "Departure 12:40 to Vienna"),
        ("what happens at 12:40?", "Departure 12:40 to Vienna"),
        ("which doors close after 10:30?", "Doors close after 10:30"),
    ],
)
def test_time_words_that_a_line_says_itself_are_words(question: str, text: str) -> None:
    made = ask(question)
    assert made.evidence[0].text == text
    assert made.windows == []


@pytest.mark.parametrize("question", ["how long until the departure to Vienna?", "when is the departure to Vienna?"])
def test_a_question_for_the_time_itself_is_no_list(question: str) -> None:
    made = ask(question)
    assert made.text == '2:55-3:10: "Departure 12:40 to Vienna" (hall)'


def test_the_window_is_told() -> None:
    (window,) = ask("was the copper lattice mentioned in the last minute?").to_json()["windows"]
    assert window == {"folder": "", "source": "hall", "since_s": 140, "until_s": 200}


def test_text_and_speech_of_one_fact_are_both_quoted() -> None:
    assert ask("what was the copper lattice?").text == (
        '"the copper lattice arrived" — said 0:30-0:36 (hall); "Copper lattice 200 kg" — on screen 3:00-3:15 (hall)'
    )
    said = ask("what did the speaker say about the copper lattice?")
    assert [item.kind for item in said.evidence] == ["speech", "text"]
    assert not ask("what did Mary say about the copper lattice?").seen
    assert not ask("did it say copper teacher?").seen


def test_sounds_and_events_are_told_as_what_they_are() -> None:
    assert ask("when was there silence?").text == "1:40-2:48: silence (hall)"
    assert ask("was it quiet?").text == "silence 1:40-2:48 (hall)"
    assert ask("which events happened in the first half?").text == "an event at 1:15 (hall)"
    assert ask("what was said in the last 5 seconds?").text == "speech without words — said 3:16-3:18 (hall)"


def test_each_stream_is_on_its_own_clock() -> None:
    late = past([("text", "Gate 3 is open", 500, 520), ("text", "Pump idle", 0, 550)], 560, "yard")
    assert [item.source for item in ask("was gate 3 open in the last minute?", past(HALL), late).evidence] == ["yard"]
    both = ask("was the zebra seen in the last minute?", past(HALL), late)
    assert both.text == "not seen between 2:20 and 3:20 (hall) or between 8:20 and 9:20 (yard)"
    only = ask("was gate 3 open after the error appeared?", past(HALL), late)
    assert [window.source for window in only.windows] == ["hall"]


def test_folders_are_told_apart_even_with_sources_of_one_name() -> None:
    one, two = (
        past([("text", "Sluice gate", 0, 9)], 60, "camera", "a"),
        past([("text", "wide open", 5, 9)], 60, "camera", "b"),
    )
    assert not ask("is the sluice gate wide open?", one, two).seen
    (item,) = ask("was there a sluice gate in the first minute?", one, two).evidence
    assert (item.source, item.folder) == ("camera", "a")
    assert ask("was there a sluice gate?", one, two).text == '"Sluice gate" — on screen 0:00-0:09 (camera in a)'


def test_memories_are_read_and_ranked_together() -> None:
    hall, yard = past(HALL), past([("text", "Copper lattice broken", 0, 50), ("text", "Pump idle", 0, 50)], 60, "yard")
    query = Query("copper lattice broken")
    view = read_all([hall.memory, yard.memory], query, 7)
    assert (view.now, len(view.rows), view.meaning) == (7, len(HALL) + 2, None)
    assert [row.source for row in view.best(2)] == ["yard", "hall"]
    assert find(query, view)[0].source == "yard"


def test_a_question_of_one_source_asks_no_other() -> None:
    yard = past([("text", "Pump idle", 0, 50)], 60, "yard")
    assert not ask("was gate 3 open?", past(HALL), yard, sources=("yard",)).seen
    assert ask("was gate 3 open in the last minute?", past(HALL), yard, sources=("yard",)).text == (
        "not seen between 0:00 and 1:00"
    )


def seconds(told: list[Row]) -> tuple[float, float] | None:
    found = find_break(rows(told))
    return None if found is None else (found[0] / SECOND, found[1] / SECOND)


def test_the_break_is_named_or_the_longest_quiet_stretch() -> None:
    talk: list[Row] = [("speech", f"word {i}", 10 * i, 10 * i + 8) for i in range(10)]
    after: list[Row] = [("speech", f"more {i}", 200 + 10 * i, 208 + 10 * i) for i in range(5)]
    assert seconds([]) is None
    assert seconds(talk) is None
    assert seconds([*talk, *after]) == (98, 200)
    assert seconds([*talk, ("text", "Slide", 90, 150), *after]) == (105, 200)
    assert seconds([*talk, ("text", "Intermission", 110, 150), *after]) == (125, 200)
    late: list[Row] = [("speech", "let us take a break", 250, 254), ("speech", "on we go", 300, 304)]
    assert seconds([*talk, *after, *late]) == (254, 300)


def test_a_repeated_utterance_does_not_hide_the_break() -> None:
    talk: list[Row] = [("speech", "okay", 0, 300), ("speech", "we begin", 2, 8), ("speech", "we go on", 120, 126)]
    assert seconds(talk) == (15, 120)
