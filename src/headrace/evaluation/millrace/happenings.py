"""Happenings: the events of a plan, the words said in it, the courier's way, and the scenes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headrace.core.item import MS, SECOND
from headrace.evaluation.millrace.draw import Draw
from headrace.evaluation.millrace.regime import Regime
from headrace.evaluation.millrace.visit import Said, Visit
from headrace.evaluation.truth import Event, Series, Span

#: Between a word and any other word or entrance that it does not belong to, ns.
ALONE = 10 * SECOND
#: The courier sets out once in so many ns, and is on its way for so many, a cell a step.
ERRAND, ON_WAY, STEP = 300 * SECOND, 30 * SECOND, SECOND


def events(visits: Sequence[Visit]) -> tuple[Event, ...]:
    """What happens, in order of its start. `content` is {"what", "who": names, "cell"}.

    - enter, leave: from the first to the last trace of the change;
    - recolour: at once; "who" is what it was and what it is;
    - touch: two are wholly there side by side (not corner to corner); from when the second one is until one goes.
    """
    found = []
    stays = max(visit.end for visit in visits)
    for index, visit in enumerate(visits):
        who, cell = [visit.identity.name], list(visit.cell)
        if visit.enters:
            found.append(_event("enter", who, cell, visit.start - visit.fade, visit.start))
        if visit.leaves and visit.end < stays:
            found.append(_event("leave", who, cell, visit.end, visit.end + visit.fade))
        for other in visits[index + 1 :]:
            if other.start >= visit.end:
                break
            if abs(other.cell[0] - visit.cell[0]) + abs(other.cell[1] - visit.cell[1]) == 1:
                both = [*who, other.identity.name]
                found.append(_event("touch", both, list(other.cell), other.start, min(visit.end, other.end)))
    leaving = {(visit.end, visit.cell): visit for visit in visits if not visit.leaves}
    for visit in visits:
        if not visit.enters:
            before = leaving[visit.start, visit.cell]
            names = [before.identity.name, visit.identity.name]
            found.append(_event("recolour", names, list(visit.cell), visit.start, visit.start))
    return tuple(
        sorted(found, key=lambda event: (event.start, event.end, event.content["what"], event.content["cell"]))
    )


def words(
    seed: int,
    visits: Sequence[Visit],
    duration: int,
    names: Sequence[str],
    beeps: Sequence[str],
    lasting: Callable[[str], int],
) -> tuple[Said, ...]:
    """What is said: three in four of the entrances that no other one comes near have a word of their own, 200 ms after
    it is wholly there; words that belong to none, and beeps, lie apart from all entrances.

    Args:
        names: words.
        beeps: other sounds.
        lasting: how long one of them is, ns.
    """
    draw = Draw(seed, 2)
    taken = [(visit.start - visit.fade, visit.start) for visit in visits if visit.enters]
    said = []
    for index, visit in enumerate(visits):
        near = sum(start - ALONE < visit.start and visit.start - visit.fade < end + ALONE for start, end in taken)
        if visit.enters and near == 1 and not draw.chance(4):
            said.append(_said(draw.one(names), visit.start + 200 * MS, lasting, index))
    taken += [(one.start, one.end) for one in said]
    for _ in range(max(1, duration // (60 * SECOND))):
        name = draw.one(beeps) if draw.chance(2) else draw.one(names)
        start = draw.below(max(1, duration - 2 * SECOND) // MS) * MS
        one = _said(name, start, lasting, None)
        if one.end < duration and all(one.end + ALONE < low or high + ALONE < start for low, high in taken):
            said.append(one)
            taken.append((one.start, one.end))
    return tuple(sorted(said, key=lambda one: one.start))


def errands(seed: int, duration: int) -> tuple[Span, ...]:
    """When the courier is on its way."""
    draw = Draw(seed, 3)
    found = []
    for start in range(20 * SECOND, duration - ON_WAY, ERRAND):
        begin = start + draw.below(ERRAND // SECOND - 60) * SECOND
        if begin + ON_WAY < duration:
            found.append((begin, begin + ON_WAY))
    return tuple(found)


def way(seed: int, trips: Sequence[Span], columns: int, row: int, fps: int) -> Series:
    """The courier's cell (row, column) at all times: on its way it goes one cell a second and turns at the ends, or,
    once in five steps, in between."""
    draw = Draw(seed, 4)
    column, course = draw.below(columns), 1
    times, values = [0], [(row, column)]
    for start, end in trips:
        for step in range(start, end, STEP):
            if draw.chance(5):
                course = -course
            if not 0 <= column + course < columns:
                course = -course
            column += course
            times.append(-(-step * fps // SECOND) * SECOND // fps)
            values.append((row, column))
    return Series(tuple(times), tuple(values))


def scenes(seed: int, regime: Regime, duration: int) -> tuple[int, ...]:
    """When each scene begins, ns; with `Regime.mixing` it is wholly there so much later."""
    draw = Draw(seed, 5)
    starts = [0]
    shortest, longest = (limit // SECOND for limit in regime.scene)
    while (following := starts[-1] + draw.between(shortest, longest) * SECOND) < duration:
        starts.append(following)
    return tuple(starts)


def stops(seed: int, reach: int, duration: int) -> Series:
    """Pixels by which the camera has moved to the right of where it began: it rests for 20 to 60 s, then it goes on by
    a pixel each quarter of a second."""
    draw = Draw(seed, 6)
    times, values = [0], [0]
    now = 0
    while reach and now < duration:
        now += draw.between(20, 60) * SECOND
        goal = draw.one([stop for stop in range(-reach, reach + 1) if abs(stop - values[-1]) > 1])
        while values[-1] != goal:
            times.append(now)
            values.append(values[-1] + (1 if goal > values[-1] else -1))
            now += 250 * MS
    return Series(tuple(times), tuple(values))


def _said(name: str, start: int, lasting: Callable[[str], int], visit: int | None) -> Said:
    return Said(name, start, start + lasting(name), visit)


def _event(what: str, who: list[str], cell: list[int], start: int, end: int) -> Event:
    content: dict[str, Any] = {"what": what, "who": who, "cell": cell}
    return Event(start, end, content)
