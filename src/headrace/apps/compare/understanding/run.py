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
from headrace.understanding.keeper import Keeper
from headrace.understanding.memories import Grid
from headrace.understanding.tokens import Tokens

FPS = 2
#: Rows that are kept by default, as a share of the tokens of a stream, and the fewest that every method can do with.
SHARE, LEAST = 0.005, 192
#: Bytes that count as equal: up to so many times those of the window.
EVEN = 1.05

#: Pictures after which a gate holds all that it ever will.
PICTURES = 20

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
    equal rows on the device, and again, where it has a host tier, with equal bytes over all tiers.

    Args:
        names: of recipes, ours and baselines, or the family "understanding". The window and the unbounded memory are
            always run.
        seed: of the streams.
        streams: of each regime.
        minutes: length of a stream, 5 to 1440.
        hours: length of one more stream, of the regime calm, 1 to 24; 0 for none.
        budget: rows that a bounded method keeps; None: 0.5 % of the tokens of a stream.
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
    target = weigh(next(method for method in methods if method.name == REFERENCE).make(even), even.grid)
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
    for setting in SETTINGS:
        results += [replace(row, setting=setting) for row in blind(worlds, seed)]
    known = {word_of(age) for one in results for age in AGES if word_of(age) in one.ages}
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
        methods=results,
        upper=UPPER,
        notes=_notes(rows, target) + _uneven(methods, settings, target),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine(),
        seconds=time.perf_counter() - began,
    )


def _settings(methods: Sequence[Method], even: Setting, target: int) -> Iterator[tuple[str, str, Setting]]:
    """Every method at equal rows, and again at equal total bytes where those would differ."""
    for method in methods:
        yield method.name, "resident", even
        if method.bounded and weigh(method.make(even), even.grid) > EVEN * target:
            yield method.name, "total", replace(even, tokens=_fitting(method, even, target))


def _fitting(method: Method, even: Setting, target: int) -> int:
    """The most rows at which a method takes no more than `target` bytes in all, or the fewest that it can do with."""
    most = 0
    for rows in range(even.tokens, 0, -max(1, even.tokens // 100)):
        try:
            taken = weigh(method.make(replace(even, tokens=rows)), even.grid)
        except ConfigError:
            break
        most = rows
        if taken <= target:
            break
    return most


def _uneven(methods: Sequence[Method], settings: Mapping[str, tuple[str, Setting]], target: int) -> list[str]:
    """A note on each method that takes more than it should where total bytes are equal."""
    notes = []
    for method in methods:
        name, at = settings.get(f"{method.name}/total", ("", Setting()))
        if name and (taken := weigh(method.make(at), at.grid)) > EVEN * target:
            notes.append(f"{method.name} takes {taken:,} bytes in all at its fewest rows, more than the equal ones.")
    return notes


def weigh(keeper: Keeper, grid: Grid) -> int:
    """Bytes at most, over all tiers: what the memory may take, and what the gate holds of pictures of that grid."""
    draw = np.random.default_rng(0)
    gate = keeper.gate.fork()
    for number in range(PICTURES):
        features = draw.standard_normal((grid.rows, grid.columns, grid.size)).astype(np.float32)
        gate.admit(Item(number * SECOND, "tokens", Tokens(features)))
    return gate.nbytes() + keeper.memory.max_bytes()


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
        f"Rows of sound: every method keeps the newest {WORDS}, besides its {rows:,} rows of sight.",
        f"Equal total bytes are {target:,}: those of the window.",
        "Courier: a frame that is encoded whole takes a device 100 ms, a token that enters 2 ms; the rest is skipped.",
    ]


def _silent(what: str, done: int, total: int) -> None:
    pass
