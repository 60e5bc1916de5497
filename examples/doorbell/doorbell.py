"""Doorbell: what happens at a door. A benchmark of one's own in one file, brought to headrace as a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from headrace.core import SECOND, Emission
from headrace.evaluation.benchmark import (
    Benchmark,
    Emitted,
    Judge,
    Path,
    Report,
    Stream,
    Task,
    Value,
    answers,
    say,
    tasks,
    text_of,
)
from headrace.evaluation.benchmarks.choices import asked, blind_choices, options_of, prompt, right, said
from headrace.evaluation.benchmarks.figures import macro, share
from headrace.evaluation.benchmarks.files import Entry, grouped, read_list
from headrace.evaluation.benchmarks.marks import answered, causal, mark, missing
from headrace.evaluation.blind import delay_prior
from headrace.evaluation.metrics.windows import Window, first_answer
from headrace.evaluation.truth import Event, Question
from headrace.recipes.scored import Example, Scored


class Doorbell(Benchmark):
    """Questions with options ("door"), and requests to tell when it rings ("ring"), on one camera.

    - published: the right letter occurs anywhere in the answer; a ring is told of from 3 s before it to 3 s after it;
      what is missing leaves the count of questions.
    - causal: the letter and nothing else, given within 10 s of the asking; no ring is told of before it rings; what
      is missing is wrong.
    """

    name: ClassVar[str] = "doorbell"
    title: ClassVar[str] = "Doorbell: what happens at a door"
    licence: ClassVar[str] = "CC0"
    source: ClassVar[str] = "examples/doorbell"

    def load(self, path: Path) -> list[Stream]:
        rows = [(entry.text("video"), _task(entry)) for entry in read_list(path)]
        return [Stream(video, video, tuple(found)) for video, found in grouped(rows)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        known = {task.id: (stream, task) for stream, task in tasks(streams)}
        found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
        for entry in (entry for path in paths for entry in read_list(path)):
            if entry.text("id") not in known:
                raise entry.error("'id'", "is that of no task; give outputs of this benchmark")
            stream, task = known[entry.text("id")]
            found[stream.id].append(say(task, stream, entry.text("said"), entry.seconds("at")))
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        marks = mark(streams, emitted, lambda task, emission: right(task) in text_of(emission))
        either = {"door": answered(marks), "ring": _told(streams, emitted, Window(3 * SECOND, 3 * SECOND))}
        strict = {"door": causal(marks), "ring": _told(streams, emitted, Window(0, 3 * SECOND))}
        return Report(
            either | {"total": macro(list(either.values()))},
            strict | {"total": macro(list(strict.values()))},
            missing(streams, emitted),
        )

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        every = [task for _, task in tasks(streams)]
        rings = [(task.truth, asked(task)) for task in every if isinstance(task.truth, Event)]
        wait = delay_prior([event for event, _ in rings], [at for _, at in rings])
        found = {name: said(streams, answer) for name, answer in blind_choices(every, seed).items()}
        late = f"{wait / SECOND:g} s after the request (prior of the whole set)"
        return found | {late: said(streams, lambda task: "" if options_of(task) else "It rings.", wait)}


def _task(entry: Entry) -> Task:
    at, ask = entry.seconds("at"), entry.text("ask")
    if "rings" in entry:
        ring = entry.seconds("rings")
        return Task(entry.text("id"), "ring", Event(ring, ring), ask, {"asked": at})
    options = entry.texts("options")
    return Task(entry.text("id"), "door", Question(at, ask, options, entry.text("right")), prompt(ask, options))


def _told(streams: Sequence[Stream], emitted: Emitted, window: Window) -> Value:
    """Of all rings, those whose first answer since the request leaves within the window."""
    found = []
    for stream in streams:
        given = answers(emitted, stream)
        for task in stream.tasks:
            if isinstance(task.truth, Event):
                first = first_answer(given[task.id], asked(task))
                found.append(first is not None and window.holds(first.t_emit, task.truth))
    return share(found)


@dataclass(frozen=True)
class DoorbellScores(Scored):
    """Doorbell: what happens at a door."""

    name: ClassVar[str] = "doorbell"
    claim: ClassVar[str] = "a worked example has the figures computed by hand"

    def build(self) -> Doorbell:
        return Doorbell()

    def examples(self) -> Sequence[Example]:
        door = {"video": "v.mp4", "ask": "Open?", "options": ["yes", "no"], "right": "no"}
        ring = {"video": "v.mp4", "ask": "Tell me when it rings."}
        return (
            Example(
                name="four asks",
                why=(
                    'door: "A or B" holds the right letter B, but is not it; the other has no answer: published 1 of '
                    "1, causal 0 of 2. ring: told 2 s early and 1 s late: published 2 of 2, causal 1 of 2."
                ),
                annotations={
                    "doorbell.json": [
                        {"id": "1", "at": 30, **door},
                        {"id": "2", "at": 40, **door},
                        {"id": "3", "at": 0, "rings": 10, **ring},
                        {"id": "4", "at": 15, "rings": 20, **ring},
                    ]
                },
                responses={
                    "said.json": [
                        {"id": "1", "at": 31, "said": "A or B"},
                        {"id": "3", "at": 8, "said": "It rings."},
                        {"id": "4", "at": 21, "said": "It rings."},
                    ]
                },
                published={"door": 100.0, "ring": 100.0, "total": 100.0},
                causal={"door": 0.0, "ring": 50.0, "total": 25.0},
                missing=1,
            ),
        )
