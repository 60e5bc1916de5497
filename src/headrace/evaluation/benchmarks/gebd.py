"""Kinetics-GEBD: generic event boundaries, by several annotators."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as File
from typing import Any, ClassVar

from headrace.core.errors import InputError
from headrace.core.item import Emission
from headrace.evaluation.benchmark import Benchmark, Emitted, Judge, Path, Report, Stream, Task, Value, say
from headrace.evaluation.benchmarks.figures import f1, macro
from headrace.evaluation.benchmarks.files import Entry, Unique, entries, paths_of, read_json
from headrace.evaluation.benchmarks.standing import blind_standing
from headrace.evaluation.metrics import Score, best_annotator, pool
from headrace.evaluation.metrics.boundary import DISTANCES
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.metrics.matching import matching
from headrace.evaluation.truth import Event

#: Videos on whose boundaries the annotators agree less are not scored, as published (mean F1 among them).
AGREED = 0.3

_PICKLES = (".pkl", ".pickle")


class Gebd(Benchmark):
    """Boundaries in 10 s clips, each marked by 3 to 5 annotators.

    Annotations: the ground truth that the publisher's preparation makes, {video: {substages_timestamps: [[s, …], …],
    video_duration, f1_consis_avg, …}}, exported from pickle to JSON. Pickles are refused: to open one is to run what
    is in it. A stream is a video with one task, whose truth is an event as long as the video that holds all annotators'
    boundaries. Responses: {video: [s, …]} as JSON, the challenge's submission.

    Figures: F1 at relative distances 0.05, 0.10, … 0.50 of the clip's length, and their mean; each video against the
    annotator with whom the prediction agrees best; counts pooled over videos.

    - published: |t - b| <= rel x length, so that a boundary may be called before it is there; a video without any
      prediction counts the boundaries of the annotator who comes first as missed, whoever has fewer.
    - causal: 0 <= t - b <= rel x length by the time the prediction left, one to one.

    Both leave out videos below `AGREED`. With a tolerance of 0.5 s on clips of 10 s, ticking wins much: see the
    blind rows.
    """

    name: ClassVar[str] = "gebd"
    title: ClassVar[str] = (
        "Generic Event Boundary Detection: A Benchmark for Event Segmentation (arXiv 2101.10511; LOVEU challenge)"
    )
    licence: ClassVar[str] = "MIT (code); annotations: none stated"
    source: ClassVar[str] = "github.com/StanLei52/GEBD"

    def load(self, path: Path) -> list[Stream]:
        ids = Unique()
        return [_stream(name, entry, ids) for one in _files(path) for name, entry in _objects(one)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
        by_id, seen = {stream.id: stream for stream in streams}, Unique()
        for one in (one for path in paths for one in _files(path)):
            outputs = read_json(one)
            if not isinstance(outputs, dict):
                raise InputError(f"{one.name}: holds no object of videos and times; give {{video: [seconds, …]}}")
            for name in outputs:
                entry = Entry(f"{one.name}, video {name!r}", {"times": outputs[name]})
                if name not in by_id:
                    continue
                seen.add(name, entry.where)
                stream = by_id[name]
                times = sorted(set(_times(entry, "times")))
                found[name] = [say(stream.tasks[0], stream, "boundary", t) for t in times if t <= stream.duration]
        if not seen.seen and by_id:
            raise InputError("responses: none is to a video of these annotations; give the output for this split")
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        agreed = [stream for stream in streams if _agreement(stream) >= AGREED]
        published: dict[str, Value] = {}
        causal: dict[str, Value] = {}
        for rel in DISTANCES:
            name = f"F1@{rel:.2f}"
            published[name] = f1(pool([_published(stream, emitted, rel) for stream in agreed]))
            causal[name] = f1(pool([_causal(stream, emitted, rel) for stream in agreed]))
        for figures in (published, causal):
            figures["F1 mean"] = macro([figures[f"F1@{rel:.2f}"] for rel in DISTANCES])
        notes = [f"{len(agreed)} of {len(streams)} videos are scored: on the others annotators agree below {AGREED}"]
        missing = sum(not heard(emitted.get(stream.id, ())) for stream in agreed)
        return Report(published, causal, missing, tuple(notes))

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """Silence and ticking; none of them uses the seed."""
        return blind_standing(streams, lambda *_: "boundary", lambda stream: annotators(stream)[0])


def annotators(stream: Stream) -> list[list[Event]]:
    """Boundaries by annotator."""
    return [[Event(t, t) for t in times] for times in _content(stream)["annotators"]]


def _files(path: Path) -> list[File]:
    found = paths_of(path, ".json", *_PICKLES)
    for one in found:
        if one.suffix.lower() in _PICKLES:
            raise InputError(
                f"{one}: is a pickle, which may run code when it is opened; export it to JSON and give that"
            )
    return found


def _objects(path: File) -> list[tuple[str, Entry]]:
    outer = read_json(path)
    if not isinstance(outer, dict):
        raise InputError(f"{path.name}: holds no object of videos; give the ground truth, exported to JSON")
    named = entries((f"{path.name}, video {name!r}", one) for name, one in outer.items())
    return list(zip(outer, named, strict=True))


def _stream(name: str, entry: Entry, ids: Unique) -> Stream:
    duration = entry.seconds("video_duration")
    lists = entry.items("substages_timestamps")
    if not lists or duration <= 0:
        raise entry.error("'substages_timestamps'", "or 'video_duration' is empty; leave the video out")
    if any(isinstance(one, dict) for some in lists if isinstance(some, list) for one in some):
        raise entry.error("'substages_timestamps'", "is the raw annotation; run the publisher's preparation first")
    marks = [_times(Entry(f"{entry.where}, annotator {k}", {"times": some}), "times") for k, some in enumerate(lists)]
    marks = [sorted(min(t, duration) for t in times) for times in marks]
    truth = Event(0, duration, {"agreement": entry.number("f1_consis_avg"), "annotators": marks})
    task = Task(f"{name}#boundaries", "boundaries", truth, "Say so whenever one event ends and another begins.")
    return Stream(ids.add(name, entry.where), f"{name}.mp4", (task,), duration)


def _times(entry: Entry, field: str) -> list[int]:
    return [
        Entry(f"{entry.where}, {field}[{k}]", {"time": value}).seconds("time")
        for k, value in enumerate(entry.items(field))
    ]


def _agreement(stream: Stream) -> float:
    return float(_content(stream)["agreement"])


def _content(stream: Stream) -> Any:
    truth = stream.tasks[0].truth
    assert isinstance(truth, Event)
    return truth.content


def _published(stream: Stream, emitted: Emitted, rel: float) -> Score:
    marks = annotators(stream)
    times = [one.t_emit for one in heard(emitted.get(stream.id, ())) if 0 <= one.t_emit <= stream.duration]
    if not times:
        return Score(0, 0, len(marks[0]))
    return best_annotator(times, marks, stream.duration, rel, "clip")


def _causal(stream: Stream, emitted: Emitted, rel: float) -> Score:
    said, marks = heard(emitted.get(stream.id, ())), annotators(stream)
    scores = [matching(said, events, round(rel * stream.duration)).score for events in marks]
    return max(scores, key=lambda score: score.f1)
