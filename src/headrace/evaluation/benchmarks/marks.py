"""marks: answers to questions, right or wrong, as published and strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.benchmark import Emitted, Stream, Task, Value, answers, tasks, text_of
from headrace.evaluation.benchmarks.choices import asked, options_of, right
from headrace.evaluation.benchmarks.figures import share
from headrace.evaluation.benchmarks.files import Entry
from headrace.evaluation.metrics.choice import strict
from headrace.evaluation.metrics.windows import PATIENCE, first_answer
from headrace.evaluation.truth import Question

#: Is an emission right, as the benchmark's own code reads it?
Reads = Callable[[Task, Emission], bool]

_WORD = re.compile(r"\W*(yes|no)\W*", re.IGNORECASE)
_COUNT = re.compile(r"\s*(\d+)\s*\.?\s*")


@dataclass(frozen=True, slots=True)
class Mark:
    """One question that was put.

    Attributes:
        task: the question.
        published: right as the benchmark's own code reads it; None if nothing was said.
        causal: right by `strictly`, said when it was asked or up to `PATIENCE` later.
        delay: ns from the question to that answer; None without one in that time.
    """

    task: Task
    published: bool | None
    causal: bool
    delay: int | None


def mark(streams: Sequence[Stream], emitted: Emitted, published: Reads) -> list[Mark]:
    """Every task that is a Question, in order, with the first thing said to it."""
    found = []
    for stream in streams:
        given = answers(emitted, stream)
        for task in stream.tasks:
            if not isinstance(task.truth, Question):
                continue
            said = given[task.id]
            first = first_answer(said, asked(task), PATIENCE)
            found.append(
                Mark(
                    task,
                    published(task, said[0]) if said else None,
                    first is not None and strictly(task, text_of(first)),
                    None if first is None else first.t_emit - asked(task),
                )
            )
    return found


def strictly(task: Task, text: str) -> bool:
    """Whether a text is the right answer and nothing else.

    With options: their letter (`metrics.choice.strict`). Else "yes" or "no", in any case, or a whole number in
    digits; stops and space around it do not count.
    """
    options = options_of(task)
    if options:
        index = strict(text, len(options))
        return index is not None and chr(ord("A") + index) == right(task)
    answer = task.truth.answer if isinstance(task.truth, Question) else None
    if answer is None:
        return False
    found = _COUNT.fullmatch(text) if answer.isdecimal() else _WORD.fullmatch(text)
    return found is not None and (found[1].lstrip("0") or "0").casefold() == (answer.lstrip("0") or "0").casefold()


def kinds(marks: Sequence[Mark]) -> dict[str, list[Mark]]:
    """Marks by kind of task, in the order in which they first come."""
    found: dict[str, list[Mark]] = {}
    for one in marks:
        found.setdefault(one.task.kind, []).append(one)
    return found


def answered(marks: Sequence[Mark]) -> Value:
    """Published accuracy where questions without an answer leave the count; NaN if there are no others."""
    return share([one.published for one in marks if one.published is not None])


def counted(marks: Sequence[Mark]) -> Value:
    """Published accuracy where questions without an answer are wrong."""
    return share([bool(one.published) for one in marks])


def causal(marks: Sequence[Mark]) -> Value:
    """Strict accuracy; questions without an answer are wrong."""
    return share([one.causal for one in marks])


def delay(marks: Sequence[Mark]) -> Value:
    """Median time from the question to its answer, s, of those answered within `PATIENCE`; NaN without any."""
    found = [one.delay / SECOND for one in marks if one.delay is not None]
    return Value(median(found) if found else float("nan"), len(found), "s")


def missing(streams: Sequence[Stream], emitted: Emitted) -> int:
    """Tasks to which nothing was said."""
    return sum(not said for stream in streams for said in answers(emitted, stream).values())


def named_output(given: Sequence[tuple[Entry, Mapping[str, object]]], where: str) -> str:
    """The field under which a model's outputs stand beside the annotations: the one that the annotations lack.

    Args:
        given: entries of the outputs, each with the fields of its annotation.
        where: the files, as errors name them.

    Raises:
        InputError: there is no such field, or there are several.
    """
    names = sorted({name for entry, known in given for name in entry.fields if name not in known})
    if not names:
        raise InputError(f"{where}: holds no model's outputs beside the annotations; give a model's output file")
    if len(names) > 1:
        raise InputError(f"{where}: holds several fields of outputs ({', '.join(names)}); give files of one model each")
    return names[0]


class Waiting:
    """Tasks that outputs can be for, by what names them in the files; each takes one output."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._free: dict[tuple[str, ...], list[tuple[Stream, Task]]] = {}
        self._known: set[tuple[str, ...]] = set()
        for stream, task in tasks(streams):
            key = tuple(task.detail["key"])
            self._free.setdefault(key, []).append((stream, task))
            self._known.add(key)

    def take(self, key: Sequence[str], where: str) -> tuple[Stream, Task]:
        """The next free task of that key.

        Raises:
            InputError: there is none, or all were taken: two models' outputs were given.
        """
        name = tuple(key)
        if name not in self._known:
            raise InputError(f"{where}: belongs to no task of the annotations; give outputs of this benchmark")
        if not self._free[name]:
            raise InputError(f"{where}: its task has an output already; give the outputs of one model, once")
        return self._free[name].pop(0)
