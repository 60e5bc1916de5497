"""Omni-DuplexEval: reminders, corrections and running descriptions in full duplex."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as File
from typing import Any, ClassVar

from headrace.core.errors import InputError
from headrace.core.item import Emission
from headrace.evaluation.benchmark import Benchmark, Emitted, Judge, Path, Report, Stream, Task, Value, text_of
from headrace.evaluation.benchmarks.figures import f1, macro, share
from headrace.evaluation.benchmarks.files import Entry, Unique, entries_of, grouped, paths_of, read_json, read_list
from headrace.evaluation.benchmarks.standing import blind_standing, events_of, utter
from headrace.evaluation.metrics import pool
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.metrics.matching import RIGHT
from headrace.evaluation.metrics.windows import Reminders, reminders
from headrace.evaluation.truth import Event, Exchange

REMINDERS = ("PR_event_reminder", "PR_post_event_reminder")
CORRECTION = "PR_correction"
DESCRIPTIONS = (
    "RTD_world_knowledge",
    "RTD_counting",
    "RTD_fine_grained_movement",
    "RTD_interaction_relation",
    "RTD_OCR",
    "RTD_Omni",
)
SPLITS = (*REMINDERS, CORRECTION, *DESCRIPTIONS)


class OmniDuplex(Benchmark):
    """Nine splits: remind me when (or after) something happens, correct what I say, describe what happens.

    Annotations: the published rows {id, question_text, answer1, answer2, reminder1, reminder2 (s), video_duration (s),
    video}, exported split by split to "SPLIT.json" or "SPLIT.jsonl". A stream is a row; reminders are events, the
    first of which carries the instruction, all other rows one exchange as long as the video. Responses: a folder with
    "SPLIT/ID.json", or some of these files, each a list of segments, or an object with one under "chunks" or
    "sentences"; a segment has "text" or "sentence", "current_time" or "start", and may have "end".

    Figures:

    - reminders, by split: published, share of samples where each reminder has something right in [t, t + 10 s], all
      texts there joined; nothing said elsewhere counts against it, so that talking every second has perfect timing.
      Causal: each has a right announcement of its own, and nothing else is said. "events": published, share of
      reminders with something right in their windows; causal, F1 of announcements and reminders one to one, all else
      false. "timing": the same where time alone counts. Without a judge all do that; with one a text is judged against
      the instruction, right from 0.5 on.
    - corrections, by split: the judge's verdict on all that was said, joined, against the reference; no time is
      annotated, so the causal figure differs only in that a missing response is wrong.
    - descriptions, "content" by split: the better of the judge's marks against the two references. The published judge
      sees the video, as it must to rate the timing; that figure (0 to 3 by sentence) is left out here.

    A segment without a time is refused; the published code puts it at 0.
    """

    name: ClassVar[str] = "omniduplex"
    title: ClassVar[str] = "Omni-DuplexEval: Evaluating Real-time Duplex Omni-modal Interaction (arXiv 2605.17360)"
    licence: ClassVar[str] = "MIT (code); annotations: none stated"
    source: ClassVar[str] = "github.com/OpenBMB/Omni-DuplexEval; huggingface.co/datasets/Hothan/Omni-DuplexEval"

    def load(self, path: Path) -> list[Stream]:
        ids = Unique()
        return [stream for one in paths_of(path, ".json", ".jsonl") for stream in _split(one, ids)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {}
        for stream in streams:
            for path in paths:
                file = _file(File(path), stream)
                if file is not None:
                    said = enumerate(_segments(file))
                    found[stream.id] = [utter(stream, k, text, start, end) for k, (text, start, end) in said]
        if not found and streams:
            raise InputError(f"{paths[0]}: holds no SPLIT/ID.json of these annotations; give the folder of responses")
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        published: dict[str, Value] = {}
        causal: dict[str, Value] = {}
        for split, some in grouped((stream.tasks[0].kind, stream) for stream in streams):
            reminded = [_reminders(stream, emitted, judge) for stream in some if events_of(stream)]
            spoken = [_content(stream, emitted, judge) for stream in some if not events_of(stream)]
            if reminded:
                published[split] = share([one.all for one in reminded])
                causal[split] = share([not one.score.fp and not one.score.fn for one in reminded])
                published[f"events {split}"] = share([hit for one in reminded for hit in _hits(one)])
                causal[f"events {split}"] = f1(pool([one.score for one in reminded]))
                timed = [_reminders(stream, emitted, None) for stream in some if events_of(stream)]
                published[f"timing {split}"] = share([hit for one in timed for hit in _hits(one)])
                causal[f"timing {split}"] = f1(pool([one.score for one in timed]))
            elif judge is not None:
                name = f"content {split}" if split in DESCRIPTIONS else split
                marks = [mark if split in DESCRIPTIONS else float(mark >= RIGHT) for mark, _ in spoken]
                published[name] = share([mark for mark, (_, there) in zip(marks, spoken, strict=True) if there])
                causal[name] = share(marks)
        for name, splits in (("reminders", REMINDERS), ("content", [f"content {split}" for split in DESCRIPTIONS])):
            for figures in (published, causal):
                if there := [figures[split] for split in splits if split in figures]:
                    figures[name] = macro(there)
        notes = ["what is said outside the windows of reminders counts in the causal figures only"]
        notes.append("no judge: time alone counts" if judge is None else f"{judge.name} does not see the video")
        missing = sum(len(stream.tasks) for stream in streams if not heard(emitted.get(stream.id, ())))
        return Report(published, causal, missing, tuple(notes))

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """For reminders silence and ticking, always in the words of the instruction; to everything else these policies,
        silence aside, repeat the instruction once. None uses the seed."""
        rows = blind_standing([one for one in streams if events_of(one)], lambda task, _: _request(task), events_of)
        others = [one for one in streams if not events_of(one)]
        for name, said in rows.items():
            for one in others:
                said[one.id] = [] if name == "silence" else [utter(one, 0, _request(one.tasks[0]), 0)]
        return rows


def _split(path: File, ids: Unique) -> list[Stream]:
    split = path.stem
    if split not in SPLITS:
        raise InputError(f"{path}: is named after no split; name it {SPLITS[0]}.json, or after another of {SPLITS[1:]}")
    return [_stream(entry, split, ids) for entry in read_list(path)]


def _stream(entry: Entry, split: str, ids: Unique) -> Stream:
    name = ids.add(f"{split}/{_id(entry)}", entry.where)
    duration, request = entry.seconds("video_duration"), entry.text("question_text")
    references = [entry.text(field) for field in ("answer1", "answer2") if entry.text(field, "").strip()]
    due = [_time(entry, field) for field in ("reminder1", "reminder2") if str(entry.fields.get(field) or "").strip()]
    if due and split != CORRECTION:
        made = [
            Task(f"{name}#{k}", split, Event(t, t, {"text": request}), "" if k else request)
            for k, t in enumerate(sorted(due))
        ]
    else:
        if split not in DESCRIPTIONS and not references:
            raise entry.error("'answer1'", "is empty, and there is no reminder; leave the row out")
        truth = Exchange(0, 0, duration, request, references[0] if references else None)
        made = [Task(f"{name}#0", split, truth, request, {"references": references})]
    video, own = entry.fields.get("video"), f"{name}.mp4"
    media = entry.child("video").text("path", own) if isinstance(video, dict) else entry.text("video", own)
    return Stream(name, media or own, tuple(made), max(duration, *due) if due else duration)


def _id(entry: Entry) -> str:
    value = entry.fields.get("id")
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else entry.text("id")


def _time(entry: Entry, field: str) -> int:
    """A time in seconds, as a number or as a text of one."""
    value: Any = entry.fields[field]
    try:
        value = float(value) if isinstance(value, str) else value
    except ValueError:
        raise entry.error(repr(field), f"is {value!r}, no time in seconds; mend it") from None
    return Entry(entry.where, {field: value}).seconds(field)


def _file(root: File, stream: Stream) -> File | None:
    """Where the responses to a stream may lie, as the published code looks for them."""
    split, name = stream.id.split("/", 1)
    if root.is_file():
        return root if (root.parent.name, root.stem) == (split, name) else None
    places = [root / split / f"{name}.json", root / f"{name}.json", root / split.lower() / f"{name}.json"]
    return next((place for place in places if place.is_file()), None)


def _segments(path: File) -> list[tuple[str, int, int]]:
    """What was said, from when to when (ns)."""
    value = read_json(path)
    if isinstance(value, dict):
        value = value.get("chunks", value.get("sentences"))
    found = []
    for entry in entries_of(path.name, value):
        text = next((entry.text(field) for field in ("text", "sentence", "content") if field in entry), "").strip()
        field = next((field for field in ("current_time", "start", "time") if field in entry), "start")
        start = entry.seconds(field)
        if text:
            found.append((text, start, max(start, entry.seconds("end", 0.0))))
    return found


def _reminders(stream: Stream, emitted: Emitted, judge: Judge | None) -> Reminders:
    request = stream.tasks[0].prompt

    def right(text: str, event: Event) -> bool:
        return judge is None or judge.judge(request, event.content["text"], text) >= RIGHT

    return reminders(emitted.get(stream.id, ()), events_of(stream), right=right)


def _hits(one: Reminders) -> list[bool]:
    return [k < one.reminded for k in range(one.events)]


def _content(stream: Stream, emitted: Emitted, judge: Judge | None) -> tuple[float, bool]:
    """The best mark of all that was said, joined, against the references; and whether anything was."""
    text = " ".join(text_of(one) for one in heard(emitted.get(stream.id, ())))
    if judge is None or not text:
        return 0.0, bool(text)
    task = stream.tasks[0]
    return max((judge.judge(task.prompt, one, text) for one in task.detail["references"]), default=0.0), True


def _request(task: Task) -> str:
    """What was asked of the stream that a task belongs to."""
    truth = task.truth
    if isinstance(truth, Event):
        return str(truth.content["text"])
    return truth.request if isinstance(truth, Exchange) else task.prompt
