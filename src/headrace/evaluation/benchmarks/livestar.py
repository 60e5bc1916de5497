"""LiveStar: narration in real time (OmniStar, task RNG)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path as File
from pathlib import PurePosixPath
from typing import ClassVar

from headrace.core.errors import InputError
from headrace.core.item import Emission
from headrace.evaluation.benchmark import Benchmark, Emitted, Judge, Path, Report, Stream, Task, Value, say
from headrace.evaluation.benchmarks.figures import average, f1, share
from headrace.evaluation.benchmarks.files import Entry, Unique, grouped, paths_of, read_list, read_text
from headrace.evaluation.benchmarks.standing import blind_standing, events_of, utter
from headrace.evaluation.metrics import pool
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.metrics.matching import judged
from headrace.evaluation.metrics.narration import Narration, narration, narration_published
from headrace.evaluation.truth import Event

_CAPTION = re.compile(r"timestamp:\s*([\d:]+)\s*caption:\s*(.+)", re.IGNORECASE)
_PROMPT = "Narrate what happens, each thing once, as soon as it has happened."


class LiveStar(Benchmark):
    """200 videos with 993 captions, each at the second at which what it says has been seen.

    Annotations: `RNG_task_eval.txt`: a line with the path of a video, then lines "Timestamp: HH:MM:SS Caption: …".
    A stream is a video; its tasks are its captions, in order of time; the first carries the request. No duration is
    published: the last caption's time stands for it. Responses: a video a line {video_id, result: [["MM:SS", text],
    …]}, as the evaluation code reads them; its lines for other videos are skipped there, and here.

    Figures: TimeDiff (s, less is better), Redundancy (less is better) and Coverage (%), means over videos
    (`metrics.narration`).

    - published: a caption is due from the second after the caption before it up to its own, and delays count from the
      beginning of that span, before what it tells has been seen. Speaking exactly at the annotated time therefore has
      the TimeDiff of silence, and speaking every second has 0. Videos without a line in the responses leave the mean.
    - causal: a caption is due from its own time until the next one's; every video counts. F1 counts all that is
      said beyond one right caption each as false; with a judge a caption is right from 0.5 on, without one if it
      came at all.

    The paper's semantic score is taken by a model whose prompt is not published, and is left out.
    """

    name: ClassVar[str] = "livestar"
    title: ClassVar[str] = (
        "LiveStar: Live Streaming Assistant for Real-World Online Video Understanding (arXiv 2511.05299)"
    )
    licence: ClassVar[str] = "none stated"
    source: ClassVar[str] = "github.com/yzy-bupt/LiveStar (data/annotations)"

    def load(self, path: Path) -> list[Stream]:
        ids = Unique()
        return [stream for one in paths_of(path, ".txt") for stream in _streams(one, ids)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        by_id, seen = {stream.id: stream for stream in streams}, Unique()
        found: dict[str, list[Emission]] = {}
        for entry in (entry for path in paths for one in paths_of(path, ".jsonl") for entry in read_list(one)):
            name = entry.text("video_id")
            if name in by_id:
                seen.add(name, entry.where)
                found[name] = [utter(by_id[name], k, text, t) for k, (t, text) in enumerate(_said(entry))]
        if not found and by_id:
            raise InputError("responses: none is to a video of these annotations; give the output for this split")
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        right = None if judge is None else judged(judge, _PROMPT)
        published = [
            narration_published(emitted[stream.id], events_of(stream)) for stream in streams if stream.id in emitted
        ]
        causal = [
            narration(emitted.get(stream.id, ()), events_of(stream), stream.duration, right) for stream in streams
        ]
        figures = _figures(causal)
        figures["F1"] = f1(pool([one.score for one in causal]))
        missing = sum(len(stream.tasks) for stream in streams if not heard(emitted.get(stream.id, ())))
        told = "whenever it comes" if judge is None else f"where {judge.name} agrees"
        silent, perfect = (
            average([narration_published(said.get(one.id, ()), events_of(one)).time_diff for one in streams])
            for said in ({}, perfect_timing(streams))
        )
        notes = (
            f"published TimeDiff of silence: {silent.value:.3f} s; of speaking exactly on time: {perfect.value:.3f} s",
            f"the F1 takes a caption as right {told}",
        )
        return Report(_figures(published), figures, missing, notes)

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """Silence and ticking; none of them uses the seed. What they are to be compared with: `perfect_timing`."""
        return blind_standing(streams, lambda *_: "…", events_of)


def perfect_timing(streams: Sequence[Stream]) -> dict[str, list[Emission]]:
    """What speaks exactly at each annotated time, and says nothing: no policy, for it sees the times.

    The published TimeDiff cannot tell it from silence.
    """
    return {
        stream.id: [say(stream.tasks[0], stream, "…", t) for t in sorted({event.start for event in events_of(stream)})]
        for stream in streams
    }


def _streams(path: File, ids: Unique) -> list[Stream]:
    captions: list[tuple[str, tuple[int, str]]] = []
    video = ""
    media: dict[str, str] = {}
    for number, line in enumerate((raw.strip() for raw in read_text(path).splitlines()), 1):
        where = f"{path.name}, line {number}"
        if line.lower().endswith(".mp4"):
            video = PurePosixPath(line).stem
            media[ids.add(video, where)] = line
        elif line:
            found = _CAPTION.fullmatch(line)
            if found is None or not video:
                raise InputError(f'{where}: is no video and no "Timestamp: HH:MM:SS Caption: …" of one; fetch it again')
            captions.append((video, (Entry(where, {"Timestamp": _padded(found[1])}).clock("Timestamp"), found[2])))
    made = []
    for name, group in grouped(captions):
        timed = sorted(group, key=lambda one: one[0])
        tasks = tuple(
            Task(f"{name}#{index}", "narration", Event(t, t, text), "" if index else _PROMPT)
            for index, (t, text) in enumerate(timed)
        )
        made.append(Stream(name, media[name], tasks, timed[-1][0]))
    return made


def _said(entry: Entry) -> list[tuple[int, str]]:
    said: list[tuple[int, str]] = []
    for index, one in enumerate(entry.items("result")):
        where = f"result[{index}]"
        if not (isinstance(one, list) and len(one) == 2 and all(isinstance(part, str) for part in one)):
            raise entry.error(repr(where), 'is no ["HH:MM:SS", text]; mend it')
        said.append((Entry(f"{entry.where}, {where}", {"time": _padded(one[0])}).clock("time"), one[1]))
    return sorted(said)


def _padded(clock: str) -> str:
    """A bare number of seconds with the minutes it lacks."""
    return clock if ":" in clock else f"0:{clock}"


def _figures(narrations: Sequence[Narration]) -> dict[str, Value]:
    return {
        "TimeDiff": average([one.time_diff for one in narrations], "s"),
        "Redundancy": average([one.redundancy for one in narrations]),
        "Coverage": share([one.coverage for one in narrations]),
    }
