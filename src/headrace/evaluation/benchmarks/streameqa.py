"""StreamEQA: questions of embodied agents on long videos, put while they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from headrace.core.item import SECOND, Emission
from headrace.evaluation.benchmark import Benchmark, Emitted, Judge, Path, Report, Stream, Task, say, tasks, text_of
from headrace.evaluation.benchmarks.choices import blind_choices, letter, prompt, right, said
from headrace.evaluation.benchmarks.files import Entry, Unique, grouped, paths_of, read_list
from headrace.evaluation.benchmarks.marks import (
    Waiting,
    answered,
    causal,
    delay,
    kinds,
    mark,
    missing,
    named_output,
)
from headrace.evaluation.truth import Question


class StreamEqa(Benchmark):
    """About 21,000 questions with four options on 156 videos, of 42 kinds: perception, interaction and planning.

    Annotations: `Perception.json`, `Interaction.json`, `Planning_all.json`, each a list of {id, task, video, question,
    options, gt (index), realtime (s, or "HH:MM:SS")}; a folder stands for its JSON files. A stream is a video, a kind
    is the code under `task`; ids are unique within a kind. The recording of "P09-20240622-150155" is
    "P09/P09-20240622-150155.mp4".
    Responses: the same list with a model's output under its name in each entry.

    The form is that which the published code reads and writes.

    Figures: accuracy by kind and in "total", over all questions.

    - published: the first character of the response is the right letter; a question without response leaves the count.
    - causal: the letter and nothing else, given within 10 s of being asked; what is missing is wrong.

    What is wrong as published: a missing answer costs nothing, a model's failures on a video included; the clip that is
    shown ends at the whole second before the question, and questions of the first second are left out.
    """

    name: ClassVar[str] = "streameqa"
    title: ClassVar[str] = "StreamEQA: Towards Streaming Video Understanding for Embodied Scenarios (arXiv 2512.04451)"
    licence: ClassVar[str] = "MIT (repository)"
    source: ClassVar[str] = "github.com/MrYF-Wang/StreamEQA"

    def load(self, path: Path) -> list[Stream]:
        ids = Unique()
        found = [entry for one in paths_of(path, ".json") for entry in read_list(one)]
        rows = [(entry.text("video"), _task(entry, ids)) for entry in found]
        return [Stream(video, _recording(video), tuple(group)) for video, group in grouped(rows)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
        waiting = Waiting(streams)
        known = {tuple(task.detail["key"]): dict.fromkeys(task.detail["fields"]) for _, task in tasks(streams)}
        for path in paths:
            for one in paths_of(path, ".json"):
                given = read_list(one)
                name = named_output([(entry, known.get(_key(entry), entry.fields)) for entry in given], one.name)
                for entry in given:
                    stream, task = waiting.take(_key(entry), entry.where)
                    assert isinstance(task.truth, Question)
                    if entry.fields.get(name):
                        found[stream.id].append(say(task, stream, entry.text(name), task.truth.t))
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        marks = mark(streams, emitted, lambda task, emission: text_of(emission)[:1] == right(task))
        found = kinds(marks)
        first = sum(one.task.truth.t < 2 * SECOND for one in marks if isinstance(one.task.truth, Question))
        notes = (f"{first} questions in the first two seconds: published runs leave out some of them",) if first else ()
        return Report(
            {kind: answered(some) for kind, some in found.items()} | {"total": answered(marks)},
            {kind: causal(some) for kind, some in found.items()}
            | {"total": causal(marks), "delay (median)": delay(marks)},
            missing(streams, emitted),
            notes,
        )

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        every = [task for _, task in tasks(streams)]
        return {name: said(streams, answer) for name, answer in blind_choices(every, seed).items()}


def _recording(video: str) -> str:
    return f"{video.split('-')[0]}/{video}.mp4"


def _key(entry: Entry) -> tuple[str, str]:
    """The kind and the id, which is a number or a text."""
    number = entry.fields.get("id")
    return entry.text("task"), number if isinstance(number, str) else str(entry.whole("id"))


def _task(entry: Entry, ids: Unique) -> Task:
    kind, number = _key(entry)
    options = entry.texts("options")
    index = entry.whole("gt")
    if not 0 <= index < len(options):
        raise entry.error("'gt'", f"is {index}, but there are {len(options)} options; mend it")
    question = Question(entry.clock("realtime"), entry.text("question"), options, options[index])
    name = ids.add(f"{kind}:{number}", entry.where)
    detail = {"key": [kind, number], "fields": sorted(entry.fields), "right": letter(index)}
    return Task(name, kind, question, prompt(question.question, options), detail)
