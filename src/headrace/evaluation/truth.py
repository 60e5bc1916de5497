"""Ground truth: four shapes. All times are media times in ns."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from headrace.core.errors import InputError
from headrace.core.files import atomic_write

#: From its first to its last ns.
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked at `t`, to be answered from what came before.

    Attributes:
        options: the choices, or None for an open question.
        answer: the right answer (one of the options, if there are any); None if it cannot be answered.
        evidence: spans one of which suffices to answer.
    """

    t: int
    question: str
    options: tuple[str, ...] | None = None
    answer: str | None = None
    evidence: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        for span in self.evidence:
            _ordered("evidence of a question", *span)
        if self.options is not None and self.answer is not None and self.answer not in self.options:
            raise InputError(f"question at {self.t} ns: its answer {self.answer!r} is none of its options")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens from `start` to `end`; an instant has equal ones."""

    start: int
    end: int
    content: Any = None

    def __post_init__(self) -> None:
        _ordered("event", self.start, self.end)

    @property
    def midpoint(self) -> int:
        return (self.start + self.end) // 2


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn of a conversation.

    Attributes:
        start: the user begins.
        t_answer: the answer is known: from here on speaking is right.
        end: the exchange is over; an answer after it is too late.
        request: what the user wants.
        answer: what should be said; None if nothing should.
        interrupted: the user cuts the answer off.
        group: names the exchanges that belong together, or "".
    """

    start: int
    t_answer: int
    end: int
    request: str = ""
    answer: str | None = None
    interrupted: bool = False
    group: str = ""

    def __post_init__(self) -> None:
        _ordered("exchange", self.start, self.t_answer, self.end)


@dataclass(frozen=True, slots=True)
class Series:
    """A value that is defined all the time: a box, a count, a state.

    Attributes:
        times: strictly rising; the value holds from its time until the next one.
        values: one for each time.
    """

    times: tuple[int, ...]
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(self.times) != len(self.values):
            raise InputError(f"series: {len(self.times)} times, but {len(self.values)} values")
        if any(b <= a for a, b in pairwise(self.times)):
            raise InputError("series: its times must rise strictly")

    def at(self, t: int) -> Any:
        """The value at time `t`; None before the first."""
        index = bisect_right(self.times, t)
        return self.values[index - 1] if index else None


Truth = Question | Event | Exchange | Series
_SHAPES: dict[str, type[Any]] = {shape.__name__.lower(): shape for shape in (Question, Event, Exchange, Series)}


def to_json(truth: Truth) -> dict[str, Any]:
    """The fields, and the name of the shape under "shape"."""
    return {"shape": type(truth).__name__.lower(), **asdict(truth)}


def from_json(record: dict[str, Any]) -> Truth:
    """The inverse of `to_json`; lists become tuples where the shape has tuples.

    Raises:
        InputError: unknown shape, or fields that do not fit it.
    """
    fields = dict(record)
    name = fields.pop("shape", None)
    shape = _SHAPES.get(name) if isinstance(name, str) else None
    if shape is None:
        raise InputError(f"ground truth: shape {name!r} is none of {', '.join(_SHAPES)}")
    try:
        for key in {"options", "times", "values"} & fields.keys():
            fields[key] = None if fields[key] is None else tuple(fields[key])
        if "evidence" in fields:
            fields["evidence"] = tuple((start, end) for start, end in fields["evidence"])
        made: Truth = shape(**fields)
    except (TypeError, ValueError) as error:
        raise InputError(f"ground truth of shape {name!r}: {error}") from error
    return made


def write_truth(path: str | os.PathLike[str], truths: Iterable[Truth]) -> None:
    """One JSON object a line. Contents and values must be JSON-serialisable."""
    atomic_write(path, "".join(json.dumps(to_json(truth), ensure_ascii=False) + "\n" for truth in truths))


def read_truth(path: str | os.PathLike[str]) -> list[Truth]:
    """What `write_truth` wrote.

    Raises:
        InputError: the file is missing, or a line of it is no ground truth.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"ground truth {path}: {error}") from error
    truths = []
    for number, line in enumerate(lines, 1):
        try:
            record = json.loads(line)
            if not isinstance(record, dict):
                raise InputError("not a JSON object")
            truths.append(from_json(record))
        except (ValueError, InputError) as error:
            raise InputError(f"ground truth {path}, line {number}: {error}") from error
    return truths


def _ordered(what: str, *times: int) -> None:
    if any(later < earlier for earlier, later in pairwise(times)):
        raise InputError(f"{what}: its times {times} run backwards")
