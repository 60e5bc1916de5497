"""Talk: the conversations of a stream, held with what a keeper kept and saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from headrace.apps.compare.understanding.sight import Sights
from headrace.evaluation.judges import Exact
from headrace.evaluation.metrics.listener import ByJudge
from headrace.evaluation.metrics.quality import CAUSAL, quality
from headrace.evaluation.millrace import Asked, World
from headrace.evaluation.millrace.exchange import LIST_REQUEST, LISTED, WAIT, asked_about, conversations, count_request
from headrace.evaluation.millrace.exchange_voice import Decide, Moment, Request, Say, converse, requests
from headrace.evaluation.millrace.identity import COURIER
from headrace.evaluation.millrace.oracle import KNOWN, Oracle, Read
from headrace.evaluation.truth import Exchange, Question
from headrace.understanding.tokens import Cue

_BY_NAME = {identity.name: identity for identity in KNOWN}


@dataclass(frozen=True)
class Talk:
    """Conversations, and what a partner hears of them.

    Attributes:
        exchanges, requests: one of the other, in order of their starts.
    """

    exchanges: tuple[Exchange, ...]
    requests: tuple[Request, ...]

    @classmethod
    def of(cls, world: World) -> Talk:
        made = conversations(world.visits, world.duration, world.seed, world.absent)
        return cls(tuple(made), tuple(requests(made)))

    def reply(self, request: Request, oracle: Oracle, read: Read) -> str:
        """What can be said once a request is heard, from what is held then; "" where there is something to wait for."""
        name = asked_about(request.text)
        if request.text == LIST_REQUEST:
            seen = read.who >= 0
            order = np.argsort(read.first[seen], kind="stable")
            names = dict.fromkeys(KNOWN[number].name for number in read.who[seen][order] if KNOWN[number] != COURIER)
            return ", ".join(list(names)[-LISTED:]) or "nobody"
        if not name or request.text != count_request(name):
            return ""
        who = _BY_NAME[name]
        asked = Asked(Question(request.heard, request.text), "count", "visits", (who,))
        return oracle.answer(asked, read) or "0"

    def cue(self, request: Request, oracle: Oracle) -> Cue:
        """What a memory is asked for."""
        name = asked_about(request.text)
        return Cue(oracle.portraits(_BY_NAME[name]) if name else None)

    def score(self, replies: Mapping[str, str], sights: Sights) -> float:
        """IA-QTF1, causal, of the conversations held with these replies, by request, and with what was newly seen."""
        said = converse(self.exchanges, Partner(replies, sights))
        return quality(said, self.exchanges, ByJudge(Exact()), CAUSAL).graded.f1

    def blind(self, partner: Decide) -> float:
        """The same of a partner that sees nothing."""
        return quality(converse(self.exchanges, partner), self.exchanges, ByJudge(Exact()), CAUSAL).graded.f1


class Partner:
    """Says its reply when a request is heard, and a name when somebody who is waited for is newly seen."""

    def __init__(self, replies: Mapping[str, str], sights: Sights) -> None:
        self._replies, self._sights = replies, sights
        self._waiting: list[Request] = []

    def __call__(self, moment: Moment) -> Iterable[Say]:
        for request in moment.heard:
            if reply := self._replies.get(request.id, ""):
                yield Say(reply, request.id)
            elif asked_about(request.text):
                self._waiting.append(request)
        for request in list(self._waiting):
            who = _BY_NAME[asked_about(request.text)]
            if any(request.heard < t <= moment.now for t in self._sights.of(who)):
                yield Say(who.name, request.id)
                self._waiting.remove(request)
            elif moment.now > request.heard + WAIT:
                self._waiting.remove(request)
