"""A benchmark of our own: what colour is shown, and a standing request; for tests of what scores benchmarks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path as File
from typing import Any, ClassVar

from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission
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
from headrace.evaluation.benchmarks.choices import asked, prompt, right
from headrace.evaluation.truth import Event, Question

COLOURS = ("red", "green", "blue")


class Asked(Benchmark):
    """Annotations: {stream: [[second, question, [option, …], answer], …]}; no options: a standing request, which
    comes true at that second. Responses: {task: text}."""

    name: ClassVar[str] = "asked"
    title: ClassVar[str] = "Colours"
    licence: ClassVar[str] = "Apache-2.0"
    source: ClassVar[str] = "tests"

    def load(self, path: Path) -> list[Stream]:
        try:
            found = json.loads(File(path).read_text())
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: {error}") from None
        return [stream(name, rows) for name, rows in found.items()]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        given: dict[str, str] = {}
        for path in paths:
            given |= json.loads(File(path).read_text())
        known = {task.id: (stream, task) for stream, task in tasks(streams)}
        found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
        for name, text in given.items():
            if name not in known:
                raise InputError(f"{paths[0]}: id {name!r} is no task of the annotations")
            stream, task = known[name]
            found[stream.id].append(say(task, stream, text, asked(task)))
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        published: dict[str, list[bool]] = {"colour": [], "alert": []}
        causal: dict[str, list[bool]] = {"colour": [], "alert": []}
        missing = 0
        for one in streams:
            given = answers(emitted, one)
            for task in one.tasks:
                said = given[task.id]
                missing += not said
                causal[task.kind].append(bool(said) and hit(task, said[0], judge))
                if said:
                    published[task.kind].append(hit(task, said[0], judge))
        return Report(
            {name: value(some) for name, some in published.items() if some} | {"total": total(published)},
            {name: value(some) for name, some in causal.items()} | {"total": total(causal)},
            missing,
            ("made up",),
        )

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        found: dict[str, dict[str, list[Emission]]] = {"never": {}}
        found['always "A"'] = {
            one.id: [say(task, one, "A", asked(task)) for task in one.tasks if task.kind == "colour"] for one in streams
        }
        found["after 2 s (a delay)"] = {
            one.id: [say(task, one, "now", 2 * SECOND) for task in one.tasks if task.kind == "alert"] for one in streams
        }
        return found


class Judged(Asked):
    """The same, with answers that a judge compares."""

    name: ClassVar[str] = "judged"
    judged: ClassVar[bool] = True


def stream(name: str, rows: Sequence[Any]) -> Stream:
    made = []
    for number, (second, question, options, answer) in enumerate(rows):
        t = round(second * SECOND)
        if options:
            truth = Question(t, question, tuple(options), answer)
            made.append(Task(f"{name}/{number}", "colour", truth, prompt(question, options)))
        else:
            made.append(Task(f"{name}/{number}", "alert", Event(t, t, answer), question))
    return Stream(name, name, tuple(made))


def hit(task: Task, said: Emission, judge: Judge | None) -> bool:
    if isinstance(task.truth, Event):
        return 0 <= said.t_emit - task.truth.start <= 2 * SECOND
    if judge is not None:
        assert isinstance(task.truth, Question)
        return judge.judge(task.truth.question, right(task), text_of(said)) >= 0.5
    return text_of(said) == right(task)


def value(some: Sequence[bool]) -> Value:
    return Value(100 * sum(some) / len(some) if some else float("nan"), len(some))


def total(by_kind: dict[str, list[bool]]) -> Value:
    return value([one for some in by_kind.values() for one in some])
