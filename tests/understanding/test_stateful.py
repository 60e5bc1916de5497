"""The laws of everything that remembers. A new part is one more line in `PARTS`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.core.errors import StateError
from headrace.core.item import SECOND, Item
from headrace.core.stateful import Snapshot, Stateful, load, save
from headrace.understanding.boundary import BoundaryDetector
from headrace.understanding.drop import DifferentialDrop
from headrace.understanding.gate import Admission
from headrace.understanding.hold import Hold
from headrace.understanding.linecache import LineCache
from headrace.understanding.memory import SMALLEST, ObservationMemory
from headrace.understanding.observation import Observation
from headrace.understanding.perceive import Moment, Perceive
from headrace.understanding.planner import ReadingPlan
from headrace.understanding.reader import ReadLine, TextReader
from headrace.understanding.reading import Reading, Sighting
from headrace.understanding.scene import Scene
from headrace.understanding.settle import SettleGate
from headrace.understanding.standing import StandingQuestions
from headrace.understanding.tiles import TileTurnover
from headrace.understanding.tracks import LineTracks
from tests.understanding.pictures import SIZE, DigestReader, items, noisy, page, varied

STEPS, MORE = 45, 20


@dataclass(frozen=True)
class Part:
    """How one part is made and fed; `feed(part, i)` is step i and returns what comes of it."""

    make: Callable[[], Any]
    feed: Callable[[Any, int], Any]


@cache
def frames() -> list[Item]:
    return items(varied(STEPS + 2 * MORE))


@cache
def judged() -> list[Item]:
    """The moments of the frames, by a gate of their own."""
    perceive = Perceive(SettleGate())
    return [moment for frame in frames() for moment in perceive.step(frame)]


def told(admission: Admission) -> Any:
    fields = (admission.admitted, admission.unstable, admission.jumped, admission.version, admission.texture)
    return [digest(field) for field in fields], admission.tick, admission.origin, admission.corner, admission.score


def moment(made: Any) -> Any:
    (one,) = made
    data: Moment = one.data
    return told(data.admission), data.segment, data.boundary


def held(made: Iterable[Item]) -> Any:
    return [(one.pts, digest(one.data.y)) for one in made]


def sightings(made: Iterator[Item]) -> Any:
    return [(one.pts, asdict(one.data)) for one in made if isinstance(one.data, Sighting)]


def tracked(tracks: Any, i: int) -> Any:
    """Lines that count, flicker in and out of readability and change their place."""
    moment = judged()[i].data
    at, admission = judged()[i].pts, moment.admission
    gone = [asdict(row) for row in (*tracks.look(at, admission), *tracks.ripe(at))]
    lines = [ReadLine(f"Counter {i // 4} of {row}", 0.9, (20, 30 + 60 * row, 220, 60 + 60 * row)) for row in range(2)]
    read = [tracks.read(at, admission, "camera", line) for line in lines[: 1 + i % 2]]
    moved = [asdict(row) for row in tracks.enter(at, f"event {i // 9}")] if i % 9 == 0 else []
    return gone, [one and (asdict(one[0]), one[1]) for one in read], moved


def remembered(memory: Any, i: int) -> Any:
    text = f"Line {i} about {'abcdefghij'[i % 10] * 40}" + "x" * 400
    memory.write(Observation(f"row-{i}", "text", "camera", text, i * SECOND, i * SECOND + 5, box=(1, 2, 3, 4)))
    memory.write(Observation(f"event-{i}", "event", "camera", "", i * SECOND, i * SECOND, thumbnail=f"{i}.jpg"))
    return [asdict(row) for row in memory.rows()]


def waited(questions: Any, i: int) -> Any:
    row = Observation(f"row-{i}", "text", "camera", f"Gate {i % 7} is open", i * SECOND, (i + 1) * SECOND)
    return [alert.to_json() for alert in questions.decide(i * SECOND, [row])]


def crop(i: int) -> Any:
    """A line of a page, under noise; every fourth is one that was there before."""
    number = i - 3 if i % 4 == 3 else i
    return noisy(page((f"Level {number * 7919 % 100:02d}", (10, 30)), size=(180, 40)), 2.0, i)


def cached(cache: Any, i: int) -> Any:
    """What is found, and the order in which the lines will be forgotten."""
    found = cache.get(crop(i))
    if found is None:
        cache.put(crop(i), f"Level {i}", 1.0 - i / 1000)
    return found, [line[0] for line in cache.snapshot().meta["lines"]]


PARTS = {
    "settle": Part(SettleGate, lambda part, i: told(part.admit(frames()[i]))),
    "settle, longer window": Part(lambda: SettleGate(window=5), lambda part, i: told(part.admit(frames()[i]))),
    "differential drop": Part(DifferentialDrop, lambda part, i: told(part.admit(frames()[i]))),
    "hold": Part(lambda: Hold(SECOND // 24), lambda part, i: held(part.step(frames()[i]))),
    "scene": Part(Scene, lambda part, i: plain(asdict(part.align(frames()[i].data.y)))),
    "boundaries": Part(BoundaryDetector, lambda part, i: part.see(frames()[i].pts, frames()[i].data)),
    "tiles": Part(TileTurnover, lambda part, i: (part.see(frames()[i].data.y), part.shifted())),
    "perceive": Part(lambda: Perceive(SettleGate()), lambda part, i: moment(part.step(frames()[i]))),
    "plan": Part(ReadingPlan, lambda part, i: part.plan(judged()[i].data.admission)),
    "tracks": Part(LineTracks, tracked),
    "reading": Part(lambda: Reading(DigestReader()), lambda part, i: sightings(part.step(judged()[i]))),
    "memory": Part(lambda: ObservationMemory(SMALLEST), remembered),
    "standing questions": Part(lambda: StandingQuestions(["gate 3 is open", "gate 9 is open"]), waited),
}

#: Parts of a part: they are saved with it, and never forked.
KEPT = {
    "line cache": Part(lambda: LineCache(lines=12), cached),
    "line cache, few bytes": Part(lambda: LineCache(budget=30_000), cached),
}


def digest(array: Any) -> tuple[str, tuple[int, ...], bytes]:
    return str(array.dtype), array.shape, np.ascontiguousarray(array).tobytes()


def plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: digest(value) if isinstance(value, np.ndarray) else value for name, value in fields.items()}


def canonical(snapshot: Snapshot) -> Any:
    """Everything in a snapshot, byte for byte."""
    return snapshot.kind, json.dumps(snapshot.meta, sort_keys=True), plain(dict(sorted(snapshot.arrays.items())))


def fed(part: Part, steps: int, *, start: int = 0, on: Any = None) -> Any:
    made = part.make() if on is None else on
    for i in range(start, start + steps):
        part.feed(made, i)
    return made


@pytest.fixture(params=PARTS, ids=str)
def part(request: pytest.FixtureRequest) -> Part:
    return PARTS[request.param]


@pytest.mark.parametrize("steps", [0, 1, 4, 22, STEPS])
def test_a_restored_part_is_the_same_and_goes_on_the_same(part: Part, steps: int, tmp_path: Path) -> None:
    original = fed(part, steps)
    snapshot = original.snapshot()
    save(tmp_path / "state", snapshot)
    restored = part.make()
    restored.restore(load(tmp_path / "state"))
    assert canonical(restored.snapshot()) == canonical(snapshot)
    for i in range(steps, steps + MORE):
        assert part.feed(restored, i) == part.feed(original, i), f"step {i}"
    assert canonical(restored.snapshot()) == canonical(original.snapshot())


def test_a_part_that_was_used_can_be_restored(part: Part) -> None:
    snapshot = fed(part, STEPS).snapshot()
    other = fed(part, 13)
    other.restore(snapshot)
    assert canonical(other.snapshot()) == canonical(snapshot)


def test_a_snapshot_does_not_change_afterwards(part: Part) -> None:
    original = fed(part, STEPS)
    snapshot = original.snapshot()
    before = canonical(snapshot)
    fed(part, MORE, start=STEPS, on=original)
    assert canonical(snapshot) == before
    restored = part.make()
    restored.restore(snapshot)
    fed(part, MORE, start=STEPS, on=restored)
    assert canonical(snapshot) == before


def test_forks_share_nothing(part: Part) -> None:
    original = fed(part, STEPS)
    fork = original.fork()
    before = canonical(original.snapshot())
    assert canonical(fork.snapshot()) == before
    fed(part, MORE, start=STEPS + MORE, on=fork)
    assert canonical(original.snapshot()) == before
    expected = canonical(fork.snapshot())
    fed(part, MORE, start=STEPS, on=original)
    assert canonical(fork.snapshot()) == expected
    assert canonical(original.snapshot()) == canonical(fed(part, STEPS + MORE).snapshot())


def test_a_part_knows_its_size(part: Part) -> None:
    made = part.make()
    assert isinstance(made, Stateful)
    most = made.max_bytes()
    for i in range(STEPS + MORE):
        part.feed(made, i)
        assert 0 <= made.nbytes() <= most, f"step {i}"
    assert made.max_bytes() == most


def test_reset_forgets_everything(part: Part) -> None:
    made = fed(part, STEPS)
    made.reset()
    assert canonical(made.snapshot()) == canonical(part.make().snapshot())
    assert [part.feed(made, i) for i in range(MORE)] == list(islice(outputs(part), MORE))


def outputs(part: Part) -> Iterator[Any]:
    made = part.make()
    for i in range(STEPS):
        yield part.feed(made, i)


def test_two_runs_are_equal(part: Part) -> None:
    assert list(outputs(part)) == list(outputs(part))


def test_the_steps_are_worth_testing(part: Part) -> None:
    assert len({repr(made) for made in outputs(part)}) > 1


def test_the_snapshot_of_another_part_is_refused(part: Part) -> None:
    with pytest.raises(StateError, match="snapshot is of a 'other'"):
        part.make().restore(Snapshot("other"))


@pytest.mark.parametrize("steps", [0, 4, STEPS])
@pytest.mark.parametrize("name", KEPT)
def test_what_is_saved_with_a_part_goes_on_the_same(name: str, steps: int, tmp_path: Path) -> None:
    kept = KEPT[name]
    test_a_restored_part_is_the_same_and_goes_on_the_same(kept, steps, tmp_path)
    test_a_part_that_was_used_can_be_restored(kept)
    test_a_snapshot_does_not_change_afterwards(kept)
    test_reset_forgets_everything(kept)
    test_the_snapshot_of_another_part_is_refused(kept)
    made, found = kept.make(), 0
    for i in range(STEPS):
        found += kept.feed(made, i)[0] is not None
        assert made.nbytes() <= made.max_bytes()
    assert 0 < found < STEPS


def test_a_restored_reader_reads_as_the_one_that_was_saved(tmp_path: Path) -> None:
    """What was read when it was clear is known again under noise, and by the restored reader too."""
    pytest.importorskip("rapidocr")
    whole, clear = (0, 0, *SIZE), page(("Sluice gate 3", (20, 60)), ("Water level", (20, 130)))
    first, restored, other = TextReader(), TextReader(), TextReader()
    read = list(first.read(clear, whole))
    save(tmp_path / "state", first.snapshot())
    assert len(read) == 2
    assert first.nbytes() > 0
    list(other.read(page(("Another page", (20, 90))), whole))
    for reader in (restored, other):
        reader.restore(load(tmp_path / "state"))
        assert canonical(reader.snapshot()) == canonical(first.snapshot())
        assert reader.nbytes() == first.nbytes()
    for seed in range(3):
        again = noisy(clear, 3.0, seed)
        assert list(restored.read(again, whole)) == list(other.read(again, whole)) == list(first.read(again, whole))
    assert canonical(restored.snapshot()) == canonical(first.snapshot())
    restored.reset()
    assert restored.nbytes() == 0
    assert canonical(restored.snapshot()) == canonical(TextReader().snapshot())


def test_reading_takes_the_state_of_its_reader_along(tmp_path: Path) -> None:
    pytest.importorskip("rapidocr")
    original = fed(PARTS["reading"], 12, on=Reading(TextReader()))
    assert original.snapshot().part("reader").meta["lines"]
    save(tmp_path / "state", original.snapshot())
    restored = Reading(TextReader())
    restored.restore(load(tmp_path / "state"))
    assert canonical(restored.snapshot()) == canonical(original.snapshot())
    assert restored.nbytes() == original.nbytes()
    for i in range(12, 24):
        assert PARTS["reading"].feed(restored, i) == PARTS["reading"].feed(original, i), f"step {i}"
    assert canonical(restored.snapshot()) == canonical(original.snapshot())
