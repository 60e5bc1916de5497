"""OVO-Bench: questions about the past, the present and the future of 644 videos."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from math import isnan, nan
from typing import ClassVar

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
    say,
    tasks,
    text_of,
)
from headrace.evaluation.benchmarks.choices import (
    ANSWER_AT_PLACE,
    LETTER_OF_KIND,
    blind_choices,
    blind_places,
    blind_words,
    letter,
    prompt,
    right,
    said,
    together,
)
from headrace.evaluation.benchmarks.figures import macro
from headrace.evaluation.benchmarks.files import Entry, Unique, entries_of, grouped, paths_of, read_json, read_list
from headrace.evaluation.benchmarks.marks import Mark, causal, counted, delay, kinds, mark, missing
from headrace.evaluation.metrics.choice import substring
from headrace.evaluation.truth import Question

#: Kinds of tasks by group, as published.
GROUPS = {
    "backward": ("EPM", "ASI", "HLD"),
    "real-time": ("OCR", "ACR", "ATR", "STU", "FPD", "OJR"),
    "forward": ("REC", "SSR", "CRR"),
}
CHOICES = GROUPS["backward"] + GROUPS["real-time"]
FORWARD = GROUPS["forward"]
#: Groups of a file of responses.
_PARTS = ("backward", "realtime", "forward")


class OvoBench(Benchmark):
    """1,640 entries: 1,468 questions with options, and 172 that are put at several times (1,567 probes).

    Annotations: `ovo_bench_new.json`. With options: {id, task, video, question, options, gt (index), realtime (s)}
    (`answer` is not always the words of an option). REC, a count so far: {activity, test_info: [{realtime, count}]};
    SSR, is this step going on: {test_info: [{realtime, step, type}]}; CRR, can this be answered yet: {question,
    test_info: [{realtime, type}]}; type 1 is "Yes". A stream is a video; a task is a question ("id") or a probe
    ("id_number").
    Responses: {backward, realtime, forward}, as the repository writes them: the first two with `response`, the third
    with one in each entry of `test_info`; null is none.

    Figures: accuracy by kind, the mean of kinds by group, and the mean of the groups as "total".

    - published: the letter (or "Yes", "No") occurs anywhere in the response, in a list of responses as one of them;
      of a count, all digits in the response put together. Kinds without any response leave the means, and
      there is no total where a group has none.
    - causal: the answer and nothing else, given within 10 s of being asked; what is missing is wrong.

    What is wrong as published: 186 of 186 HLD questions have the option that refuses as their answer; "Yes" is right
    in two thirds of SSR and three fifths of CRR, and probes of CRR always come as "No", "No", "Yes", "Yes", "Yes", so
    that counting them is enough; the clip that is shown ends at the next whole second after the question.
    """

    name: ClassVar[str] = "ovobench"
    title: ClassVar[str] = (
        "OVO-Bench: How Far is Your Video-LLMs from Real-World Online Video Understanding? (arXiv 2501.05510)"
    )
    licence: ClassVar[str] = "CC BY-NC-SA 4.0"
    source: ClassVar[str] = "github.com/JoeLeelyf/OVO-Bench"

    def load(self, path: Path) -> list[Stream]:
        ids = Unique()
        rows = [
            (entry.text("video"), task)
            for one in _annotations(path)
            for entry in read_list(one)
            for task in _tasks(entry, ids)
        ]
        return [Stream(video, video, tuple(group)) for video, group in grouped(rows)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
        waiting = _Waiting(streams)
        for path in paths:
            for one in paths_of(path, ".json"):
                for name, entry, value in _outputs(one):
                    place = waiting.take(name, entry)
                    if place is not None and value is not None:
                        found[place[0].id].append(_emission(*place, entry, value))
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        marks = mark(streams, emitted, _published)
        found = kinds(marks)
        there = {kind: some for kind, some in found.items() if any(one.published is not None for one in some)}
        return Report(
            _figures({kind: counted(some) for kind, some in there.items()}, found),
            _figures({kind: causal(some) for kind, some in found.items()}, found) | {"delay (median)": delay(marks)},
            missing(streams, emitted),
            _notes(marks),
        )

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        every = [task for _, task in tasks(streams)]
        policies = (
            blind_choices(every, seed)
            | blind_words(("Yes", "No"), lambda task: task.kind in ("SSR", "CRR"))
            | blind_words(("0", "1"), lambda task: task.kind == "REC")
            | blind_places(every)
        )
        best = [policies[name] for name in (LETTER_OF_KIND, ANSWER_AT_PLACE) if name in policies]
        policies["both priors of the whole set together"] = together(*best)
        return {name: said(streams, answer) for name, answer in policies.items()}


class _Waiting:
    """Tasks that outputs can be for.

    Some published outputs were made when pairs of questions of equal words shared an id: such an output is for the one
    of the two whose right letter it names as "ground_truth". An output that is there twice, word for word, is one.
    """

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._tasks = {task.id: (stream, task) for stream, task in tasks(streams)}
        self._alike: dict[tuple[str, str, str], list[str]] = {}
        for stream, task in tasks(streams):
            assert isinstance(task.truth, Question)
            self._alike.setdefault((task.kind, stream.id, task.truth.question), []).append(task.id)
        self._taken: dict[str, Entry] = {}

    def take(self, name: str, entry: Entry) -> tuple[Stream, Task] | None:
        """The task that an output is for; None if the same output was there before.

        Raises:
            InputError: there is no such task, or it has another output.
        """
        kind = entry.text("task")
        if name not in self._tasks or self._tasks[name][1].kind != kind:
            raise entry.error(f"id {name} of task {kind!r}", "is no task of the annotations; give its own outputs")
        named = str(entry.fields.get("ground_truth", ""))
        alike = [name, *self._alike.get((kind, self._tasks[name][0].id, str(entry.fields.get("question"))), ())]
        free = [one for one in alike if one not in self._taken]
        chosen = next((one for one in free if right(self._tasks[one][1]) == named), name)
        if chosen in self._taken:
            if dict(self._taken[chosen].fields) == dict(entry.fields):
                return None
            raise entry.error(
                f"id {name}", f"is that of {self._taken[chosen].where} too; give the outputs of one model"
            )
        self._taken[chosen] = entry
        return self._tasks[chosen]


def _annotations(path: Path) -> list[Path]:
    """The file, or the one of a folder that holds responses beside it."""
    found = paths_of(path, ".json")
    named = [one for one in found if one.name.startswith("ovo_bench")]
    return list(named or found)


def _tasks(entry: Entry, ids: Unique) -> list[Task]:
    number, kind = str(entry.whole("id")), entry.text("task")
    if kind in CHOICES:
        options = entry.texts("options")
        index = entry.whole("gt")
        if not 0 <= index < len(options):
            raise entry.error("'gt'", f"is {index}, but there are {len(options)} options; mend it")
        question = Question(entry.seconds("realtime"), entry.text("question"), options, options[index])
        told = prompt(question.question, options)
        return [Task(ids.add(number, entry.where), kind, question, told, {"right": letter(index)})]
    if kind not in FORWARD:
        raise entry.error("'task'", f"is {kind!r}, none of {', '.join(CHOICES + FORWARD)}")
    made = []
    for place, probe in enumerate(entry.children("test_info")):
        asked, told = _probe(kind, entry, probe)
        answer = str(probe.whole("count")) if kind == "REC" else _yes(probe)
        question = Question(probe.seconds("realtime"), asked, None, answer)
        made.append(Task(ids.add(f"{number}_{place}", entry.where), kind, question, told, {"place": place}))
    return made


def _probe(kind: str, entry: Entry, probe: Entry) -> tuple[str, str]:
    """The question, and how it is put."""
    if kind == "REC":
        asked = f"How many times so far: {entry.text('activity')}?"
        return asked, f"{asked} Count everybody's. Answer with a number, and nothing else."
    if kind == "SSR":
        asked = f"Is this step going on now: {probe.text('step')}?"
    else:
        asked = f"Is what has been shown by now enough to answer this: {entry.text('question')}"
    return asked, f"{asked}\nAnswer with Yes or No, and nothing else."


def _yes(probe: Entry) -> str:
    kind = probe.whole("type")
    if kind not in (0, 1):
        raise probe.error("'type'", f"is {kind}, neither 0 nor 1; mend it")
    return "Yes" if kind else "No"


def _outputs(path: Path) -> list[tuple[str, Entry, object]]:
    """The id of a task, where it stands, and what was responded."""
    name = str(path).replace("\\", "/").rsplit("/", 1)[-1]
    whole = read_json(path)
    if not isinstance(whole, dict) or not any(part in whole for part in _PARTS):
        raise InputError(f"{name}: has none of {', '.join(_PARTS)}; give a file of responses, as OVO-Bench writes it")
    found: list[tuple[str, Entry, object]] = []
    for part in _PARTS:
        for entry in entries_of(f"{name}, {part}", whole.get(part) or []):
            number = str(entry.whole("id"))
            if part != "forward":
                found.append((number, entry, _given(entry)))
                continue
            probes = entry.children("test_info")
            found += [(f"{number}_{place}", entry, _given(probe)) for place, probe in enumerate(probes)]
    return found


def _given(entry: Entry) -> object:
    if "response" not in entry.fields:
        raise entry.error("'response'", "is missing; give a file of responses, as OVO-Bench writes it")
    return entry.fields["response"]


def _emission(stream: Stream, task: Task, entry: Entry, value: object) -> Emission:
    listed = value if isinstance(value, list) else [value]
    texts = [one for one in listed if isinstance(one, str)]
    if len(texts) < len(listed):
        raise entry.error("'response'", "is neither a text nor a list of texts nor null")
    assert isinstance(task.truth, Question)
    made = say(task, stream, " ".join(texts), task.truth.t)
    if isinstance(value, list):
        made.content["list"] = value
    return made


def _published(task: Task, emission: Emission) -> bool:
    text = text_of(emission)
    listed = emission.content.get("list") if isinstance(emission.content, dict) else None
    response: str | list[str] = listed if isinstance(listed, list) else text
    assert isinstance(task.truth, Question)
    answer = right(task) or task.truth.answer or ""
    if task.kind == "REC":
        return "".join(re.findall(r"\d+", text)) == answer
    if task.kind in ("SSR", "CRR") and response == answer[0]:
        return True
    return substring(response, answer)


def _figures(by_kind: Mapping[str, Value], asked: Container[str]) -> dict[str, Value]:
    """Kinds in the order of groups, means of groups, and their mean if no group of what was asked lacks one."""
    found: dict[str, Value] = {}
    means: dict[str, Value] = {}
    for group, names in GROUPS.items():
        there = {kind: by_kind[kind] for kind in names if kind in by_kind}
        found |= there
        if any(kind in asked for kind in names):
            means[group] = macro(list(there.values()))
    whole = not any(isnan(one.value) for one in means.values())
    return found | means | {"total": macro(list(means.values())) if whole else Value(nan, 0)}


def _notes(marks: Sequence[Mark]) -> tuple[str, ...]:
    times = [one.task.truth.t for one in marks if isinstance(one.task.truth, Question)]
    late = sum(t % SECOND != 0 for t in times)
    told = f"{late} of {len(times)} questions are put within a second: published clips run on to its end"
    return (f"{told}, so that published outputs have seen up to 1 s of what comes later",)
