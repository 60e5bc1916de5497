"""stream: several keepers on one stream of millrace, behind one encoder, in one pass over time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from headrace.apps.compare.understanding.kept import Kept, Outcome
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
from headrace.evaluation.millrace.oracle import Oracle
from headrace.understanding.admission import Floats
from headrace.understanding.keeper import Keeper
from headrace.understanding.tokens import Cue, Tokens
from headrace.understanding.tokens.bursts import BurstEncoder
from headrace.understanding.tokens.patches import PatchEncoder

#: An alert counts if it comes within so many ns of its cause.
REACH = 5 * SECOND
#: What a device takes for one frame that it encodes whole, and for one token that enters, ns.
ENCODING, ENTERING = 100 * MS, 2 * MS
#: How often bytes are looked at, and how often it is asked where the courier is, ns of the stream.
WEIGHED, ASKED = 30 * SECOND, SECOND

#: Told how many frames more are done.
Progress = Callable[[int], None]


def run_stream(world: World, keepers: Mapping[str, Keeper], progress: Progress | None = None) -> dict[str, Kept]:
    """Feed one stream to fresh keepers, ask each question when it comes, and return what each made of it."""
    encoder, bursts = PatchEncoder(), BurstEncoder()
    oracle = Oracle(world, encoder.encode, bursts.token)
    talk = Talk.of(world)
    runs = {name: _Run(keeper, oracle, talk) for name, keeper in keepers.items()}
    put: list[Asked | Request] = [*world.questions, *talk.requests]
    due = deque(sorted(put, key=_when))
    frames = 0
    for item in _tokens(world, encoder, bursts):
        while due and _when(due[0]) < item.pts:
            _put(due.popleft(), runs.values())
        shown = Glimpse.of(oracle, item.data)
        for run in runs.values():
            run.see(item, shown)
        if item.data.sense == "sight":
            frames += 1
            if progress is not None and frames % 100 == 0:
                progress(100)
    for asked in due:
        _put(asked, runs.values())
    return {name: run.finish(world) for name, run in runs.items()}


def _when(asked: Asked | Request) -> int:
    return asked.question.t if isinstance(asked, Asked) else asked.heard


def _put(asked: Asked | Request, runs: Iterable[_Run]) -> None:
    for run in runs:
        if isinstance(asked, Asked):
            run.ask(asked)
        else:
            run.request(asked)


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

    def __init__(self, keeper: Keeper, oracle: Oracle, talk: Talk) -> None:
        self._keeper, self._oracle, self._talk = keeper, oracle, talk
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
            return
        entered = int(admission.admitted.sum())
        self._frames += 1
        self._tokens += item.data.grid[0] * item.data.grid[1]
        self._kept.admitted += entered
        self._kept.computed += admission.computed
        seen = shown.entered(self._oracle, item.data, admission)
        self._sights.add(item.pts, seen.who)
        cost = round(ENCODING * admission.computed) + ENTERING * entered
        if item.pts >= self._busy:
            self._busy = item.pts + cost
            place = seen.place_of(COURIER)
            if place is not None:
                name = emission_id("courier", "place", item.pts)
                self._courier.append(Emission(name, "place", place, item.pts, item.pts, self._busy, item.pts))
        if not self._weights or item.pts - self._weights[-1][0] >= WEIGHED:
            self._weigh(item.pts)

    def ask(self, asked: Asked) -> None:
        """One question, answered from what is held now."""
        question = asked.question
        given = None
        if not self._kept.ended:
            view = self._keeper.read(Cue(self._cue(asked)), question.t)
            self._reads.append(len(view.rows))
            given = self._oracle.answer(asked, view.rows)
        right = given == question.answer
        self._kept.outcomes.append(Outcome(asked.track, asked.age, question.answer is not None, right, given is None))

    def request(self, one: Request) -> None:
        """One request of a conversation: what is to be said at once is decided now."""
        if self._kept.ended:
            return
        self._answers[one.id] = self._talk.reply(one, self._oracle, self._keeper)

    def _cue(self, asked: Asked) -> Floats | None:
        looks = [self._oracle.portraits(one) for one in asked.who]
        return np.concatenate(looks) if looks else None

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
        for wait in world.waits:
            said = [_alert(t) for t in self._sights.of(wait.who) if t >= wait.t]
            kept.alerts.append(alerts(said, wait.events, world.duration, REACH))
        times = range(ASKED, world.duration, ASKED)
        places = value_at(self._courier, times)
        kept.courier = sum(a == world.courier.at(t) for a, t in zip(places, times, strict=True)) / len(times)
        kept.conversation = self._talk.score(self._answers, self._sights)
        kept.admitted /= max(self._tokens, 1)
        kept.computed /= max(self._frames, 1)
        kept.cpu_ms /= max(self._frames, 1)
        kept.read = sum(self._reads) / len(self._reads) if self._reads else float("nan")
        kept.slope = growth(self._weights, after=world.duration // 2).slope
        return kept


def _alert(at: int) -> Emission:
    return Emission(emission_id("alert", "alert", at), "alert", "", at, at, at, at)
