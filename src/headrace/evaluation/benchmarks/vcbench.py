"""VCBench (SVCBench): counts that are asked for again and again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from math import isnan
from typing import ClassVar

from headrace.core.item import Emission
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
from headrace.evaluation.benchmarks.choices import Answer, said
from headrace.evaluation.benchmarks.figures import share
from headrace.evaluation.benchmarks.files import Entry, Unique, grouped, paths_of, read_list
from headrace.evaluation.metrics.counting import Counting, counting
from headrace.evaluation.metrics.windows import PATIENCE, first_answer
from headrace.evaluation.truth import Question

#: Kinds whose count never falls, so that their order can be judged (MoC).
RISING = ("O2-Unique", "E1-Action", "E1-Transit", "E2-Periodic", "E2-Episode")
#: Kinds whose direction of change is judged (UDA).
DIRECTED = ("O1-Snap", *RISING)

_COUNT = re.compile(r"\s*([+-]?\d{1,9})\s*\.?\s*")


class VCBench(Benchmark):
    """1,000 questions for a count, each put at several times of its video: 4,576 query points, 406 videos.

    Annotations: `vcbench_eval.jsonl`, a query point a line {q_id, query_index, id, source_dataset, video_path,
    question, counting_subtype, query_time (s), count}. A stream is a video, a task a query point, its kind the subtype.
    Responses: a query point a line {q_id, prediction} (as the runner writes), or a question a line {id, query_times,
    predictions} (as the scorer reads).

    Figures: GPA, MoC and UDA (`metrics.counting`), means over questions, in all and by subtype.

    - published: query points in the order of the file; questions without any answer leave the mean.
    - causal: query points in order of time, the first count that is said within 10 s of its time; what is missing
      or no whole number is wrong.

    What the published code does that is not copied: it stops where a prediction is no number (such questions are left
    out of the published figures here, and a note says so); the runner writes the true count as "count" while the
    scorer's converter looks for "ground_truth" or "gt", so a file of the runner cannot be scored without renaming;
    15 questions have query points out of order, and UDA compares them as neighbours.

    Query points lie mostly where the count has just changed. "One more at each query" therefore needs no video:
    on the published set MoC 100, UDA 77.61, GPA 45.10; a constant has MoC 100.
    """

    name: ClassVar[str] = "vcbench"
    title: ClassVar[str] = (
        "VCBench: A Streaming Counting Benchmark for Spatial-Temporal State Maintenance in Long Videos "
        "(arXiv 2603.12703; renamed SVCBench)"
    )
    licence: ClassVar[str] = "CC BY 4.0 (annotations)"
    source: ClassVar[str] = "github.com/buaa-colalab/SVCBench"

    def load(self, path: Path) -> list[Stream]:
        ids = Unique()
        rows = [(_video(entry), _task(entry, ids)) for one in paths_of(path, ".jsonl") for entry in read_list(one)]
        return [Stream(video, video, tuple(group)) for video, group in grouped(rows)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
        by_id = {task.id: (stream, task) for stream, task in tasks(streams)}
        by_time = {(task.detail["question"], _asked(task)): task.id for _, task in tasks(streams)}
        seen = Unique()
        for entry in chain.from_iterable(read_list(one) for path in paths for one in paths_of(path, ".jsonl")):
            for name, prediction in _predictions(entry, by_time):
                if name not in by_id:
                    raise entry.error("'q_id'", f"{name!r} is no query point of these annotations")
                seen.add(name, entry.where)
                if prediction is not None:
                    stream, task = by_id[name]
                    found[stream.id].append(say(task, stream, str(prediction), _asked(task)))
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        given = {task: texts for stream in streams for task, texts in answers(emitted, stream).items()}
        published: list[tuple[str, Counting]] = []
        causal: list[tuple[str, Counting]] = []
        unreadable = 0
        for points in chain.from_iterable(_questions(stream) for stream in streams):
            truth = [int(_truth(task)) for task in points]
            counts = [_count_of(next(iter(given[task.id]), None)) for task in points]
            if None not in counts:
                published.append((points[0].kind, counting(counts, truth)))
            elif any(given[task.id] for task in points):
                unreadable += 1
            ordered = sorted(points, key=_asked)
            late = [_count_of(first_answer(given[task.id], _asked(task), PATIENCE)) for task in ordered]
            causal.append((points[0].kind, counting(late, [int(_truth(task)) for task in ordered])))
        notes = ["MoC does not look at the truth; where the count rises at every query, so does 'one more each time'"]
        if unreadable:
            notes.append(
                f"{unreadable} questions lack a count somewhere: left out where published, wrong in the causal figures"
            )
        missing = sum(not given[task.id] for _, task in tasks(streams))
        return Report(_figures(published), _figures(causal), missing, tuple(notes))

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """Silence, constants, one more at each query, and the commonest count of the subtype.

        None of them uses the seed.
        """
        kinds = grouped((task.kind, _truth(task)) for _, task in tasks(streams))
        most = {kind: min(Counter(counts).items(), key=lambda one: (-one[1], int(one[0])))[0] for kind, counts in kinds}
        policies: dict[str, Answer] = {
            "silence": lambda _: "",
            "always 0": lambda _: "0",
            "always 1": lambda _: "1",
            "one more at each query": lambda task: str(task.detail["index"] + 1),
            "commonest count of the kind (prior of the whole set)": lambda task: most[task.kind],
        }
        return {name: said(streams, answer) for name, answer in policies.items()}


def _video(entry: Entry) -> str:
    return f"{entry.text('source_dataset')}/{entry.text('video_path')}"


def _task(entry: Entry, ids: Unique) -> Task:
    if "query_points" in entry:
        raise entry.error("'query_points'", "is that of vcbench_data.jsonl; give vcbench_eval.jsonl")
    question = entry.text("question")
    truth = Question(entry.seconds("query_time"), question, None, str(entry.whole("count")))
    return Task(
        ids.add(entry.text("q_id"), entry.where),
        entry.text("counting_subtype"),
        truth,
        f"{question} Answer with one whole number.",
        {"question": entry.text("id"), "index": entry.whole("query_index")},
    )


def _questions(stream: Stream) -> list[list[Task]]:
    """Query points by question, in the order of the file."""
    return [list(points) for _, points in grouped((task.detail["question"], task) for task in stream.tasks)]


def _predictions(entry: Entry, by_time: dict[tuple[str, int], str]) -> list[tuple[str, object]]:
    """Ids of query points and what was predicted there."""
    if "predictions" not in entry:
        return [(entry.text("q_id"), entry.fields.get("prediction", entry.fields.get("pred")))]
    question, times, given = entry.text("id"), entry.items("query_times"), entry.items("predictions")
    if len(times) != len(given):
        raise entry.error("'predictions'", f"are {len(given)}, but 'query_times' {len(times)}")
    points = [Entry(f"{entry.where}, query_times[{k}]", {"time": t}).seconds("time") for k, t in enumerate(times)]
    return [(by_time.get((question, t), f"{question} at {t} ns"), one) for t, one in zip(points, given, strict=True)]


def _asked(task: Task) -> int:
    assert isinstance(task.truth, Question)
    return task.truth.t


def _truth(task: Task) -> str:
    assert isinstance(task.truth, Question)
    return str(task.truth.answer)


def _count_of(given: Emission | None) -> int | None:
    """The whole number that an answer is, if it is one."""
    found = None if given is None else _COUNT.fullmatch(text_of(given))
    return int(found[1]) if found else None


def _figures(questions: Sequence[tuple[str, Counting]]) -> dict[str, Value]:
    made = {}
    for kind in ("", *sorted({kind for kind, _ in questions})):
        some = [(k, counts) for k, counts in questions if kind in ("", k)]
        suffix = f" {kind}" if kind else ""
        made[f"GPA{suffix}"] = share([counts.gpa for _, counts in some])
        if not kind or kind in RISING:
            made[f"MoC{suffix}"] = share([c.moc for k, c in some if k in RISING and not isnan(c.moc)])
        if not kind or kind in DIRECTED:
            made[f"UDA{suffix}"] = share([c.uda for k, c in some if k in DIRECTED and not isnan(c.uda)])
    return made
