"""What looks at pictures and remembers what it read, as subjects of the laws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np

from headrace.core.item import SECOND, Item
from headrace.understanding.blockadmission import BlockAdmission
from headrace.understanding.boundary import BoundaryDetector
from headrace.understanding.dip import DropRatioDip
from headrace.understanding.gates.lumadrop import LumaDrop
from headrace.understanding.gates.lumasettle import LumaSettle
from headrace.understanding.hold import Hold
from headrace.understanding.linecache import LineCache
from headrace.understanding.observation import Observation
from headrace.understanding.observations import SMALLEST, ObservationMemory
from headrace.understanding.perceive import Moment, Perceive
from headrace.understanding.planner import ReadingPlan
from headrace.understanding.reader import ReadLine
from headrace.understanding.reading import Reading, Sighting
from headrace.understanding.scene import Scene
from headrace.understanding.standing import StandingQuestions
from headrace.understanding.tiles import TileTurnover
from headrace.understanding.tracks import LineTracks
from tests.laws.fed import NO_REFERENCE, ONE_AT_A_TIME, TIMES_OF_ITEMS, Fed
from tests.understanding.pictures import DigestReader, items, noisy, page, varied

#: Pictures that the laws look at: 2C + 67, and those by which the streams of other seeds begin later.
PICTURES = 106
NO_FORK = "is part of a reader: it is saved with it, and never forked"


@cache
def frames() -> list[Item]:
    return items(varied(PICTURES))


@cache
def judged() -> list[Item]:
    """The moments of the frames, by a gate of their own."""
    perceive = Perceive(LumaSettle())
    return [moment for frame in frames() for moment in perceive.step(frame)]


@cache
def dropped() -> list[BlockAdmission]:
    gate = LumaDrop()
    return [gate.admit(frame) for frame in frames()]


def told(admission: BlockAdmission) -> Any:
    fields = (admission.admitted, admission.unstable, admission.jumped, admission.version, admission.texture)
    return [field.copy() for field in fields], admission.tick, admission.origin, admission.corner, admission.score


def spoken(trigger: DropRatioDip, i: int) -> Any:
    return [(one.since, one.evidence) for one in trigger.decide(i, dropped()[i])]


def moment(made: Any) -> Any:
    (one,) = made
    data: Moment = one.data
    return told(data.admission), data.segment, data.boundary


def held(made: Iterable[Item]) -> Any:
    return [(one.pts, one.data.y.copy()) for one in made]


def sightings(made: Iterable[Item]) -> Any:
    return [(one.pts, asdict(one.data)) for one in made if isinstance(one.data, Sighting)]


def tracked(tracks: LineTracks, i: int) -> Any:
    """Lines that count, flicker in and out of readability and change their place."""
    moment = judged()[i].data
    at, admission = judged()[i].pts, moment.admission
    gone = [asdict(row) for row in (*tracks.look(at, admission), *tracks.ripe(at))]
    lines = [ReadLine(f"Counter {i // 4} of {row}", 0.9, (20, 30 + 60 * row, 220, 60 + 60 * row)) for row in range(2)]
    read = [tracks.read(at, admission, "camera", line) for line in lines[: 1 + i % 2]]
    moved = [asdict(row) for row in tracks.enter(at, f"event {i // 9}")] if i % 9 == 0 else []
    return gone, [one and (asdict(one[0]), one[1]) for one in read], moved


def remembered(memory: ObservationMemory, i: int) -> Any:
    text = f"Line {i} about {'abcdefghij'[i % 10] * 40}" + "x" * 400
    memory.write(Observation(f"row-{i}", "text", "camera", text, i * SECOND, i * SECOND + 5, box=(1, 2, 3, 4)))
    memory.write(Observation(f"event-{i}", "event", "camera", "", i * SECOND, i * SECOND, thumbnail=f"{i}.jpg"))
    return [asdict(row) for row in memory.rows()]


def waited(questions: StandingQuestions, i: int) -> Any:
    row = Observation(f"row-{i}", "text", "camera", f"Gate {i % 7} is open", i * SECOND, (i + 1) * SECOND)
    return [alert.to_json() for alert in questions.decide(i * SECOND, [row])]


def crop(i: int) -> Any:
    """A line of a page, under noise; every fourth is one that was there before."""
    number = i - 3 if i % 4 == 3 else i
    return noisy(page((f"Level {number * 7919 % 100:02d}", (10, 30)), size=(180, 40)), 2.0, i)


def cached(cache: LineCache, i: int) -> Any:
    """What is found, and the order in which the lines will be forgotten."""
    found = cache.get(crop(i))
    if found is None:
        cache.put(crop(i), f"Level {i}", 1.0 - i / 1000)
    return found, [line[0] for line in cache.snapshot().meta["lines"]]


def aligned(part: Scene, i: int) -> Any:
    fields = asdict(part.align(frames()[i].data.y))
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in fields.items()}


CACHES = {
    "line cache": lambda: LineCache(lines=12),
    "line cache, few bytes": lambda: LineCache(budget=30_000),
}
NEVER_FORKED = {1: ONE_AT_A_TIME, 2: NO_FORK, 5: TIMES_OF_ITEMS, 6: NO_REFERENCE, 8: NO_FORK}

SEEN = [
    Fed("settle", LumaSettle, lambda part, i: told(part.admit(frames()[i]))),
    Fed("settle, longer window", lambda: LumaSettle(window=5), lambda part, i: told(part.admit(frames()[i]))),
    Fed("differential drop", LumaDrop, lambda part, i: told(part.admit(frames()[i]))),
    Fed(
        "drop ratio dip",
        lambda: DropRatioDip(recent=12),
        lambda part, i: [one.since for one in part.decide(i, dropped()[i])],
    ),
    Fed("hold", lambda: Hold(SECOND // 24), lambda part, i: held(part.step(frames()[i]))),
    Fed("scene", Scene, aligned),
    Fed("boundaries", BoundaryDetector, lambda part, i: part.see(frames()[i].pts, frames()[i].data)),
    Fed("tiles", TileTurnover, lambda part, i: (part.see(frames()[i].data.y), part.shifted()), capacity=5),
    Fed("perceive", lambda: Perceive(LumaSettle()), lambda part, i: moment(part.step(frames()[i]))),
    Fed("plan", ReadingPlan, lambda part, i: part.plan(judged()[i].data.admission)),
    Fed("tracks", LineTracks, tracked),
    Fed("reading", lambda: Reading(DigestReader()), lambda part, i: sightings(part.step(judged()[i]))),
    Fed("memory", lambda: ObservationMemory(SMALLEST), remembered),
    Fed("standing questions", lambda: StandingQuestions(["gate 3 is open", "gate 9 is open"]), waited),
    *(Fed(name, make, cached, exempt=NEVER_FORKED) for name, make in CACHES.items()),
]
