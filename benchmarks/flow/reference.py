"""The reference graph on the virtual clock: how much media passes in a second of CPU, and is it the same twice?

    python benchmarks/flow/reference.py [--json] [--minutes 10] [--repeats 3] [--docs]

One session, as an assistant that watches and listens: 30 pictures and 50 pieces of audio a second arrive with
jitter; `perceive` (a worker of 25 to 60 ms that sees the newest picture) feeds `decide`, which asks for an answer
every 2.5 s; `react` says it in 20 pieces, one each 100 ms; `play` takes them. The user cuts in every 5 s. Every
item, step and emission is written to a trace file. Models cost no CPU here: what is measured is the runtime.
Run it with `src` on PYTHONPATH; results go to benchmarks/flow/results/reference.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from report import machine, page, save

from headrace.core import (
    MS,
    SECOND,
    Block,
    Emission,
    Graph,
    Item,
    Latest,
    Op,
    ProfileClock,
    Threads,
    Trace,
    Turn,
)
from headrace.core.item import emission_id

GOAL = 500
SEED = 7
PERCEIVE = tuple(range(25 * MS, 61 * MS, 5 * MS))
ANSWER_EVERY = 2500 * MS
BARGE_IN_EVERY = 5 * SECOND


@dataclass
class Outcome:
    """One run: CPU seconds, digest of its trace, and what happened in it."""

    cpu: float
    digest: str
    entered: int
    seen: int
    played: int
    interruptions: int


class Perceive(Op):
    """Stands for a model."""

    def step(self, item: Item) -> Iterable[Item]:
        return (item.derive(item.data, "percept"),)


class Decide(Op):
    """Asks for an answer when it is time for the next."""

    def __init__(self) -> None:
        self.next = 0
        self.seen = 0

    def step(self, item: Item) -> Iterable[Item]:
        self.seen += 1
        if item.pts < self.next:
            return ()
        self.next = item.pts + ANSWER_EVERY
        return (item,)


class Hear(Op):
    """Passes on the pieces of audio in which the user cuts in."""

    def step(self, item: Item) -> Iterable[Item]:
        return (item,) if item.data else ()


class Record(Op):
    """Writes down what enters."""

    def __init__(self, clock: ProfileClock, trace: Trace) -> None:
        self.clock, self.trace, self.count = clock, trace, 0

    def step(self, item: Item) -> Iterable[Item]:
        self.count += 1
        self.trace.item(self.clock.now(), item)
        return (item,)


class Play(Op):
    """Writes down what leaves."""

    def __init__(self, clock: ProfileClock, trace: Trace) -> None:
        self.clock, self.trace, self.count = clock, trace, 0

    def step(self, item: Item) -> Iterable[Item]:
        name = emission_id(item.source, "speech", item.pts, item.data)
        now = self.clock.now()
        self.trace.emit(Emission(name, "speech", item.data, item.pts, item.pts, now, item.pts, item.source))
        self.count += 1
        return ()


def stream(kind: str, rate: int, seconds: int, seed: int) -> list[Item]:
    """Items at a rate, 5 to 20 ms after their time; audio holds whether the user cuts in."""
    draw = random.Random(seed)
    each = SECOND // rate
    items = []
    for index in range(rate * seconds):
        pts = index * each
        cuts_in = kind == "audio" and index > 0 and pts % BARGE_IN_EVERY < each
        items.append(Item(pts, kind, cuts_in, pts + draw.randrange(5 * MS, 20 * MS)))
    return items


def run(seconds: int, path: Path) -> Outcome:
    """One run of the graph over so much media, traced to `path`."""
    clock = ProfileClock({"perceive": PERCEIVE}, seed=SEED)
    trace = Trace(path, {"stream": "reference", "clock": "profile", "seed": SEED})
    graph = Graph(clock, trace=trace)
    decide, play = Decide(), Play(clock, trace)
    camera_record, microphone_record = Record(clock, trace), Record(clock, trace)

    async def answer(item: Item, turn: Turn) -> AsyncGenerator[int, None]:  # noqa: ARG001 - it is cut off by cancellation
        for piece in range(20):
            await clock.sleep_until(clock.now() + 100 * MS)
            yield piece

    camera = graph.map(camera_record, graph.source(stream("video", 30, seconds, SEED), "camera"))
    microphone = graph.map(microphone_record, graph.source(stream("audio", 50, seconds, SEED + 1), "microphone"))
    worker = Threads()  # ProfileClock runs it inline and charges the cost
    percepts = graph.map(Perceive(), camera, on=worker, edge=Latest(), name="perceive")
    wanted = graph.map(decide, percepts, edge=Block(8), name="decide")
    heard = graph.map(Hear(), microphone, edge=Block(8), name="hear")
    speech = graph.react(answer, wanted, interrupt=heard, name="react")
    graph.sink(play, speech, edge=Block(8), name="play")
    began = time.process_time()
    graph.run()
    trace.end(clock.now(), drops={channel.name: channel.drops.to_json() for channel in graph.channels})
    trace.close()
    cpu = time.process_time() - began
    worker.close()
    return Outcome(
        cpu,
        hashlib.sha256(path.read_bytes()).hexdigest(),
        camera_record.count + microphone_record.count,
        decide.seen,
        play.count,
        graph.epoch.value,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, not as a table")
    parser.add_argument("--minutes", type=int, default=10, metavar="N", help="of media")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="2 or more, to compare the traces")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    if options.minutes < 1 or options.repeats < 2:
        parser.error("--minutes: 1 or more; --repeats: 2 or more")
    seconds = 60 * options.minutes
    with TemporaryDirectory() as folder:
        outcomes = [run(seconds, Path(folder) / "trace.jsonl") for _ in range(options.repeats)]
    speeds = [seconds / outcome.cpu for outcome in outcomes]
    speed, first = statistics.median(speeds), outcomes[0]
    identical = len({outcome.digest for outcome in outcomes}) == 1
    figures = {
        "machine": machine(),
        "media_seconds": seconds,
        "media_seconds_per_cpu_second": {"median": speed, "low": min(speeds), "high": max(speeds)},
        "items": first.entered,
        "percepts": first.seen,
        "played": first.played,
        "interruptions": first.interruptions,
        "trace_sha256": first.digest,
        "goals": {f"{GOAL} media s per CPU s": speed >= GOAL, "identical traces": identical},
    }
    save("reference", figures)
    text = f"""{machine()}; {options.repeats} repeats

| media | media s per CPU s | items | percepts | pieces played | interruptions | traces |
|---|---|---|---|---|---|---|
| {seconds} s | {speed:.0f} ({min(speeds):.0f}-{max(speeds):.0f}) | {first.entered} | {first.seen} | {first.played} \
| {first.interruptions} | {"identical" if identical else "DIFFERENT"} |

- at least {GOAL} media s per CPU s: {"met" if speed >= GOAL else "missed"}"""
    if options.docs:
        page("reference", text)
    print(json.dumps(figures, indent=1) if options.json else text)
    sys.exit(0 if identical else 1)


if __name__ == "__main__":
    main()
