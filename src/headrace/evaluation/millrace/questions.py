"""Questions: what is asked of a stream, by track, and the standing requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import TypeVar

from headrace.core.item import SECOND
from headrace.evaluation.millrace.asked import AGES, Asked, Wait
from headrace.evaluation.millrace.draw import Draw
from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.millrace.plan import QUIET_END, Plan
from headrace.evaluation.millrace.visit import Cell, Said, Visit
from headrace.evaluation.truth import Event, Question, Span

T = TypeVar("T")

#: Answerable questions of a track (of each age of "past"), where the stream has that many; as many have no answer.
EACH = 12
#: Questions for the word at an entrance at which none was said, so that the nearest word is no answer to all of them.
SILENT = 3
#: Standing requests that come true; as many do not.
WAITS = 8
#: From a change to a question about what is there now, ns, and from one first visit to another that is compared.
SETTLED, APART = 1_500_000_000, 10 * SECOND
#: An empty cell that is asked for was left no longer ago, where there is one.
LATELY = 60 * SECOND


def place(cell: Cell) -> str:
    """A cell in words, counted from 1 at the top left: "row 2, column 3"."""
    return f"row {cell[0] + 1}, column {cell[1] + 1}"


def age_of(ns: int) -> int:
    """The one of `AGES` that is nearest by ratio."""
    return min(AGES, key=lambda age: max(ns, 1) / age if ns > age else age / max(ns, 1))


class Asker:
    """Makes the questions of one stream. Times lie half a frame behind a frame; that frame counts.

    Whoever comes has a twin who never does: whatever is asked about the one is asked about the other at the same time,
    so that no text tells who came. Two of the colours that are seen have twins among those that are not.

    Args:
        draw: of the choice.
        plan: who comes when.
        said: the words of the stream.
        grid: (rows, columns); nobody but the courier is in the last row.
        duration: ns.
        fps: frames a second.
    """

    def __init__(
        self, draw: Draw, plan: Plan, said: Sequence[Said], grid: tuple[int, int], duration: int, fps: int
    ) -> None:
        self._plan, self._duration, self._fps = plan, duration, fps
        self._draw, self._last = draw, duration - QUIET_END // 4
        cells = set(product(range(grid[0] - 1), range(grid[1])))
        self._cells = sorted(cells - set(plan.moving))
        self._by_who: dict[Identity, list[Visit]] = {}
        for visit in plan.visits:
            self._by_who.setdefault(visit.identity, []).append(visit)
        self._passing = [visit for visit in plan.visits if visit.end < duration]
        self._entering = {visit for visit in self._passing if visit.enters}
        self._standing = next(visit for visit in plan.visits if visit.end == duration)
        self._words = {one.visit: one for one in said if one.visit is not None}
        self._number = {visit: index for index, visit in enumerate(plan.visits)}
        shown = [*self._by_who]
        self._twin = {who: plan.absent[index % len(plan.absent)] for index, who in enumerate(shown)}
        self._colour_of = dict(zip(sorted({who.colour for who in shown}), plan.unseen, strict=False))

    def questions(self) -> tuple[Asked, ...]:
        """All of them, in order of time."""
        made = [
            *self._now(),
            *self._past(),
            *self._visits(),
            *self._colours(),
            *self._order(),
            *self._places(),
            *self._heard(),
        ]
        return tuple(sorted(made, key=lambda asked: (asked.question.t, asked.track, asked.question.question)))

    def waits(self, events: Sequence[Event]) -> tuple[Wait, ...]:
        """Requests to tell when somebody comes in; half of them for nothing, in order of time."""
        entered: dict[str, list[Event]] = {}
        for event in events:
            if event.content["what"] == "enter":
                entered.setdefault(event.content["who"][0], []).append(event)
        made = []
        who = [one for one in self._by_who if one.name in entered and one != self._standing.identity]
        for identity in self._some(who, WAITS):
            first = entered[identity.name][0].start
            t = self._draw.between(0, max(0, first - 5 * SECOND) // SECOND) * SECOND
            for one in (identity, self._twin[identity]):
                coming = tuple(event for event in entered.get(one.name, ()) if event.start >= t)
                made.append(Wait(t, f"Tell me when {one} comes in.", one, coming))
        return tuple(sorted(made, key=lambda wait: (wait.t, wait.who)))

    # -- tracks -------------------------------------------------------------------------------

    def _now(self) -> Iterator[Asked]:
        """Who is in a cell: somebody, half of the time the one who stands there all along; or nobody."""
        spans = [(self._standing, self._late(self._standing.start + SETTLED)) for _ in range(EACH // 2)]
        spans += [
            (visit, self._frame(visit.start + SETTLED, visit.end)) for visit in self._some(self._passing, EACH // 2)
        ]
        for visit, t in spans:
            yield self._who(t, visit.cell, visit, t - visit.start)
            yield self._who(t, self._empty(t), None, t - visit.start)

    def _who(self, t: int, cell: Cell, visit: Visit | None, age: int) -> Asked:
        answer, evidence = (visit.identity.name, ((visit.start, t),)) if visit else (None, ())
        question = Question(t, f"Who is in {place(cell)} now?", None, answer, evidence)
        return Asked(question, "now", "who", cell=cell, age=age_of(age))

    def _past(self) -> Iterator[Asked]:
        """Whether somebody was seen whose last visit is so long ago."""
        for age in AGES:
            made = 0
            for visit in self._draw.shuffled(self._passing):
                gone = visit.end + visit.fade
                if made == EACH or gone + age * 7 // 10 > self._last:
                    continue
                t = self._frame(gone + age * 7 // 10, min(gone + age * 14 // 10, self._last))
                if self._before(visit.identity, t)[-1:] == [visit] and self._gone(visit.identity, t):
                    made += 1
                    yield self._seen(t, visit.identity, age)
                    yield self._seen(t, self._twin[visit.identity], age)

    def _seen(self, t: int, who: Identity, age: int) -> Asked:
        answer = "yes" if self._before(who, t) else None
        return Asked(
            Question(t, f"Was {who} seen?", None, answer, self._evidence(who, t)), "past", "seen", (who,), age=age
        )

    def _visits(self) -> Iterator[Asked]:
        """How often somebody came; as often as there are such, somebody who came more than once."""
        often = self._balanced(lambda who, t: len(self._before(who, t)))
        for who, t in often:
            spans = self._evidence(who, t)
            yield from self._pair(
                "count", "visits", "How many times did {} come?", who, t, str(len(spans)), _hull(spans)
            )

    def _colours(self) -> Iterator[Asked]:
        """How many of one colour were seen; none of them of colours that never are."""
        for _ in range(EACH):
            t = self._late(self._duration // 4)
            while any(visits[0].trace[0] <= t < visits[0].start + SETTLED for visits in self._by_who.values()):
                t = self._late(self._duration // 4)
            seen = [who for who in self._by_who if self._began(who, t)]
            colours = [colour for colour in self._colour_of if any(who.colour == colour for who in seen)]
            if colours:
                colour = self._draw.one(colours)
                those = [who for who in seen if who.colour == colour]
                evidence = _hull([span for who in those for span in self._evidence(who, t)])
                age = age_of(t - evidence[1])
                yield self._colour(t, colour, str(len(those)), (evidence,), age)
                yield self._colour(t, self._colour_of[colour], None, (), age)

    def _colour(self, t: int, colour: str, answer: str | None, evidence: tuple[Span, ...], age: int) -> Asked:
        question = Question(t, f"How many different ones that are {colour} were seen?", None, answer, evidence)
        return Asked(question, "count", "colour", colour=colour, age=age)

    def _order(self) -> Iterator[Asked]:
        """Which of two came first; none did where neither ever came."""
        firsts = [(visits[0], who) for who, visits in self._by_who.items() if visits[0] in self._entering]
        for _ in range(EACH if firsts else 0):
            (one, a), (other, b) = self._draw.one(firsts), self._draw.one(firsts)
            if abs(one.start - other.start) - 2 * one.fade < APART:
                continue
            t = self._late(max(one.end, other.end) + one.fade + SECOND)
            early = a if one.start < other.start else b
            age = age_of(t - max(one.end, other.end))
            yield self._first(t, (a, b), early.name, (_hull([one.span, other.span]),), age)
            yield self._first(t, (self._twin[a], self._twin[b]), None, (), age)

    def _first(
        self, t: int, who: tuple[Identity, ...], answer: str | None, evidence: tuple[Span, ...], age: int
    ) -> Asked:
        text = f"Which came first, {who[0]} or {who[1]}?"
        question = Question(t, text, tuple(one.name for one in who), answer, evidence)
        return Asked(question, "order", "first", who, age=age)

    def _places(self) -> Iterator[Asked]:
        """Where somebody was first, and last, seen."""
        for index, which in ((0, "first"), (-1, "last")):
            for who, t in self._balanced(lambda who, t: len({visit.cell for visit in self._before(who, t)}), EACH // 2):
                visit, text = self._before(who, t)[index], f"Where was {{}} {which} seen?"
                yield from self._pair("place", f"{which} place", text, who, t, place(visit.cell), visit.span)

    def _heard(self) -> Iterator[Asked]:
        """What was said when somebody last came in; half of these never did, and nothing was said at some."""
        kinds: dict[bool, list[Visit]] = {True: [], False: []}
        for visit in self._passing:
            if visit in self._entering:
                kinds[self._number[visit] in self._words].append(visit)
        silent = self._some(kinds[False], SILENT)
        for visit in (*self._some(kinds[True], EACH), *silent):
            later = [other.trace[0] for other in self._by_who[visit.identity] if other.start > visit.start]
            t = self._frame(visit.end + visit.fade + 2 * SECOND, min([*later, self._duration]) - 2 * SECOND)
            one = self._words.get(self._number[visit])
            evidence = ((visit.start, one.end),) if one else ()
            answers = {visit.identity: one.word if one else None, self._twin[visit.identity]: None}
            for who, answer in answers.items():
                text = f"What word was said when {who} last came in?"
                question = Question(t, text, None, answer, evidence if answer else ())
                yield Asked(question, "heard", "word", (who,), age=age_of(t - visit.start))

    # -- what they are made of ----------------------------------------------------------------

    def _balanced(self, kind: Callable[[Identity, int], int], count: int = EACH) -> list[tuple[Identity, int]]:
        """(identity, time) so that all values of `kind` are as frequent as the stream allows."""
        kinds: dict[int, list[tuple[Identity, int]]] = {}
        for who, visits in self._by_who.items():
            if visits[0] in self._entering:
                for visit in visits:
                    t = self._late(visit.end + visit.fade + SECOND)
                    if self._gone(who, t):
                        kinds.setdefault(kind(who, t), []).append((who, t))
        piles = [self._draw.shuffled(kinds[value]) for value in sorted(kinds)]
        found: list[tuple[Identity, int]] = []
        while len(found) < count and any(piles):
            found.extend(pile.pop() for pile in piles if pile)
        return found[:count]

    def _pair(
        self, track: str, about: str, text: str, who: Identity, t: int, answer: str, evidence: Span
    ) -> Iterator[Asked]:
        """A question about somebody, and the same about somebody who never came."""
        age = age_of(t - evidence[1])
        yield Asked(Question(t, text.format(who), None, answer, (evidence,)), track, about, (who,), age=age)
        never = self._twin[who]
        yield Asked(Question(t, text.format(never)), track, about, (never,), age=age)

    def _before(self, who: Identity, t: int) -> list[Visit]:
        """Visits that were over at `t`."""
        return [visit for visit in self._by_who.get(who, ()) if visit.end <= t]

    def _began(self, who: Identity, t: int) -> bool:
        return self._by_who[who][0].start + SETTLED <= t

    def _gone(self, who: Identity, t: int) -> bool:
        """Nothing of it is there at `t`."""
        return not any(visit.start - visit.fade <= t <= visit.end + visit.fade for visit in self._by_who[who])

    def _evidence(self, who: Identity, t: int) -> tuple[Span, ...]:
        return tuple((visit.start, min(visit.end, t)) for visit in self._by_who.get(who, ()) if visit.start <= t)

    def _empty(self, t: int) -> Cell:
        """A cell that nobody is in, one that somebody left lately if there is one."""
        there = {visit.cell for visit in self._plan.visits if visit.trace[0] - SETTLED <= t < visit.trace[1] + SETTLED}
        left = [visit.cell for visit in self._plan.visits if 0 <= t - visit.trace[1] - SETTLED < LATELY]
        return self._draw.one(
            [cell for cell in left if cell not in there] or [cell for cell in self._cells if cell not in there]
        )

    def _some(self, of: Sequence[T], count: int) -> list[T]:
        return self._draw.shuffled(of)[:count]

    def _late(self, since: int) -> int:
        """A time from `since` to the end."""
        return self._frame(since, self._last)

    def _frame(self, low: int, high: int) -> int:
        """From `low` on and before `high`, half a frame behind a frame."""
        half = SECOND // self._fps // 2
        first, last = -(-(low - half) * self._fps // SECOND), (high - 1 - half) * self._fps // SECOND
        return self._draw.between(first, last) * SECOND // self._fps + half


def _hull(spans: Sequence[Span]) -> Span:
    """From the first to the last of them."""
    return min(start for start, _ in spans), max(end for _, end in spans)
