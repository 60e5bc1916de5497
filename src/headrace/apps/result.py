"""Result: everything that one run of `headrace watch` found, and `events.json`, its file.

The file is one JSON object; times are media seconds from the start of the source, sizes bytes.

    format      int    2; 1 still reads, a reader refuses a higher number
    headrace    str    version that wrote it
    sources     [name, url (without credentials), width, height (pixels; 0: no picture), fps,
                 duration_s (null: live or unknown), frames_read, frames_dropped, errors [str],
                 channels (0: no sound), rate (Hz), watched_s (media seconds reached),
                 gaps [[from_s, to_s]] (not watched between a crash and its resume)]
    run         speed ("max", "realtime" or a factor such as "2"), media_s, wall_s, cpu_s,
                realtime_factor (media_s / wall_s), admitted_share (blocks admitted / blocks_total),
                blocks_total, reads (times the reader ran), lines_read, state_bytes (the most held),
                budget_bytes, drops {edge: items}, oldest_processed_s (the greatest age of a frame
                when a line of it was told), gate, recogniser ("": speech is not put into words),
                interrupted, resumed (times), started (ISO 8601, or null)
    text        [id, source, text, first_s, last_s, box [left, top, right, bottom] (pixels),
                 score (0..1), weight (times seen)]
    speech      [id, source, text ("": not put into words), first_s, last_s, score (0..1), by]
    sounds      [id, source, what ("silence", "loud" or "change"), first_s, last_s,
                 level_db (dBFS), score (0..1)]
    events      [id, source, t_s, score, thumbnail]
    answers     [id, question, seen, text, by ("extractive" or "llm"), evidence, asked_at_s
                 (null: at the end), note]
    alerts      [id, when, t_s (it became true), emitted_s, latency_s (null: at full speed
                time follows the media, and nothing is late), text, evidence]
    standing    [str]  every `--when`, also those that never fired
    series      {source: step_s, and lists of equal length: t_s, change and admitted (shares of
                the picture's blocks, 0..1), state_bytes, backlog (items waiting), level_db
                (dBFS), voice (probability of speech, 0..1)}

`evidence` is a list of {source, start_s, end_s, text, thumbnail, kind ("text", "speech", "event" or
"sound")}. A `thumbnail` is the name of a JPEG file relative to the folder of the result, or null.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from headrace.apps.decode import decode, refuse
from headrace.apps.series import QUIET, Series
from headrace.core.errors import InputError
from headrace.core.files import atomic_write
from headrace.version import __version__

FORMAT = 2

Kind = Literal["text", "speech", "event", "sound"]


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
    channels: int = 0
    rate: int = 0
    watched_s: float = 0.0
    gaps: list[tuple[float, float]] = field(default_factory=list)


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
    recogniser: str = ""
    interrupted: bool = False
    resumed: int = 0
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
class SpeechLine:
    """A stretch of speech, in words if a recogniser was at work."""

    id: str
    source: str
    text: str
    first_s: float
    last_s: float
    score: float = 1.0
    by: str = ""


@dataclass(slots=True)
class SoundMark:
    """Something that was heard and is no speech."""

    id: str
    source: str
    what: str
    first_s: float
    last_s: float
    level_db: float = QUIET
    score: float = 1.0


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
    kind: Kind = "text"


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
class Result:
    """Everything that one run found; the fields are those of the file (see the module)."""

    sources: list[SourceInfo]
    run: RunInfo = field(default_factory=RunInfo)
    text: list[TextLine] = field(default_factory=list)
    speech: list[SpeechLine] = field(default_factory=list)
    sounds: list[SoundMark] = field(default_factory=list)
    events: list[EventMark] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    series: dict[str, Series] = field(default_factory=dict)
    format: int = FORMAT
    headrace: str = __version__

    @property
    def span_s(self) -> float:
        """Media seconds that a time axis must cover, at least 1."""
        ends = [1.0, self.run.media_s]
        ends += [line.last_s for line in self.text] + [line.last_s for line in self.speech]
        ends += [mark.last_s for mark in self.sounds] + [mark.t_s for mark in self.events]
        ends += [alert.t_s for alert in self.alerts]
        ends += [series.t_s[-1] for series in self.series.values() if series.t_s]
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
            refuse(name, "format", "must be a whole number from 1")
        if data["format"] > FORMAT:
            raise InputError(
                f"{name}: format {data['format']} is newer than {FORMAT}, the newest that this headrace "
                "reads; upgrade headrace"
            )
        result = decode(cls, _upgrade(data, name) if data["format"] == 1 else data, name, "")
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


def _check(result: Result, name: str) -> None:
    """What types cannot say: lists of equal length, sources that exist, thumbnails inside the folder."""
    names = {source.name for source in result.sources}
    for source, series in result.series.items():
        if source not in names:
            refuse(name, f"series.{source}", "names no source of the result")
        for column in ("change", "admitted", "state_bytes", "backlog", "level_db", "voice"):
            if len(getattr(series, column)) != len(series.t_s):
                refuse(name, f"series.{source}.{column}", "must be as long as its t_s")
    told: list[tuple[str, TextLine | SpeechLine | SoundMark | EventMark | Evidence]] = []
    told += [(f"text[{i}]", line) for i, line in enumerate(result.text)]
    told += [(f"speech[{i}]", line) for i, line in enumerate(result.speech)]
    told += [(f"sounds[{i}]", mark) for i, mark in enumerate(result.sounds)]
    told += [(f"events[{i}]", mark) for i, mark in enumerate(result.events)]
    holders: list[tuple[str, Answer | Alert]] = []
    holders += [(f"answers[{i}]", answer) for i, answer in enumerate(result.answers)]
    holders += [(f"alerts[{i}]", alert) for i, alert in enumerate(result.alerts)]
    for where, holder in holders:
        told += [(f"{where}.evidence[{j}]", proof) for j, proof in enumerate(holder.evidence)]
    for where, part in told:
        if part.source not in names:
            refuse(name, f"{where}.source", "names no source of the result")
        picture = part.thumbnail if isinstance(part, EventMark | Evidence) else None
        if picture is not None and not inside(picture):
            refuse(name, f"{where}.thumbnail", "must be a file name inside the folder")


def inside(picture: str) -> bool:
    """True if the relative file name cannot leave its folder."""
    path = PurePosixPath(picture)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in picture


def _upgrade(data: dict[str, Any], name: str) -> dict[str, Any]:
    """A result of format 1, which knew neither sound nor a series for each source, as one of format 2."""
    try:
        sources = [
            {**source, "channels": 0, "rate": 0, "watched_s": data["run"]["media_s"], "gaps": []}
            for source in data["sources"]
        ]
        course = dict(data["series"])
        empty = {"level_db": [QUIET] * len(course["t_s"]), "voice": [0.0] * len(course["t_s"])}
        upgraded = {**data, "format": FORMAT, "sources": sources, "speech": [], "sounds": []}
        upgraded["run"] = {**data["run"], "recogniser": "", "resumed": 0}
        upgraded["series"] = {source["name"]: {**course, **empty} for source in sources[:1]}
        for key in ("answers", "alerts"):
            upgraded[key] = [
                {**made, "evidence": [{**e, "kind": "text" if e["text"] else "event"} for e in made["evidence"]]}
                for made in data[key]
            ]
    except (AttributeError, KeyError, TypeError, ValueError):
        refuse(name, "format", "is 1, but the rest is not of that format")
    return upgraded
