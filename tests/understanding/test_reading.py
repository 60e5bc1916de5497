"""Reading: from moments to sightings, also when the work is cut short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from headrace.core.clock import ProfileClock
from headrace.core.executor import Threads
from headrace.core.graph import Graph
from headrace.core.item import MS, SECOND, Item
from headrace.core.overflow import Latest
from headrace.testing import Recorder, run_graph
from headrace.understanding.admission import Mask
from headrace.understanding.gates.lumasettle import LumaSettle
from headrace.understanding.perceive import Perceive, merge_moments
from headrace.understanding.reader import ReadLine
from headrace.understanding.reading import Reader, Reading
from tests.understanding.pictures import DigestReader, PlacedReader, Plane, items, page, varied

FIRST, OTHER = page(("Harbour", (20, 60)), ("Control", (20, 150))), page(("Lock keeper", (20, 100)))
HARBOUR = ReadLine("Harbour", 0.9, (20, 36, 150, 64))
CONTROL = ReadLine("Control room", 0.9, (20, 126, 150, 154))
KEEPER = ReadLine("Lock keeper", 0.9, (20, 76, 210, 104))


class Shown(PlacedReader):
    """Reads the lines of whichever picture it is given."""

    def read(self, luma, box):  # type: ignore[no-untyped-def]
        self.lines = [HARBOUR, CONTROL] if (luma == FIRST).all() else [KEEPER]
        return super().read(luma, box)


def moments(pictures: Iterable[Plane]) -> list[Item]:
    perceive = Perceive(LumaSettle())
    return [moment for one in items(pictures) for moment in perceive.step(one)]


def told(made: Iterable[Item]) -> list[tuple[int, str, str]]:
    return [(one.pts, one.data.change, one.data.observation.text) for one in made]


def test_lines_come_as_they_are_read_and_go_when_they_are_gone() -> None:
    reading = Reading(Shown())
    made = [one for moment in moments([FIRST] * 12 + [OTHER] * 24) for one in reading.step(moment)]
    assert [(change, text) for _, change, text in told(made) if change != "again"] == [
        ("new", "Harbour"),
        ("new", "Control room"),
        ("new", "Lock keeper"),
        ("gone", "Harbour"),
        ("gone", "Control room"),
    ]
    assert [(change, text) for _, change, text in told(reading.finish())] == [("gone", "Lock keeper")]
    assert all(one.kind == "sighting" and one.source == "camera" for one in made)
    assert reading.lines == 3
    assert reading.calls >= 2


def test_lines_belong_to_the_event_in_which_they_appear() -> None:
    reading = Reading(Shown())
    stream = moments([FIRST] * 12 + [OTHER] * 24)
    last = {}
    for moment in stream:
        for one in reading.step(moment):
            last[one.data.observation.text] = one.data.observation.segment
    events = list(dict.fromkeys(moment.data.segment for moment in stream))
    assert len(events) == 2
    assert last == {"Harbour": events[0], "Control room": events[0], "Lock keeper": events[1]}


def test_a_sighting_does_not_change_after_it_left() -> None:
    reading = Reading(Shown())
    kept = [(one, replace(one.data.observation)) for m in moments([FIRST] * 30) for one in reading.step(m)]
    assert kept
    assert all(one.data.observation == copy for one, copy in kept)


def test_the_first_line_does_not_wait_for_the_second() -> None:
    reading = Reading(Shown())
    step: Iterator[Item] | None = None
    for moment in moments([FIRST] * 3):
        step = iter(reading.step(moment))
        first = next(step, None)
    assert first is not None
    assert reading.lines == 1
    assert step is not None
    assert len(list(step)) == 1


def test_work_that_is_cut_short_is_done_later() -> None:
    """Whatever was read before stays read; the other regions are planned again."""
    reading = Reading(Shown())
    stream = moments([FIRST] * 12)
    found = []
    for moment in stream:
        step = reading.step(moment)
        for one in step:
            found.append(one)
            if len(found) == 1:
                step.close()
    names = {one.data.observation.text for one in found}
    assert names == {"Harbour", "Control room"}
    assert len({one.data.observation.id for one in found}) == 2


class Noting(Reading):
    """Remembers which blocks it was given, and when."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self.seen: list[tuple[int, Mask, tuple[int, int]]] = []

    def step(self, item: Item) -> Iterator[Item]:
        admission = item.data.admission
        self.seen.append((item.pts, admission.admitted.copy(), admission.origin))
        return super().step(item)


def test_a_slow_reader_of_a_live_stream_misses_no_block() -> None:
    """On the edge of a live stream moments are merged: each block that entered is in the last plan that reads it."""
    stream = moments(varied(60))
    entered = [moment.data.admission.admitted.copy() for moment in stream]
    for k, moment in enumerate(stream):
        moment.arrival = k * SECOND // 6

    plan = Noting(DigestReader())

    def build(graph: Graph) -> Recorder:
        recorder = Recorder(graph.clock)
        lines = graph.map(plan, graph.source(stream), edge=Latest(merge=merge_moments), on=Threads(), name="read")
        graph.sink(recorder, lines)
        return recorder

    recorder = run_graph(build, ProfileClock({"read": 700 * MS}))
    assert len(plan.seen) < 0.4 * len(stream)
    # With a still camera the union over any stretch is what entered in it.
    still = [k for k, moment in enumerate(stream) if moment.data.admission.origin == (0, 0)]
    upto, last = 0, -1
    for pts, admitted, origin in plan.seen:
        now = round(pts * 6 / SECOND)
        if origin == (0, 0) and set(range(last + 1, now + 1)) <= set(still):
            union = entered[last + 1]
            for k in range(last + 2, now + 1):
                union = union | entered[k]
            assert (admitted == union).all()
            upto += 1
        last = now
    assert upto >= 5
    assert recorder.items


def test_forced_readings_teach_the_plan() -> None:
    """What never holds still and has no text is looked at ever more rarely."""

    class Blind(DigestReader):
        calls = 0

        def read(self, luma, box):  # type: ignore[no-untyped-def]
            self.calls += 1
            return iter(())

    rng, blind = np.random.default_rng(1), Blind()
    pictures = []
    for _ in range(240):
        luma = page()
        luma[32:96, 64:160] = rng.integers(0, 256, (64, 96))
        pictures.append(luma)
    reading = Reading(blind)
    for moment in moments(pictures):
        assert list(reading.step(moment)) == []
    assert 3 <= blind.calls <= 8
