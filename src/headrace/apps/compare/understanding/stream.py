"""stream: several keepers on one stream of millrace, behind one encoder, in one pass over time."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np

from headrace.apps.compare.understanding.kept import Kept, Outcome
from headrace.apps.compare.understanding.reading import Reading
from headrace.apps.compare.understanding.sight import Glimpse, Sights
from headrace.apps.compare.understanding.talk import Talk
from headrace.core.errors import CapacityError
from headrace.core.item import MS, SECOND, Emission, Item, emission_id
from headrace.evaluation.metrics.alerts import alerts
from headrace.evaluation.metrics.state import growth
from headrace.evaluation.millrace import Asked, World
from headrace.evaluation.millrace.exchange_voice import Request
from headrace.evaluation.millrace.identity import COURIER
from headrace.evaluation.millrace.latency import value_at
from headrace.evaluation.millrace.oracle import ABSENCE, SOUND, Oracle, Read
from headrace.recipes.remembered import looked_for
from headrace.understanding.appearance import AppearanceTrigger, Awaited
from headrace.understanding.keeper import Keeper
from headrace.understanding.tokens import Cue, Tokens, TokenView
from headrace.understanding.tokens.bursts import BurstEncoder
from headrace.understanding.tokens.patches import PatchEncoder

#: An alert counts if it comes within so many ns of its cause.
REACH = 5 * SECOND
#: What a device takes for one frame that it encodes whole, and for one token that enters, ns.
ENCODING, ENTERING = 100 * MS, 2 * MS
#: How often bytes are looked at, and how often it is asked where the courier is, ns of the stream.
WEIGHED, ASKED = 30 * SECOND, SECOND // 4
#: Bytes that the looks of all who are waited for may take.
CUES = 1 << 20

#: Told how many frames more are done.
Progress = Callable[[int], None]


def run_stream(
    world: World, keepers: Mapping[str, Keeper], progress: Progress | None = None, grows: Collection[str] = ()
) -> dict[str, Kept]:
    """Feed one stream to fresh keepers, ask each question when it comes, and return what each made of it.

    Args:
        grows: keepers that never let go of a row. They are read once, at the end, and answer from what they had by
            the time of each question: the same, in less time.
    """
    encoder, bursts = PatchEncoder(), BurstEncoder()
    oracle = Oracle(world, encoder.encode, bursts.token)
    talk = Talk.of(world)
    reading = Reading(oracle)
    runs = {name: _Run(keeper, reading, talk, world, name in grows) for name, keeper in keepers.items()}
    put: list[Asked | Request] = [*world.questions, *talk.requests]
    due = deque(sorted(put, key=when))
    frames = 0
    for item in _tokens(world, encoder, bursts):
        while due and when(due[0]) < item.arrival:
            asked = due.popleft()
            for run in runs.values():
                run.put(asked)
        shown = Glimpse.of(reading, item.data)
        for run in runs.values():
            run.see(item, shown)
        if item.data.sense == "sight":
            frames += 1
            if progress is not None and frames % 100 == 0:
                progress(100)
    for asked in due:
        for run in runs.values():
            run.put(asked)
    return {name: run.finish(world) for name, run in runs.items()}


def when(asked: Asked | Request) -> int:
    """The time at which it is put, ns."""
    return asked.question.t if isinstance(asked, Asked) else asked.heard


def _tokens(world: World, encoder: PatchEncoder, bursts: BurstEncoder) -> Iterator[Item]:
    """The stream, encoded: frames as they come, a burst of sound when it has ended."""
    sound = world.soundtrack.audible()
    heard = (burst for item in sound for burst in bursts.step(item))
    waiting = next(heard, None)
    for item in world.items(sound=False):
        while waiting is not None and waiting.arrival <= item.pts:
            yield waiting
            waiting = next(heard, None)
        yield item.derive(Tokens(encoder.encode(item.data)), "tokens")


class _Run:
    """One keeper under way."""

    def __init__(self, keeper: Keeper, reading: Reading, talk: Talk, world: World, grows: bool) -> None:
        self._keeper, self._reading, self._talk, self._grows = keeper, reading, talk, grows
        self._oracle = reading.oracle
        self._later: list[tuple[Asked | Request, int]] = []
        self._heard = 0
        cues = (Awaited(str(k), self._oracle.portraits(one.who), after=one.t) for k, one in enumerate(world.waits))
        self._trigger = AppearanceTrigger(cues, ABSENCE, CUES)
        self._fired: dict[str, list[Emission]] = {str(k): [] for k in range(len(world.waits))}
        self._kept = Kept()
        self._sights = Sights()
        self._answers: dict[str, str] = {}
        self._courier: list[Emission] = []
        self._busy = self._frames = self._tokens = 0
        self._reads: list[int] = []
        self._weights: list[tuple[int, int]] = []

    def see(self, item: Item, shown: Glimpse) -> None:
        """One item of tokens, of which `shown` is what an oracle sees in all of it."""
        if self._kept.ended:
            return
        began = time.process_time()
        try:
            admission = self._keeper.see(item)
        except CapacityError as error:
            self._kept.ended = str(error)
            return
        self._kept.cpu_ms += 1000 * (time.process_time() - began)
        if item.data.sense != "sight":
            self._heard += 1
            return
        entered = int(admission.admitted.sum())
        self._frames += 1
        self._tokens += item.data.grid[0] * item.data.grid[1]
        self._kept.admitted += entered
        self._kept.computed += admission.computed
        seen = shown.entered(self._reading, item.data, admission)
        cost = round(ENCODING * admission.computed) + ENTERING * entered
        self._sights.add(item.pts + cost, seen.who)
        if entered:
            for fired in self._trigger.decide(item.pts, TokenView(admission.rows(), item.pts)):
                self._fired[fired.question].append(_alert(item.pts + cost))
        if item.pts >= self._busy:
            self._busy = item.pts + cost
            place = seen.place_of(COURIER)
            if place is not None:
                name = emission_id("courier", "place", item.pts)
                self._courier.append(Emission(name, "place", place, item.pts, item.pts, self._busy, item.pts))
        if not self._weights or item.pts - self._weights[-1][0] >= WEIGHED:
            self._weigh(item.pts)

    def put(self, asked: Asked | Request) -> None:
        """A question, or a request of a conversation, answered from what is held now."""
        if self._kept.ended:
            self._answer(asked, None)
            return
        if self._grows:
            self._later.append((asked, self._heard))
            return
        cue = Cue(looked_for(self._oracle, asked)) if isinstance(asked, Asked) else self._talk.cue(asked, self._oracle)
        rows = self._keeper.read(cue, when(asked)).rows
        self._reads.append(len(rows))
        self._answer(asked, self._reading.read(rows))

    def _answer(self, asked: Asked | Request, read: Read | None) -> None:
        if isinstance(asked, Request):
            self._answers[asked.id] = "" if read is None else self._talk.reply(asked, self._oracle, read)
            return
        given = None if read is None else self._oracle.answer(asked, read)
        answer = asked.question.answer
        right = read is not None and given == answer
        self._kept.outcomes.append(Outcome(asked.track, asked.age, answer is not None, right, given is None))

    def _catch_up(self, end: int) -> None:
        """Answer what was put to a keeper that grows."""
        whole = self._oracle.read(self._keeper.read(Cue(), end).rows)
        sounds = np.cumsum(whole.sense == SOUND)
        for asked, heard in self._later:
            then = whole.of((whole.first <= when(asked)) & ((whole.sense != SOUND) | (sounds <= heard)))
            self._reads.append(len(then.who))
            self._answer(asked, then)

    def _weigh(self, now: int) -> None:
        tiers = self._keeper.tiers()
        total = sum(tiers.values())
        self._weights.append((now, total))
        self._kept.resident = max(self._kept.resident, tiers.get("device", 0))
        self._kept.total = max(self._kept.total, total)

    def finish(self, world: World) -> Kept:
        """The figures of the whole stream."""
        kept = self._kept
        self._weigh(world.duration)
        if self._later:
            self._catch_up(world.duration)
        for said, wait in zip(self._fired.values(), world.waits, strict=True):
            kept.alerts.append(alerts(said, wait.events, world.duration, REACH))
        times = errands(world)
        places = value_at(self._courier, times)
        right = sum(a == world.courier.at(t) for a, t in zip(places, times, strict=True))
        kept.courier = right / len(times) if times else math.nan
        kept.conversation = self._talk.score(self._answers, self._sights)
        kept.admitted /= max(self._tokens, 1)
        kept.computed /= max(self._frames, 1)
        kept.cpu_ms /= max(self._frames, 1)
        kept.read = sum(self._reads) / len(self._reads) if self._reads else float("nan")
        kept.slope = growth(self._weights, after=world.duration // 2).slope
        return kept


def errands(world: World) -> list[int]:
    """Times at which it is asked where the courier is: while it moves."""
    return [t for start, end in world.errands for t in range(start, end, ASKED)]


def _alert(at: int) -> Emission:
    return Emission(emission_id("alert", "alert", at), "alert", "", at, at, at, at)
