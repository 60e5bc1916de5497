"""Result: everything that one run of `headrace watch` found, and `events.json`, its file.

The file is one JSON object; times are media seconds from the start of the source, sizes bytes.

    format      int    1; a reader refuses a higher number
    headrace    str    version that wrote it
    sources     [name, url (without credentials), width, height (pixels), fps,
                 duration_s (null: live or unknown), frames_read, frames_dropped, errors [str]]
    run         speed ("max", "realtime" or a factor such as "2"), media_s, wall_s, cpu_s,
                realtime_factor (media_s / wall_s), admitted_share (blocks admitted / blocks_total),
                blocks_total, reads (times the reader ran), lines_read, state_bytes (the most held),
                budget_bytes, drops {edge: items}, oldest_processed_s (the greatest age of a frame
                when a line of it was told), gate, interrupted, started (ISO 8601, or null)
    text        [id, source, text, first_s, last_s, box [left, top, right, bottom] (pixels),
                 score (0..1), weight (times seen)]
    events      [id, source, t_s, score, thumbnail]
    answers     [id, question, seen, text, by ("extractive" or "llm"), evidence, asked_at_s
                 (null: at the end), note]
    alerts      [id, when, t_s (it became true), emitted_s, latency_s (null: at full speed
                time follows the media, and nothing is late), text, evidence]
    standing    [str]  every `--when`, also those that never fired
    series      step_s, and lists of equal length: t_s, change and admitted (shares of the
                picture's blocks, 0..1), state_bytes, backlog (items waiting)

`evidence` is a list of {source, start_s, end_s, text, thumbnail}. A `thumbnail` is the name of a
JPEG file relative to the folder of the result, or null.
"""

from __future__ import annotations

import json
import math
import os
import types
from bisect import bisect_left
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from headrace.core.errors import InputError
from headrace.core.files import atomic_write
from headrace.version import __version__

FORMAT = 1

#: The most points that a `Series` holds.
POINTS = 2000

#: Numbers of this size and beyond are damage.
LARGEST = 1e300


@dataclass(slots=True)
class SourceInfo:
    """One stream that was watched."""

    name: str
    url: str = ""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    duration_s: float | None = None
    frames_read: int = 0
    frames_dropped: int = 0
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RunInfo:
    """How the run went: speed, cost, state and what was dropped."""

    speed: str = "max"
    media_s: float = 0.0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    realtime_factor: float = 0.0
    admitted_share: float = 0.0
    blocks_total: int = 0
    reads: int = 0
    lines_read: int = 0
    state_bytes: int = 0
    budget_bytes: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    oldest_processed_s: float = 0.0
    gate: str = ""
    interrupted: bool = False
    started: str | None = None


@dataclass(slots=True)
class TextLine:
    """One line of text on screen, from the frame that first showed it to the last."""

    id: str
    source: str
    text: str
    first_s: float
    last_s: float
    box: tuple[float, float, float, float]
    score: float = 1.0
    weight: float = 1.0


@dataclass(slots=True)
class EventMark:
    """A boundary between two events."""

    id: str
    source: str
    t_s: float
    score: float = 1.0
    thumbnail: str | None = None


@dataclass(slots=True)
class Evidence:
    """What an answer or an alert rests on; `text` is quoted as it was read."""

    source: str
    start_s: float
    end_s: float
    text: str
    thumbnail: str | None = None


@dataclass(slots=True)
class Answer:
    """An answer to an `--ask`; `seen` is False where the stream did not show one."""

    id: str
    question: str
    seen: bool
    text: str = ""
    by: Literal["extractive", "llm"] = "extractive"
    evidence: list[Evidence] = field(default_factory=list)
    asked_at_s: float | None = None
    note: str = ""


@dataclass(slots=True)
class Alert:
    """A `--when` that became true."""

    id: str
    when: str
    t_s: float
    emitted_s: float
    latency_s: float | None
    text: str = ""
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(slots=True)
class Series:
    """What changed over time, in at most `POINTS` bins of `step_s` seconds however long the run.

    `t_s` holds the start of each bin, the other lists the maximum within it. A bin in which nothing
    was added is absent. `step_s` is a power of two, so that bin edges are exact.
    """

    step_s: float = 0.25
    t_s: list[float] = field(default_factory=list)
    change: list[float] = field(default_factory=list)
    admitted: list[float] = field(default_factory=list)
    state_bytes: list[int] = field(default_factory=list)
    backlog: list[int] = field(default_factory=list)

    def add(self, t: float, change: float = 0.0, admitted: float = 0.0, state_bytes: int = 0, backlog: int = 0) -> None:
        """Add a sample at media time `t` in seconds; samples may arrive out of order."""
        start = math.floor(t / self.step_s) * self.step_s
        at = bisect_left(self.t_s, start)
        if at < len(self.t_s) and self.t_s[at] == start:
            self.change[at] = max(self.change[at], change)
            self.admitted[at] = max(self.admitted[at], admitted)
            self.state_bytes[at] = max(self.state_bytes[at], state_bytes)
            self.backlog[at] = max(self.backlog[at], backlog)
            return
        self.t_s.insert(at, start)
        self.change.insert(at, change)
        self.admitted.insert(at, admitted)
        self.state_bytes.insert(at, state_bytes)
        self.backlog.insert(at, backlog)
        while len(self.t_s) > POINTS:
            self._halve()

    def _halve(self) -> None:
        coarse = Series(step_s=2 * self.step_s)
        for row in zip(self.t_s, self.change, self.admitted, self.state_bytes, self.backlog, strict=True):
            coarse.add(*row)
        for part in fields(self):
            setattr(self, part.name, getattr(coarse, part.name))


