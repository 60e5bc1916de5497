"""run: gates and memories compared on held-out streams of millrace, a process for each core."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from headrace.apps.compare.machine import machine
from headrace.apps.compare.understanding.blind import blind
from headrace.apps.compare.understanding.kept import Kept
from headrace.apps.compare.understanding.methods import FAMILY, REFERENCE, UPPER, Method, find
from headrace.apps.compare.understanding.pooled import pooled, word_of
from headrace.apps.compare.understanding.result import SETTINGS, Understanding
from headrace.apps.compare.understanding.stream import run_stream
from headrace.apps.wording import counted
from headrace.core.errors import CapacityError, ConfigError
from headrace.core.item import SECOND, Item
from headrace.evaluation.millrace import AGES, REGIMES, TRACKS, UNSEEN, World
from headrace.recipes.tokens import COLUMNS, ROWS, WORDS, Setting
from headrace.understanding.gates.everything import AdmitAll
from headrace.understanding.keeper import Keeper
from headrace.understanding.memories import Grid, Senses
from headrace.understanding.tokens import Tokens

FPS = 2
#: Rows that are kept by default, as a share of the tokens of a stream, and the fewest that every method can do with.
SHARE, LEAST = 0.005, 192
#: Bytes that count as equal: up to so many times those of the window.
EVEN = 1.03

#: Pictures after which gates and memories hold all that they ever will, up to that multiple of the budget's rows.
PICTURES, MORE = 200, 4

#: Told what is being done, and how many frames of how many are done.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Job:
    """One stream, and what is run on it.

    Attributes:
        seed, regime, seconds: of the stream.
        names: methods.
        settings: of each method, by the name under which its result is kept.
    """

    seed: int
    regime: str
    seconds: float
    settings: Mapping[str, tuple[str, Setting]]


def compare_understanding(
    names: Sequence[str] = (FAMILY,),
    *,
    seed: int = 0,
    streams: int = 2,
    minutes: float = 15.0,
    hours: float = 3.0,
    budget: int | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Understanding:
    """Run gates and memories on the same streams and ask an oracle what each of them kept.

    Every stream is encoded once, for all methods. All its seeds are held out from development. Each method is run with
    equal bytes on the device, the gate's included, and again, where it has a host tier, with equal bytes in all.

    Args:
        names: of recipes, ours and baselines, or the family "understanding". The window and the unbounded memory are
            always run.
        seed: of the streams.
        streams: of each regime.
        minutes: length of a stream, 5 to 1440.
        hours: length of one more stream, of the regime calm, 1 to 24; 0 for none.
        budget: rows that the window keeps, whose bytes all bounded methods get; None: 0.5 % of a stream's tokens.
        workers: processes; None: one for each core, 4 at most.
        progress: told of progress.

    Raises:
        ConfigError: a name or a number cannot be used.
        CapacityError: a process was ended from outside.
    """
    began = time.perf_counter()
    methods = find(names)
    if streams < 1 or not 5 <= minutes <= 1440 or not (hours == 0 or 1 <= hours <= 24):
        raise ConfigError(
            f"streams={streams}, minutes={minutes:g}, hours={hours:g}: use 1 stream or more, 5 minutes to a day, and "
            "1 to 24 hours (0 for no long stream)"
        )
    tokens = int(minutes * 60 * FPS) * ROWS * COLUMNS
    rows = max(LEAST, round(SHARE * tokens)) if budget is None else budget
    if rows < LEAST:
        raise ConfigError(f"budget={rows}: use {LEAST} rows or more, the fewest that every method can do with")
    even = Setting(rows, seed)
    target = weigh(next(method for method in methods if method.name == REFERENCE).make(even), even.grid)[0]
    settings = {f"{name}/{setting}": (name, at) for name, setting, at in _settings(methods, even, target)}
    regimes = [*REGIMES, UNSEEN]
    short = [
        Job(2 * (seed * streams + number) + 1, regime, minutes * 60, settings)
        for regime in regimes
        for number in range(streams)
    ]
    count = workers or min(4, os.cpu_count() or 1)
    long: list[Job] = []
    if hours:
        ages = [(key, at) for key, at in settings.items() if key.endswith("/resident")]
        long = [Job(2 * seed + 1, "calm", hours * 3600, dict(ages[part::count])) for part in range(count)]
    found = dict(_run([job for job in (*long, *short) if job.settings], count, progress or _silent))
    results = []
    for method in methods:
        for setting in SETTINGS:
            key = f"{method.name}/{setting}"
            own = key if key in settings else f"{method.name}/resident"
            runs = [(job.regime, found[job][own]) for job in short]
            held = [found[job][own] for job in long if own in job.settings]
            result = pooled(method, setting, runs, held, seed)
            results.append(replace(result, same="" if key in settings else "resident"))
    worlds = [World(job.seed, job.regime, job.seconds, FPS) for job in short]
    far = [World(job.seed, job.regime, job.seconds, FPS) for job in long[:1]]
    for setting in SETTINGS:
        results += [replace(row, setting=setting) for row in blind(worlds, far, seed)]
    known = {word_of(age) for one in results for age in AGES if word_of(age) in one.ages}
    late = {word_of(age) for one in results for age in AGES if word_of(age) in one.long_ages}
    return Understanding(
        seed=seed,
        streams=streams,
        minutes=minutes,
        long_minutes=60 * hours,
        fps=FPS,
        tokens=tokens,
        budget=rows,
        total_bytes=target,
        regimes=regimes,
        unseen=UNSEEN,
        tracks=list(TRACKS),
        ages=[word_of(age) for age in AGES if word_of(age) in known],
        long_ages=[word_of(age) for age in AGES if word_of(age) in late],
        questions={track: sum(one.track == track for world in worlds for one in world.questions) for track in TRACKS},
        methods=results,
        upper=UPPER,
        notes=_notes(rows, target) + _uneven(methods, settings, target),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine(),
        seconds=time.perf_counter() - began,
    )


def _settings(methods: Sequence[Method], even: Setting, target: int) -> Iterator[tuple[str, str, Setting]]:
    """Every method at equal bytes on the device, and again at equal bytes in all where those are others."""
    for method in methods:
        at = _fitting(method, even, target, 0) if method.bounded else even
        yield method.name, "resident", at
        if method.bounded and not target / EVEN <= weigh(method.make(at), even.grid)[1] <= EVEN * target:
            yield method.name, "total", _fitting(method, even, target, 1)


def _fitting(method: Method, even: Setting, target: int, which: int) -> Setting:
    """The most rows at which a method takes no more than `target` bytes, or the fewest that it can do with.

    Args:
        which: 0: on the device; 1: over all tiers.
    """
    low, high, fewest = 1, MORE * even.tokens, 0
    while low <= high:
        middle = (low + high) // 2
        at = replace(even, tokens=middle)
        try:
            taken = weigh(method.make(at), even.grid)[which]
        except ConfigError:
            low = middle + 1
            continue
        fewest = middle if not fewest or taken <= target else min(fewest, middle)
        low, high = (middle + 1, high) if taken <= target else (low, middle - 1)
    return replace(even, tokens=fewest)


def _uneven(methods: Sequence[Method], settings: Mapping[str, tuple[str, Setting]], target: int) -> list[str]:
    """A note on each method that takes more than it should where bytes are equal."""
    notes = []
    for method in methods:
        for which, setting in enumerate(SETTINGS):
            name, at = settings.get(f"{method.name}/{setting}", ("", Setting()))
            if name and method.bounded and (taken := weigh(method.make(at), at.grid)[which]) > EVEN * target:
                notes.append(f"{method.name} takes {taken:,} {setting} bytes at its fewest rows: more than others.")
    return notes


def weigh(keeper: Keeper, grid: Grid) -> tuple[int, int]:
    """Bytes on the device and over all tiers, at most, of what is seen: of the gate and of its memory."""
    draw = np.random.default_rng(0)
    gate, memory, every = keeper.gate.fork(), keeper.memory, AdmitAll()
    sight = (memory.sight if isinstance(memory, Senses) else memory).fork()
    for number in range(PICTURES):
        features = draw.standard_normal((grid.rows, grid.columns, grid.size)).astype(np.float32)
        item = Item(number * SECOND, "tokens", Tokens(features))
        gate.admit(item)
        sight.write(every.admit(item))
    fetched = sum(count for name, count in sight.tiers().items() if name != "device")
    total = gate.nbytes() + sight.max_bytes()
    return total - fetched, total


def _run(jobs: Sequence[Job], workers: int, say: Progress) -> Iterator[tuple[Job, dict[str, Kept]]]:
    """Run the jobs in this order, give them as they end, and tell of frames done; no process outlives an error.

    Raises:
        CapacityError: a process was ended from outside.
    """
    others = set(multiprocessing.active_children())
    frames = {job: int(job.seconds * FPS) for job in jobs}
    done, total = 0, sum(frames.values())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_one_thread)
    try:
        waiting = {pool.submit(_work, job): job for job in jobs}
        while waiting:
            say(f"watching millrace, {counted(len(waiting), 'stream')} left", done, total)
            ended, _ = wait(waiting, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in ended:
                job = waiting.pop(future)
                done += frames[job]
                yield job, future.result()
        pool.shutdown(wait=False)
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        if isinstance(error, BrokenExecutor):
            raise CapacityError(
                "a process that watched a stream was ended from outside, as happens where memory is short; compare "
                "fewer methods at a time, or leave out the long stream (0 hours)"
            ) from error
        raise


def _one_thread() -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"


def _work(job: Job) -> dict[str, Kept]:
    """One stream, in a process of its own."""
    methods = {method.name: method for method in find(sorted({name for name, _ in job.settings.values()}))}
    keepers = {key: methods[name].make(setting) for key, (name, setting) in job.settings.items()}
    grows = [key for key, (name, _) in job.settings.items() if not methods[name].bounded]
    return run_stream(World(job.seed, job.regime, job.seconds, FPS), keepers, grows=grows)


def _notes(rows: int, target: int) -> list[str]:
    return [
        "The encoder has no learned weights: what is compared is what gates and memories keep, not how it is read.",
        "The oracle knows what everybody looks like and nothing of the stream; it reads the rows that a memory gives.",
        "A question that cannot be answered is right if it is refused.",
        f"Rows of sound: every method keeps the newest {WORDS}, besides what it keeps of sight; they count for none.",
        f"Equal bytes are {target:,}, the gate's state included: those of the window at {rows:,} rows of sight.",
        "Courier: a frame that is encoded whole takes a device 100 ms, a token that enters 2 ms; the rest is skipped.",
    ]


def _silent(what: str, done: int, total: int) -> None:
    pass
