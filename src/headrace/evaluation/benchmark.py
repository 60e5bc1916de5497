"""Benchmark: published annotations, what answers them, and how they are scored.

A benchmark is one file: a class with `load`, `responses`, `score` and `blind`. Annotations become the four shapes of
ground truth, responses become emissions, and a run of a live system gives emissions too: so one `score` judges
published outputs, blind policies and systems.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from headrace.core.item import Emission, emission_id
from headrace.evaluation.truth import Truth

#: What left, by the id of the stream that it left on.
Emitted = Mapping[str, Sequence[Emission]]
Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that is asked of a stream.

    Attributes:
        id: unique within the benchmark; an emission answers it by `cause`.
        kind: the benchmark's name for such tasks.
        truth: what is right, and when.
        prompt: what a system is told; "" if it must speak without being asked.
        detail: further fields that scoring needs, JSON-serialisable.
    """

    id: str
    kind: str
    truth: Truth
    prompt: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """One recording of a benchmark, and all that is asked of it.

    Attributes:
        id: unique within the benchmark.
        media: file name below the folder of recordings; "" if there is none.
        tasks: in the order of the annotations.
        duration: ns; 0 if the annotations do not tell.
    """

    id: str
    media: str
    tasks: tuple[Task, ...]
    duration: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """One figure.

    Attributes:
        value: the figure; NaN if there is nothing to take it from.
        count: of what it is a mean or a share.
        unit: "%", "s" or "" for a plain number.
        low, high: its 95 % interval, drawn over streams; None where it was not computed.
    """

    value: float
    count: int
    unit: str = "%"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The score of one set of responses.

    Attributes:
        published: by name, as the benchmark's own code computes it, its flaws included.
        causal: by the same names where they have a counterpart: nothing may come before it can be known, a missing
            answer is wrong, and an answer counts only if it is one (see each benchmark).
        missing: tasks without any response.
        notes: what a reader must know.
    """

    published: Mapping[str, Value]
    causal: Mapping[str, Value]
    missing: int = 0
    notes: tuple[str, ...] = ()


class Judge(Protocol):
    """Compares what was said with what is right.

    Attributes:
        name: goes into reports.
    """

    name: str

    def judge(self, question: str, reference: str, said: str) -> float:
        """0 (wrong) to 1 (right)."""
        ...


class Benchmark(ABC):
    """One published benchmark.

    Class attributes:
        name: as on the command line.
        title: of the paper, with its arXiv number.
        licence: of the annotations, as their publisher states it.
        source: public address of the annotations, without a scheme.
        judged: whether `score` needs a judge of texts.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    licence: ClassVar[str]
    source: ClassVar[str]
    judged: ClassVar[bool] = False

    @abstractmethod
    def load(self, path: Path) -> list[Stream]:
        """The published annotation file (or the folder of such files), unchanged.

        Raises:
            InputError: it cannot be read or has another form; one line that names the file, the entry and the field.
        """

    @abstractmethod
    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        """Published model outputs as emissions, by stream id: `content` is {"text": …}, `cause` the id of the task.

        Raises:
            InputError: as in `load`; also if an output belongs to no task.
        """

    @abstractmethod
    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        """The benchmark's own figures, and the causal ones beside them.

        Raises:
            ConfigError: a judge is needed and none is given.
        """

    @abstractmethod
    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """What policies say that never look at the stream, by policy and by stream id.

        They see the tasks (prompts, options, the times of questions), never the answers of this stream. A policy that
        needs a prior takes it from the whole set and says so in its name.
        """


def say(task: Task, stream: Stream, text: str, at: int, end: int | None = None) -> Emission:
    """An answer to a task, given at media time `at` (ns), as an emission."""
    name = emission_id(stream.id, f"answer {task.id}", at)
    return Emission(
        name, "answer", {"text": text}, at, at if end is None else end, at, at, source=stream.id, cause=task.id
    )


def text_of(emission: Emission) -> str:
    """What an emission says."""
    content = emission.content
    return str(content.get("text", "")) if isinstance(content, Mapping) else str(content)


def answers(emitted: Emitted, stream: Stream) -> dict[str, list[Emission]]:
    """Emissions of a stream by the task they answer, in order of `t_emit`; cancelled ones are left out."""
    found: dict[str, list[Emission]] = {task.id: [] for task in stream.tasks}
    for emission in sorted(emitted.get(stream.id, ()), key=lambda one: one.t_emit):
        if not emission.cancelled and emission.cause in found:
            found[emission.cause].append(emission)
    return found


def tasks(streams: Sequence[Stream]) -> Iterator[tuple[Stream, Task]]:
    """Every task with its stream, in order."""
    for stream in streams:
        for task in stream.tasks:
            yield stream, task
