"""Answers in words, with their evidence."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.understanding.extractive import Answer, Extractive, Responder, answer
from headrace.understanding.observation import Observation
from headrace.understanding.observations import ObservationMemory, View
from headrace.understanding.search import Query


def view(question: str) -> tuple[Query, View]:
    memory = ObservationMemory(1_000_000)
    for name, text, first, last in [
        ("a", "Sluice gate 3 is open", 41, 49),
        ("b", "Water level 4.2 m", 60, 3725),
        ("c", "Thank you", 4000, 4010),
    ]:
        memory.write(Observation(name, "text", "camera1", text, first * SECOND, last * SECOND, thumbnail=f"{name}.jpg"))
    query = Query(question)
    return query, memory.read(query, 5000 * SECOND)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Is sluice gate 3 open?", '"Sluice gate 3 is open" — on screen 0:41-0:49 (camera1)'),
        ("When was the sluice gate open?", '0:41-0:49: "Sluice gate 3 is open" (camera1)'),
        ("How long was the water level shown?", '1:00-1:02:05: "Water level 4.2 m" (camera1)'),
        ("Who won the cup?", "not seen"),
        ("", "not seen"),
    ],
)
def test_extractive_quotes_or_has_not_seen(question: str, text: str) -> None:
    assert "".join(Extractive().respond(*view(question))) == text
    made = answer(*view(question))
    assert (made.text, made.seen, made.by) == (text, text != "not seen", "extractive")
    assert bool(made.evidence) is made.seen


def test_an_answer_is_json_in_seconds() -> None:
    told = json.loads(json.dumps(answer(*view("sluice gate")).to_json()))
    assert told["seen"] is True
    assert told["question"] == "sluice gate"
    (item,) = told["evidence"]
    assert (item["start_s"], item["end_s"], item["thumbnail"]) == (41, 49, "a.jpg")
    assert (item["source"], item["observation"]) == ("camera1", "a")
    assert (item["kind"], item["folder"]) == ("text", "")


class Broken:
    name = "llm"

    def respond(self, question: Query, view: View) -> Iterator[str]:
        yield "The gate"
        raise InputError("the language model broke off")


class Fluent:
    name = "llm"

    def respond(self, question: Query, view: View) -> Iterator[str]:
        yield "The gate "
        yield "was open."


def ask(question: str, responder: Responder) -> Answer:
    return answer(*view(question), responder)


def test_a_responder_composes_and_its_failure_falls_back_with_a_note() -> None:
    fluent = ask("is gate 3 open?", Fluent())
    assert (fluent.text, fluent.by, fluent.note) == ("The gate was open.", "llm", "")
    broken = ask("is gate 3 open?", Broken())
    assert broken.text.startswith('"Sluice gate 3 is open"')
    assert (broken.by, broken.note) == ("extractive", "the language model broke off")
    assert broken.evidence == fluent.evidence


class Says:
    name = "llm"

    def __init__(self, reply: str) -> None:
        self.reply = reply

    def respond(self, question: Query, view: View) -> Iterator[str]:
        yield self.reply


@pytest.mark.parametrize("reply", ["not seen", "Not seen.", " NOT SEEN\n", '"not seen."'])
def test_a_model_that_has_not_seen_it_is_believed(reply: str) -> None:
    made = ask("is gate 3 open?", Says(reply))
    assert (made.seen, made.text, made.evidence, made.by) == (False, "not seen", [], "llm")


@pytest.mark.parametrize("reply", ["", " \n", "\x00\x1b"])
def test_an_empty_reply_falls_back_to_quoting(reply: str) -> None:
    made = ask("is gate 3 open?", Says(reply))
    assert (made.by, made.note) == ("extractive", "llm gave an empty answer")
    assert made.text.startswith('"Sluice gate 3 is open"')


def test_a_reply_is_cleaned() -> None:
    made = ask("is gate 3 open?", Says("Gate\t3\x1b[31m is\x00 \ud83d open.\r\nSince \x9b0:41 \ud83d\ude00"))
    assert made.text == "Gate\t3[31m is \N{REPLACEMENT CHARACTER} open.\nSince 0:41 \N{GRINNING FACE}"
    assert made.text.encode()


def test_nothing_is_composed_without_evidence() -> None:
    assert ask("who won the cup?", Broken()).to_json() == {
        "question": "who won the cup?",
        "seen": False,
        "text": "not seen",
        "evidence": [],
        "by": "extractive",
        "note": "",
        "windows": [],
    }
