"""converse: what a system decides to say becomes chunks of speech, which the user may cut off."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import MS, Emission, emission_id
from headrace.evaluation.millrace.exchange import spoken_for
from headrace.evaluation.truth import Exchange


@dataclass(frozen=True, slots=True)
class Request:
    """What a system hears of an exchange: nothing of when or what to answer.

    Attributes:
        id: what answers it has it as `cause`: its number among the exchanges, in order of their starts.
        start, heard: ns; the user begins and has finished.
    """

    id: str
    text: str
    start: int
    heard: int


@dataclass(frozen=True, slots=True)
class Moment:
    """One look at a conversation, at `now` (ns).

    Attributes:
        heard: requests that the user has finished since the look before.
        speaking: whether the voice is busy with what was decided before.
        cut: ids of the requests whose answer the user has cut off since the look before.
    """

    now: int
    heard: tuple[Request, ...]
    speaking: bool
    cut: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Say:
    """A text to be said now, or once the voice is free; `cause` is the id of the request that it answers, or ""."""

    text: str
    cause: str = ""


#: A system: called at every look, in order; all that it knows of the stream by then is its own.
Decide = Callable[[Moment], Iterable[Say]]


@dataclass(frozen=True, slots=True)
class Voice:
    """How a system speaks.

    Attributes:
        look: ns from one look at the conversation to the next.
        chunk: words of one emission.
        yields: ns for which it goes on once the user speaks: its own latency.

    Raises:
        ConfigError: a look or chunk that is not above 0, or `yields` below 0.
    """

    look: int = 200 * MS
    chunk: int = 4
    yields: int = 0

    def __post_init__(self) -> None:
        if self.look <= 0 or self.chunk <= 0 or self.yields < 0:
            raise ConfigError(f"voice: look {self.look} ns, {self.chunk} words, yields {self.yields} ns: use above 0")


def requests(exchanges: Sequence[Exchange]) -> list[Request]:
    """What is heard of exchanges, which come in order of their starts.

    Raises:
        InputError: they are out of order.
    """
    if any(later.start < earlier.start for earlier, later in pairwise(exchanges)):
        raise InputError("exchanges must come in order of their starts; sort them")
    return [
        Request(str(number), one.request, one.start, one.start + spoken_for(one.request))
        for number, one in enumerate(exchanges)
    ]


def converse(
    exchanges: Sequence[Exchange], decide: Decide, voice: Voice | None = None, source: str = "millrace"
) -> list[Emission]:
    """Hold the conversations with a system, in virtual time, and return what it said, in order.

    There is one voice. A decision at t is spoken from t on, or when the voice is free and the user silent; 0.4 s a
    word, in chunks of a few words, each an emission with content {"text": …}, from `start` (= `t_emit`) to `end`, with
    the time of the decision as `t_input`. When the user begins a request, or an interrupted exchange ends, the voice
    breaks off: the chunk in the air ends there and is `cancelled`, and what waited is never said. Looks go on until
    the last exchange is over.

    Raises:
        InputError: exchanges out of order, or an answer to what was not yet asked.
    """
    run = _Run(exchanges, voice or Voice(), source)
    for now in range(0, max((one.end for one in exchanges), default=-1) + 1, run.voice.look):
        moment = run.look(now)
        run.take(now, decide(moment))
    return run.finish()


@dataclass(slots=True)
class _Chunk:
    text: str
    cause: str
    decided: int
    start: int
    end: int


class _Run:
    """The voice and the user at one time."""

    def __init__(self, exchanges: Sequence[Exchange], voice: Voice, source: str) -> None:
        self.voice = voice
        self._source = source
        self._heard = requests(exchanges)
        self._talks = [(one.start, one.heard) for one in self._heard]
        cuts = {one.end for one in exchanges if one.interrupted}
        self._cuts = sorted(cuts.union(start for start, _ in self._talks))
        self._known: set[str] = {""}
        self._planned: list[_Chunk] = []
        self._said: list[Emission] = []
        self._next_heard = self._next_cut = 0

    def look(self, now: int) -> Moment:
        """All that has happened up to `now`."""
        broken: dict[str, None] = {}
        while self._next_cut < len(self._cuts) and self._cuts[self._next_cut] <= now:
            broken |= dict.fromkeys(self._break(self._cuts[self._next_cut]))
            self._next_cut += 1
        self._speak(now)
        first = self._next_heard
        while self._next_heard < len(self._heard) and self._heard[self._next_heard].heard <= now:
            self._next_heard += 1
        new = tuple(self._heard[first : self._next_heard])
        self._known.update(one.id for one in new)
        return Moment(now, new, bool(self._planned), tuple(broken))

    def take(self, now: int, said: Iterable[Say]) -> None:
        """Plan the chunks of what was decided at `now`."""
        for one in said:
            if one.cause not in self._known:
                raise InputError(f"the system answers request {one.cause!r} at {now} ns, before it was heard")
            words = one.text.split()
            for first in range(0, len(words), self.voice.chunk):
                text = " ".join(words[first : first + self.voice.chunk])
                free = self._planned[-1].end if self._planned else self._said[-1].end if self._said else 0
                start = self._silent(max(now, free))
                self._planned.append(_Chunk(text, one.cause, now, start, start + spoken_for(text)))

    def finish(self) -> list[Emission]:
        """What is still being said is said to its end."""
        self._speak(max((chunk.end for chunk in self._planned), default=0))
        return self._said

    def _silent(self, t: int) -> int:
        """`t`, or the end of what the user says then."""
        talk = bisect_right(self._talks, (t, 1 << 62))
        return max(t, self._talks[talk - 1][1]) if talk else t

    def _speak(self, now: int) -> None:
        """What has been said to its end by `now` leaves."""
        while self._planned and self._planned[0].end <= now:
            self._leave(self._planned.pop(0), cancelled=False)

    def _break(self, at: int) -> list[str]:
        """The user speaks at `at`; ids of the requests whose answer is cut off."""
        until = at + self.voice.yields
        self._speak(at)
        broken = [chunk.cause for chunk in self._planned]
        for chunk in self._planned:
            if chunk.start >= until:
                continue
            whole = chunk.end <= until
            chunk.end = min(chunk.end, until)
            self._leave(chunk, cancelled=not whole)
        self._planned = []
        return broken

    def _leave(self, chunk: _Chunk, cancelled: bool) -> None:
        name = emission_id(self._source, "speech", chunk.start, len(self._said))
        self._said.append(
            Emission(
                name, "speech", {"text": chunk.text}, chunk.start, chunk.end, chunk.start, chunk.decided,
                self._source, cancelled, chunk.cause or None,
            )
        )  # fmt: skip