@dataclass(slots=True)
class Result:
    """Everything that one run found; the fields are those of the file (see the module)."""

    sources: list[SourceInfo]
    run: RunInfo = field(default_factory=RunInfo)
    text: list[TextLine] = field(default_factory=list)
    events: list[EventMark] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    series: Series = field(default_factory=Series)
    format: int = FORMAT
    headrace: str = __version__

    @property
    def span_s(self) -> float:
        """Media seconds that a time axis must cover, at least 1."""
        ends = [1.0, self.run.media_s]
        ends += [line.last_s for line in self.text] + [mark.t_s for mark in self.events]
        ends += [alert.t_s for alert in self.alerts] + self.series.t_s[-1:]
        ends += [proof.end_s for answer in self.answers for proof in answer.evidence]
        return max(ends)

    def to_json(self) -> str:
        """The result as the text of `events.json`; ValueError if a number is not finite."""
        data = asdict(self)
        head = {"format": data.pop("format"), "headrace": data.pop("headrace")}
        return json.dumps({**head, **data}, ensure_ascii=True, allow_nan=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, name: str = "events.json") -> Result:
        """The result in `text`.

        Raises:
            InputError: the text is no JSON, is something else than a result, misses a field or has
                one too many or of a wrong type, or is of a newer format. The message names `name`
                and the field.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{name}: not valid JSON ({error}); run `headrace watch` again") from None
        if not isinstance(data, dict) or "format" not in data or "headrace" not in data:
            raise InputError(f"{name}: not a result of `headrace watch`; give its events.json")
        if type(data["format"]) is not int or data["format"] < 1:
            _refuse(name, "format", "must be a whole number from 1")
        if data["format"] > FORMAT:
            raise InputError(
                f"{name}: format {data['format']} is newer than {FORMAT}, the newest that this headrace "
                "reads; upgrade headrace"
            )
        result = _decode(cls, data, name, "")
        assert isinstance(result, cls)
        _check(result, name)
        return result

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `to_json()` to `path`, whole or not at all."""
        atomic_write(path, self.to_json())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Result:
        """Read a file that `save` wrote; InputError as in `from_json`, or if it cannot be read."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"{path}: cannot be read ({reason}); give the events.json of a run") from None
        return cls.from_json(data, str(path))


def _refuse(name: str, where: str, what: str) -> NoReturn:
    raise InputError(f"{name}: field {where} {what}; the file is damaged, run `headrace watch` again")


def _decode(hint: Any, value: Any, name: str, where: str) -> Any:
    """`value`, as json.loads gives it, as an object of the type `hint`, or InputError."""
    origin, args = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            _refuse(name, where, "must be an object")
        hints, dot = get_type_hints(hint), f"{where}." if where else ""
        for key in sorted(hints.keys() ^ value.keys()):
            _refuse(name, f"{dot}{key}", "is missing" if key in hints else "is not known")
        return hint(**{key: _decode(hints[key], value[key], name, f"{dot}{key}") for key in hints})
    if origin is list:
        if not isinstance(value, list):
            _refuse(name, where, "must be a list")
        return [_decode(args[0], part, name, f"{where}[{i}]") for i, part in enumerate(value)]
    if origin is tuple:
        if not isinstance(value, list) or len(value) != len(args):
            _refuse(name, where, f"must be a list of {len(args)}")
        return tuple(_decode(a, v, name, f"{where}[{i}]") for i, (a, v) in enumerate(zip(args, value, strict=True)))
    if origin is dict:
        if not isinstance(value, dict):
            _refuse(name, where, "must be an object")
        return {key: _decode(args[1], part, name, f"{where}.{key}") for key, part in value.items()}
    if origin is Literal:
        if value not in args:
            _refuse(name, where, f"must be one of {', '.join(map(str, args))}")
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _decode(args[0], value, name, where)
    if hint is float:
        if type(value) not in (int, float) or not -LARGEST < value < LARGEST:
            _refuse(name, where, "must be a finite number")
        return float(value)
    if type(value) is not hint:
        _refuse(name, where, f"must be of type {hint.__name__}")
    return value


def _check(result: Result, name: str) -> None:
    """What types cannot say: lists of equal length, sources that exist, thumbnails inside the folder."""
    series = result.series
    for column in ("change", "admitted", "state_bytes", "backlog"):
        if len(getattr(series, column)) != len(series.t_s):
            _refuse(name, f"series.{column}", "must be as long as series.t_s")
    names = {source.name for source in result.sources}
    told: list[tuple[str, TextLine | EventMark | Evidence]] = []
    told += [(f"text[{i}]", line) for i, line in enumerate(result.text)]
    told += [(f"events[{i}]", mark) for i, mark in enumerate(result.events)]
    holders: list[tuple[str, Answer | Alert]] = []
    holders += [(f"answers[{i}]", answer) for i, answer in enumerate(result.answers)]
    holders += [(f"alerts[{i}]", alert) for i, alert in enumerate(result.alerts)]
    for where, holder in holders:
        told += [(f"{where}.evidence[{j}]", proof) for j, proof in enumerate(holder.evidence)]
    for where, part in told:
        if part.source not in names:
            _refuse(name, f"{where}.source", "names no source of the result")
        picture = None if isinstance(part, TextLine) else part.thumbnail
        if picture is not None and not inside(picture):
            _refuse(name, f"{where}.thumbnail", "must be a file name inside the folder")


def inside(picture: str) -> bool:
    """True if the relative file name cannot leave its folder."""
    path = PurePosixPath(picture)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in picture
