"""sAP: objects found in time (streaming perception, Argoverse-HD)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path as File
from statistics import fmean
from typing import Any, ClassVar

import numpy as np

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND, Emission, emission_id
from headrace.evaluation.benchmark import Benchmark, Emitted, Judge, Path, Report, Stream, Task, Value
from headrace.evaluation.benchmarks.boxes import Found, Truths, average_precisions
from headrace.evaluation.benchmarks.figures import average, share
from headrace.evaluation.benchmarks.files import Entry, Unique, read_json
from headrace.evaluation.metrics.series import latest
from headrace.evaluation.truth import Series

_PICKLES = (".pkl", ".pickle")


class StreamingAp(Benchmark):
    """Boxes in every frame of driving videos; at each frame the newest output that had left by then is judged.

    Annotations: one COCO file with {sequences, seq_dirs, categories, images: [{id, sid, …}], annotations: [{image_id,
    category_id, bbox: [left, top, width, height], iscrowd}]}. A stream is a sequence with one task, whose truth is a
    series: at each frame's time a list of [class, left, top, width, height, crowd]. Responses: for each sequence
    SEQUENCE.json, the published output {timestamps (s), input_fidx, results_parsed: [[boxes, scores, classes, …], …]}
    (boxes: left, top, right, bottom), exported from pickle. Pickles are refused: to open one is to run what is in it.

    Figures: sAP and sAP50 (`boxes`); share of frames judged by an output on that very frame ("in time") and of frames
    before the first output ("none yet"); "mismatch", frames by which the output judged is behind.

    - published: frame i at i / fps takes the latest output with timestamp <= (i - eta) / fps.
    - causal: the same without outputs on a frame that came after they left, which the published code does not look for.

    A frame without an output has no detections: its boxes are missed.

    Args:
        fps: frames a second; the annotations do not tell. 30 is that of Argoverse-HD.
        eta: frames that an output must be early.
    """

    name: ClassVar[str] = "sap"
    title: ClassVar[str] = "Towards Streaming Perception (arXiv 2005.10420)"
    licence: ClassVar[str] = "MIT (code); Argoverse-HD: CC BY-NC-SA 4.0"
    source: ClassVar[str] = "github.com/mtli/sAP"

    def __init__(self, fps: float = 30.0, eta: float = 0.0) -> None:
        if not 0 < fps < 1e4 or not -1 <= eta < 1e4:
            raise ConfigError(f"sap: fps {fps}, eta {eta}: use fps > 0 and eta >= -1")
        self.fps, self.eta = fps, eta

    def load(self, path: Path) -> list[Stream]:
        _refuse_pickle(File(path))
        value = read_json(path)
        if not isinstance(value, dict):
            raise InputError(f"{path}: holds no object; give the annotation file in COCO's form")
        root = Entry(File(path).name, value)
        names, ids = root.texts("sequences"), Unique()
        folders = root.texts("seq_dirs") if "seq_dirs" in root else names
        if len(folders) != len(names):
            raise root.error("'seq_dirs'", f"are {len(folders)}, but 'sequences' {len(names)}")
        boxes: dict[int, list[list[float]]] = {image.whole("id"): [] for image in root.children("images")}
        for one in root.children("annotations"):
            image = one.whole("image_id")
            if image not in boxes:
                raise one.error("'image_id'", f"{image} is no image of this file")
            boxes[image].append([one.whole("category_id"), *_box(one), one.whole("iscrowd", 0)])
        frames: dict[int, list[int]] = {}
        for image_entry in root.children("images"):
            frames.setdefault(image_entry.whole("sid"), []).append(image_entry.whole("id"))
        made = []
        for sid, images in frames.items():
            if not 0 <= sid < len(names):
                raise root.error("'images'", f"name sequence {sid}, but there are {len(names)}")
            times = tuple(self._at(index) for index in range(len(images)))
            truth = Series(times, tuple(boxes[image] for image in images))
            task = Task(f"{names[sid]}#boxes", "detection", truth, "Report the boxes of all objects, frame by frame.")
            made.append(Stream(ids.add(names[sid], root.where), folders[sid], (task,), self._at(len(images))))
        return made

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {}
        for stream in streams:
            for path in paths:
                root = File(path)
                file = root / f"{stream.id}.json" if root.is_dir() else root
                if root.is_dir() and any((root / f"{stream.id}{ending}").is_file() for ending in _PICKLES):
                    _refuse_pickle(root / f"{stream.id}{_PICKLES[0]}")
                _refuse_pickle(file)
                if file.is_file() and file.stem == stream.id:
                    found[stream.id] = self._outputs(file, stream)
        if not found and streams:
            raise InputError(f"{paths[0]}: holds no SEQUENCE.json of these annotations; give the folder of outputs")
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        possible = {name: [one for one in some if one.t_input <= one.t_emit] for name, some in emitted.items()}
        early = sum(map(len, emitted.values())) - sum(map(len, possible.values()))
        notes = [f"{self.fps:g} frames a second, eta {self.eta:g}"]
        if early:
            notes.append(
                f"{early} outputs rest on frames that came after they left; they are left out of the causal figures"
            )
        missing = sum(not emitted.get(stream.id) for stream in streams)
        return Report(self._figures(streams, emitted), self._figures(streams, possible), missing, tuple(notes))

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """Silence, and at every frame the mean box of the commonest class (a prior of the whole set)."""
        every = [box for stream in streams for frame in _series(stream).values for box in frame]
        policies: dict[str, dict[str, list[Emission]]] = {"silence": {stream.id: [] for stream in streams}}
        if every:
            kind = min(Counter(box[0] for box in every).items(), key=lambda one: (-one[1], one[0]))[0]
            mean = np.mean([box[1:5] for box in every if box[0] == kind], axis=0).tolist()
            policies["mean box of the commonest class (prior of the whole set)"] = {
                one.id: [_emission(one, k, [[kind, *mean, 1.0]], t, t) for k, t in enumerate(_series(one).times)]
                for one in streams
            }
        return policies

    def _at(self, frame: float) -> int:
        return round(frame * SECOND / self.fps)

    def _outputs(self, path: File, stream: Stream) -> list[Emission]:
        value = read_json(path)
        entry = Entry(path.name, value if isinstance(value, dict) else {})
        times, inputs, results = (entry.items(name) for name in ("timestamps", "input_fidx", "results_parsed"))
        if not len(times) == len(inputs) == len(results):
            counts = f"{len(times)}, {len(inputs)} and {len(results)}"
            raise entry.error("'timestamps', 'input_fidx' and 'results_parsed'", f"are {counts}; mend it")
        made = []
        for index, (time, frame, result) in enumerate(zip(times, inputs, results, strict=True)):
            one = Entry(f"{entry.where}, output {index}", {"time": time, "frame": frame, "result": result})
            t, seen = one.seconds("time"), self._at(one.whole("frame"))
            made.append(_emission(stream, index, _detections(one), t, seen))
        return made

    def _figures(self, streams: Sequence[Stream], emitted: Emitted) -> dict[str, Value]:
        pairs: list[tuple[Truths, Found]] = []
        behind: list[float | None] = []
        for stream in streams:
            truth = _series(stream)
            times = [round((index - self.eta) * SECOND / self.fps) for index in range(len(truth.times))]
            for index, one in enumerate(latest(emitted.get(stream.id, ()), times)):
                pairs.append((_truths(truth.values[index]), _found(one)))
                behind.append(None if one is None else (truth.times[index] - one.t_input) * self.fps / SECOND)
        precisions = average_precisions(pairs)
        given = [round(one) for one in behind if one is not None]
        return {
            "sAP": Value(100 * fmean(precisions), len(pairs)),
            "sAP50": Value(100 * precisions[0], len(pairs)),
            "in time": share([one is not None and round(one) == 0 for one in behind]),
            "none yet": share([one is None for one in behind]),
            "mismatch": average(given, "frames") if given else Value(float("nan"), 0, "frames"),
        }


def _refuse_pickle(path: File) -> None:
    if path.suffix.lower() in _PICKLES:
        raise InputError(f"{path}: is a pickle, which may run code when it is opened; give it exported to JSON")


def _box(entry: Entry) -> list[float]:
    sides = entry.items("bbox")
    if len(sides) != 4:
        raise entry.error("'bbox'", f"has {len(sides)} numbers, not left, top, width and height")
    return [Entry(f"{entry.where}, bbox", {"side": side}).number("side") for side in sides]


def _detections(entry: Entry) -> list[list[float]]:
    """[class, left, top, width, height, score] of each detection of one output."""
    result = entry.items("result")
    if len(result) < 3 or not all(isinstance(part, list) for part in result[:3]):
        raise entry.error("'result'", "is no list of boxes, scores and classes; export it again")
    boxes, scores, kinds = result[:3]
    if not len(boxes) == len(scores) == len(kinds):
        raise entry.error("'result'", f"has {len(boxes)} boxes, {len(scores)} scores and {len(kinds)} classes")
    made = []
    for box, score, kind in zip(boxes, scores, kinds, strict=True):
        one = Entry(entry.where, {"bbox": box, "score": score, "class": kind})
        left, top, right, bottom = _box(one)
        made.append([one.whole("class"), left, top, right - left, bottom - top, one.number("score")])
    return made


def _emission(stream: Stream, ordinal: int, boxes: list[list[float]], t: int, seen: int) -> Emission:
    name = emission_id(stream.id, "boxes", t, ordinal)
    return Emission(name, "boxes", {"boxes": boxes}, seen, seen, t, seen, stream.id, cause=stream.tasks[0].id)


def _series(stream: Stream) -> Series:
    truth = stream.tasks[0].truth
    assert isinstance(truth, Series)
    return truth


def _truths(boxes: Any) -> Truths:
    table = np.asarray(boxes, np.float64).reshape(-1, 6)
    return Truths(table[:, 1:5], table[:, 0].astype(np.int64), table[:, 5] != 0)


def _found(one: Emission | None) -> Found:
    content = one.content if one is not None and isinstance(one.content, dict) else {}
    table = np.asarray(content.get("boxes", []), np.float64).reshape(-1, 6)
    return Found(table[:, 1:5], table[:, 0].astype(np.int64), table[:, 5])
