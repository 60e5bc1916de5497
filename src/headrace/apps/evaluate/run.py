"""run: a system over the recordings of a benchmark, one stream after the other, then its score."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from headrace.apps.evaluate.scored import Scored, score
from headrace.apps.evaluate.systems import BLIND
from headrace.apps.evaluate.traces import Traces
from headrace.core.errors import CapacityError, ConfigError, HeadraceError, InputError
from headrace.core.item import MS, SECOND, Emission
from headrace.evaluation.audit import RESAMPLES, expect_judge, expect_tasks
from headrace.evaluation.benchmark import Benchmark, Stream, Task
from headrace.evaluation.judges import Remembered
from headrace.evaluation.online import System, prompts, run_online
from headrace.evaluation.timing import Timing

#: Streams that may fail in a row for the very same reason: it is not theirs then.
IN_A_ROW = 5


class Told(Protocol):
    """Told where a run is."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` seconds of media are through; `what` is the stream under way."""
        ...


@dataclass(slots=True)
class Outcome:
    """What became of the streams.

    Attributes:
        said: of each stream that was run to its end.
        ran, kept: streams run now; streams that an earlier run had done.
        faults: why a stream was not run to its end; its tasks count as missing.
        skipped: frames and chunks of sound that the system was too slow for, in the streams run now.
    """

    said: dict[str, list[Emission]] = field(default_factory=dict)
    ran: int = 0
    kept: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: what is run over what.

    Attributes:
        benchmark: whose tasks are put.
        streams: those that are run.
        videos: folder of the recordings.
        system: what is run.
        timing: on which clock.
        folder: where the traces go.
        every: all streams of the benchmark, among which the name of a recording must be the only one of its kind to
            stand without its path; empty if they are those that are run.
    """

    benchmark: Benchmark
    streams: Sequence[Stream]
    videos: Path
    system: System
    timing: Timing
    folder: Path
    every: Sequence[Stream] = ()

    def traces(self) -> Traces:
        """Its traces; one made with another plan is refused."""
        given = {
            "benchmark": self.benchmark.name,
            "system": self.system.name,
            "settings": dict(self.system.settings),
            "timing": self.timing.to_json() | ({"costs": _hash(self.timing.costs)} if self.timing.costs else {}),
        }
        return Traces(self.folder, given, _digests(self.streams))

    def go(self, told: Told | None = None) -> Outcome:
        """Run every stream that an earlier run has not done.

        Raises:
            InputError: no recording is there, no stream could be run, or `IN_A_ROW` of them failed alike.
            ConfigError: a trace was made with something else.
            CapacityError: the disk is full; the streams done so far are whole.
        """
        traces, outcome = self.traces(), Outcome()
        done = {stream.id for stream in self.streams if traces.whole(stream.id)}
        left = [stream for stream in self.streams if stream.id not in done]
        shared = _shared(self.every or self.streams)
        found = {stream.id: recording(self.videos, stream.media, shared) for stream in left}
        if left and not done and not any(found.values()):
            raise InputError(
                f"{self.videos}: none of {len(left)} recordings is there, such as {left[0].media or left[0].id!r}; "
                "give the folder that the annotations' file names are relative to"
            )
        total, before = sum(map(_seconds, self.streams)), 0
        for stream in self.streams:
            if stream.id in done:
                outcome.kept += 1
                outcome.said[stream.id] = traces.said(stream.id)
            else:
                self._one(stream, found[stream.id], shared, traces, outcome, _Told(told, stream.id, before, total))
                _expect_no_row(list(outcome.faults.values()), stream.id in outcome.faults)
            before += _seconds(stream)
        if outcome.faults and not outcome.said:
            name, why = next(iter(outcome.faults.items()))
            raise InputError(f"no stream could be run; {name}: {why}")
        return outcome

    def _one(
        self, stream: Stream, path: Path | None, shared: Container[str], traces: Traces, outcome: Outcome, told: _Told
    ) -> None:
        """One stream; what goes wrong is its own, but a full disk."""
        from headrace.media.open import open_source

        with traces.writing(stream.id) as trace:
            try:
                if path is None:
                    raise InputError(_absent(stream.media, self.videos, shared))
                told(0)
                source = open_source(path, name=stream.id, every=self.system.every, sound=self.system.sound)
                try:
                    ran = run_online(self.system, stream, source.items(), self.timing, trace, told)
                finally:
                    source.close()
            except CapacityError:
                raise
            except Exception as error:
                outcome.faults[stream.id] = _reason(error)
                trace.end(0, fault=outcome.faults[stream.id])
                return
            trace.end(ran.end, skipped=ran.skipped)
        outcome.ran += 1
        outcome.skipped += ran.skipped
        outcome.said[stream.id] = ran.emissions


def run(
    plan: Plan,
    judge: Remembered | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    told: Told | None = None,
) -> Scored:
    """Run a system, then score it. See `Plan.go` and `score`."""
    expect_tasks(plan.benchmark, plan.streams)
    expect_judge(plan.benchmark, judge)
    outcome = plan.go(told)
    about: dict[str, Any] = {
        "system": plan.system.name,
        "settings": dict(plan.system.settings),
        "timing": plan.timing.to_json(),
        "streams run": outcome.ran,
        "streams kept": outcome.kept,
        "items skipped": outcome.skipped,
        "faults": [f"{name}: {why}" for name, why in outcome.faults.items()],
    }
    steps = plan.traces().steps(outcome.said) if plan.timing.clock != "zero" else []
    if steps:
        about["step ms"] = {
            name: round(float(np.quantile(steps, q)) / MS, 2) for name, q in (("p50", 0.5), ("p99", 0.99))
        }
    notes = [f"{len(outcome.faults)} streams could not be run to their end; their tasks are missing"] * bool(
        outcome.faults
    )
    return score(
        plan.benchmark, plan.streams, outcome.said, plan.system.name, judge,
        resamples=resamples, seed=seed, notes=notes, run=about,
    )  # fmt: skip


def run_blind(
    benchmark: Benchmark,
    streams: Sequence[Stream],
    name: str,
    folder: Path,
    judge: Remembered | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Scored:
    """Write what a blind policy says as traces, and score it; no recording is read.

    Raises:
        ConfigError: the benchmark has no such policy.
    """
    expect_tasks(benchmark, streams)
    expect_judge(benchmark, judge)
    every = benchmark.blind(streams, seed)
    policy = name.removeprefix(BLIND)
    if policy not in every:
        raise ConfigError(f"{benchmark.name} has no blind policy {policy!r}; use one of {', '.join(every)}")
    traces = Traces(folder, {"benchmark": benchmark.name, "system": name, "seed": seed}, _digests(streams))
    for stream in streams:
        if traces.whole(stream.id):
            continue
        with traces.writing(stream.id) as trace:
            said = sorted(every[policy].get(stream.id, ()), key=lambda one: one.t_emit)
            for emission in said:
                trace.emit(emission)
            trace.end(said[-1].t_emit if said else 0)
    about = {"system": name, "seed": seed}
    return score(benchmark, streams, every[policy], name, judge, resamples=resamples, seed=seed, run=about)


def recording(folder: Path, media: str, shared: Container[str] = ()) -> Path | None:
    """The recording of that name below a folder, with its path or without; None if it is not there or not below.

    Args:
        shared: bare names that several recordings have: these are found with their paths only.
    """
    if not media or "\0" in media:
        return None
    bare = Path(media).name
    for name in (media,) if bare in shared else (media, bare):
        path = folder / name
        if path.exists() and path.resolve().is_relative_to(folder.resolve()) and path.resolve() != folder.resolve():
            return path
    return None


class _Told:
    """Turns a stream's media time into that of the run."""

    def __init__(self, told: Told | None, name: str, before: int, total: int) -> None:
        self._told, self._name, self._before, self._total = told, name, before, total

    def __call__(self, pts: int) -> None:
        if self._told is not None:
            self._told(self._name, min(self._before + pts // SECOND, self._total), self._total)


def _expect_no_row(faults: Sequence[str], failed: bool) -> None:
    if failed and len(faults) >= IN_A_ROW and len(set(faults[-IN_A_ROW:])) == 1:
        raise InputError(f"{IN_A_ROW} streams failed alike, the rest is not tried: {faults[-1]}")


def _absent(media: str, folder: Path, shared: Container[str]) -> str:
    told = f"its recording {media or '(no file is named)'} is not in {folder}"
    name = Path(media).name
    return f"{told}; several are named {name}, so it needs its path there" if media and name in shared else told


def _shared(streams: Iterable[Stream]) -> set[str]:
    """Names, without their paths, that several recordings have."""
    counts = Counter(Path(media).name for media in {stream.media for stream in streams})
    return {name for name, count in counts.items() if count > 1}


def _seconds(stream: Stream) -> int:
    """Length of a stream as far as the annotations tell, at least 1 s."""
    last = max((item.arrival for item in prompts(stream)), default=0)
    return max(stream.duration, last, SECOND) // SECOND


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, HeadraceError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:300]


def _hash(value: Any) -> str:
    return blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def _digests(streams: Iterable[Stream]) -> dict[str, str]:
    """Of each stream: what tells its recording and its tasks from others."""

    def told(task: Task) -> str:
        return f"{task.id} {task.kind} {task.prompt} {task.truth}"

    return {stream.id: _hash([stream.media, [told(task) for task in stream.tasks]]) for stream in streams}
