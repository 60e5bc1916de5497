"""OmniPro: standing requests to which a system speaks by itself, and the same in probes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import ClassVar

from headrace.core.item import SECOND, Emission, emission_id
from headrace.evaluation.benchmark import Benchmark, Emitted, Judge, Path, Report, Stream, Task, Value, say
from headrace.evaluation.benchmarks.figures import f1, macro
from headrace.evaluation.benchmarks.files import Entry, Unique, entries_of, grouped, paths_of, read_list
from headrace.evaluation.benchmarks.omnipro_content import COUNTED, FREE, KINDS, TIMED, content_of, right_for, said_of
from headrace.evaluation.benchmarks.omnipro_probe import PROBE, probe_content, probe_figures
from headrace.evaluation.benchmarks.standing import blind_standing, events_of, utter
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.metrics.matching import Choice, Joint, joint, matching
from headrace.evaluation.truth import Event

#: How far from its event an announcement may be.
REACH = 3 * SECOND

_MEANS = ("time F1", "content", "joint F1")


class OmniPro(Benchmark):
    """2,700 samples of nine tasks, each a video with one standing request and the times at which to speak.

    Annotations: `benchmark.json`, a list of {id, task, video_id, video_path, duration (s), question, question_time
    ("MM:SS"), ground_truth: [{trigger_time_sec or trigger_time, response, position, count, state_from, state_to}, …]}.
    A stream is a sample; its tasks are its events, and the first carries the request. Responses: a sample a line
    {id, predictions: [{t_sec, raw}, …]} (online mode) or {id, eval_mode: "gt_probe", predictions: [{gt_idx,
    probe_type, time_sec, raw_response, correct, parsed}, …]} (probe mode). The two modes are scored apart.

    Figures, online: F1 of time, share of right contents among the pairs in time, and F1 of both together, by task
    (counts pooled over samples) and as means over tasks. Contents are compared as the task has it: a place, a count, a
    state; free texts by the judge (right from 0.5 on); without one they have no content and no joint figure.

    - published: emissions and events one to one, the nearest pair first, |dt| <= 3 s: two seconds before an event
      are as good as two seconds after it. Alerts, whose content is not looked at, enter the mean content as 100 %.
    - causal: 0 <= dt <= 3 s, as many pairs as possible; alerts have no content figure; samples without any response
      count as silent (published, they are left out).

    Figures, probe: see `omnipro_probe`. The published runner gives the states that occur in the ground truth to the
    system (for a state monitor), and draws its probe times by a salted hash, so that no two runs probe alike; its
    joining of emissions less than 2 s apart is part of the runner and is not applied to what a live system said.

    `benchmark.json` is on the hub only; the form read here is the one that the published code reads.
    """

    name: ClassVar[str] = "omnipro"
    title: ClassVar[str] = (
        "OmniPro: A Comprehensive Benchmark for Omni-Proactive Streaming Video Understanding (arXiv 2605.18577)"
    )
    licence: ClassVar[str] = "MIT"
    source: ClassVar[str] = "github.com/RuixiangZhao/OmniPro; huggingface.co/datasets/RuixiangZhao/OmniPro"

    def load(self, path: Path) -> list[Stream]:
        ids = Unique()
        return [_stream(entry, ids) for one in paths_of(path, ".json") for entry in read_list(one)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        by_id, seen = {stream.id: stream for stream in streams}, Unique()
        found: dict[str, list[Emission]] = {}
        for entry in chain.from_iterable(read_list(one) for path in paths for one in paths_of(path, ".jsonl")):
            name, probes = entry.text("id"), entry.text("eval_mode", "online") != "online"
            if name not in by_id:
                raise entry.error("'id'", f"{name!r} is no sample of these annotations")
            seen.add(f"{name} ({'probes' if probes else 'online'})", entry.where)
            make = _probe if probes else _spoken
            made = [make(one, index, by_id[name]) for index, one in enumerate(entry.children("predictions"))]
            found.setdefault(name, []).extend(made)
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        published: dict[str, Value] = {}
        causal: dict[str, Value] = {}
        spoken = {name: [one for one in some if one.kind != PROBE] for name, some in emitted.items()}
        probes = {name: [one for one in some if one.kind == PROBE] for name, some in emitted.items()}
        probed = any(probes.values())
        if not probed or any(spoken.values()):
            published |= _online([one for one in streams if one.id in emitted], spoken, judge, symmetric=True)
            causal |= _online(streams, spoken, judge, symmetric=False)
        if probed:
            before, after = probe_figures(streams, probes)
            published |= before
            causal |= after
        notes = [f"an announcement counts within {REACH // SECOND} s of its event, before it too where published"]
        if judge is None:
            notes.append(f"no judge: {' and '.join(FREE)} have no figure of content")
        missing = sum(len(stream.tasks) for stream in streams if not heard(emitted.get(stream.id, ())))
        return Report(published, causal, missing, tuple(notes))

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """Silence and ticking, the published reach's own period included (every event is within 3 s of a tick).

        What is said: for a running count one more each time; else the commonest content of the kind, a prior of the
        whole set. None uses the seed.
        """
        every = grouped((stream.tasks[0].kind, said_of(event)) for stream in streams for event in events_of(stream))
        common = {kind: min(Counter(texts).items(), key=lambda one: (-one[1], one[0]))[0] for kind, texts in every}

        def line(task: Task, k: int) -> str:
            return str(k + 1) if task.kind in COUNTED else common[task.kind]

        return blind_standing(streams, line, events_of, [2 * REACH])


def _stream(entry: Entry, ids: Unique) -> Stream:
    name, kind, question = ids.add(entry.text("id"), entry.where), entry.text("task"), entry.text("question")
    if kind not in KINDS:
        raise entry.error("'task'", f"{kind!r} is none of {', '.join(KINDS)}")
    asked = entry.clock("question_time") if "question_time" in entry else 0
    made = []
    for index, (event, place) in enumerate(sorted(_events(entry), key=lambda one: (one[0].start, one[1]))):
        detail = {"asked": asked, "index": place, "audio": entry.text("audio_dependency", "")}
        made.append(Task(f"{name}#{place}", kind, event, "" if index else question, detail))
    if not made:
        raise entry.error("'ground_truth'", "is empty; leave the sample out")
    end = max(event.start for event in events_of(Stream(name, "", tuple(made))))
    return Stream(name, entry.text("video_path"), tuple(made), max(entry.seconds("duration", end / SECOND), end))


def _events(entry: Entry) -> list[tuple[Event, int]]:
    """Events with their places in the annotations; the list may stand there as JSON in a text."""
    listed = entry.fields.get("ground_truth")
    if isinstance(listed, str):
        try:
            listed = json.loads(listed)
        except ValueError:
            raise entry.error("'ground_truth'", "is a text that holds no JSON; fetch the file again") from None
    found = []
    for place, one in enumerate(entries_of(f"{entry.where}, ground_truth", listed)):
        t = one.seconds("trigger_time_sec") if "trigger_time_sec" in one else one.clock("trigger_time")
        found.append((Event(t, t, content_of(one)), place))
    return found


def _spoken(entry: Entry, index: int, stream: Stream) -> Emission:
    return utter(stream, index, entry.text("raw"), entry.seconds("t_sec"))


def _probe(entry: Entry, index: int, stream: Stream) -> Emission:
    t, place = entry.seconds("time_sec"), entry.whole("gt_idx")
    task = next((one for one in stream.tasks if one.detail["index"] == place), None)
    if task is None:
        raise entry.error("'gt_idx'", f"is {place}, but the sample has {len(stream.tasks)} events")
    made = say(task, stream, "", t)
    return replace(made, id=emission_id(stream.id, PROBE, t, index), kind=PROBE, content=probe_content(entry, task))


def _online(streams: Sequence[Stream], spoken: Emitted, judge: Judge | None, *, symmetric: bool) -> dict[str, Value]:
    made: dict[str, Value] = {}
    for kind, some in grouped((stream.tasks[0].kind, stream) for stream in streams):
        total = Joint()
        for stream in some:
            events = events_of(stream)
            choice: Choice = "greedy" if symmetric else "optimal"
            found = matching(spoken.get(stream.id, ()), events, REACH, symmetric=symmetric, choice=choice)
            total += joint(found, right_for(kind, events, stream.tasks[0].prompt, judge))
        made[f"time F1 {kind}"] = f1(total.time)
        if kind in FREE and judge is None:
            continue
        if symmetric or kind not in TIMED:
            made[f"content {kind}"] = Value(100 * total.content, total.time.tp)
        made[f"joint F1 {kind}"] = f1(total.joint)
    means = {name: macro([one for key, one in made.items() if key.startswith(name)]) for name in _MEANS}
    return means | made
