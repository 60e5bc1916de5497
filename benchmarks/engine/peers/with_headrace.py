"""headrace: an engine in this process, and a pool of one-thread workers in processes of their own."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch

import headrace
from benchmarks.engine.cases import ENTRIES, places, prompts
from benchmarks.state.configs import checkpoint
from benchmarks.state.peers.harness import Repetition, Sample, serve, timed
from headrace.engine.engine import Engine
from headrace.engine.hosted import Hosted
from headrace.engine.lane import Lane
from headrace.engine.opening import Ask, Opening
from headrace.engine.pool import WorkerPool, start
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.spec import Spec

torch.set_num_threads(1)
OPENING = Opening(budget=ENTRIES, share=False)
TICKS = os.sysconf("SC_CLK_TCK")


@cache
def model(rounded: bool) -> Any:
    return headrace.load(str(checkpoint()), optimize=rounded)


def engine(tokens: int, rounded: bool) -> Repetition:
    """Sessions of one engine, driven here."""
    lm = model(rounded)

    def run() -> int:
        served = Engine(Hosted(lm), Lane(scheduler_of("split-fuse")))
        for number, ids in enumerate(prompts()):
            served.open(str(number), OPENING, 0)
            served.push(str(number), ids, 0)
            served.say(str(number), Ask(tokens, ignore_end=True), 0)
        now = said = 0
        while (step := served.plan(now)) is not None:
            began = time.perf_counter_ns()
            served.run(step)
            now += time.perf_counter_ns() - began
            served.finish(step, now, (time.perf_counter_ns() - began) / 1e9)
            said += sum(event.kind == "said" for event in served.events)
            served.events.clear()
        for number in range(len(prompts())):
            served.close(str(number))
        return said

    return partial(timed, run)


@dataclass
class Pooled:
    """A pool and the loop that it lives in."""

    loop: asyncio.AbstractEventLoop
    pool: WorkerPool


@cache
def pooled(workers: int, rounded: bool) -> Pooled:
    loop = asyncio.new_event_loop()
    spec = Spec(str(checkpoint()), optimize=rounded)
    return Pooled(loop, loop.run_until_complete(start(spec, workers, "process")))


def pool(tokens: int, rounded: bool, workers: int) -> Repetition:
    """Sessions of a pool, each with a client of its own in this process; its processes' time is counted."""
    at = pooled(workers, rounded)

    async def one(ids: list[int]) -> int:
        live = await at.pool.open(OPENING)
        await live.push(ids)
        said = [one async for one in live.say(Ask(tokens, ignore_end=True))]
        await live.close()
        return len(said)

    async def every() -> int:
        return sum(await asyncio.gather(*(one(ids) for ids in prompts())))

    def run() -> Sample:
        before, began = cpu(), time.perf_counter()
        said = at.loop.run_until_complete(every())
        return Sample(cpu() - before, time.perf_counter() - began, said)

    return run


def cpu() -> float:
    """CPU seconds of this process and of those that it started."""
    spent = time.process_time()
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / TICKS
    return spent


def greedy(tokens: int, rounded: bool) -> list[list[int]]:
    """What every session says."""
    lm, said = model(rounded), []
    for ids in prompts():
        with lm.session() as session:
            session.push(ids)
            said.append([token.id for token in session.say(max_tokens=tokens)])
    return said


def odds(rounded: bool) -> list[list[float]]:
    """What follows each place, logarithms of probabilities."""
    lm, found = model(rounded), []
    for ids in places():
        with lm.session() as session:
            found.append(lm.read([(session, ids)])[0][-1].log_softmax(-1).tolist())
    return found


if __name__ == "__main__":
    serve(headrace.__version__, {"engine": engine, "pool": pool}, tell={"greedy": greedy, "odds": odds})
