"""Synthetic: sessions that are only numbers, for the simulator. The engine cannot tell them from real ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from headrace.core.errors import ConfigError, StateError
from headrace.core.stateful import Snapshot
from headrace.engine.host import Inputs, Spoken
from headrace.engine.ladder import Rung
from headrace.engine.opening import Ask, Opening
from headrace.state.work import Work

#: Entries that a read goes over, by how many tokens were read and said.
Residence = Callable[[int], int]


@dataclass(frozen=True)
class Input:
    """What a synthetic session is given to read.

    Attributes:
        units: tokens.
        prefix: names of the blocks that it begins with; equal names, equal tokens.
    """

    units: int
    prefix: tuple[int, ...] = ()


@dataclass(slots=True)
class Figure:
    """A session of numbers.

    Attributes:
        count: tokens in its state.
        waiting: tokens of each input that waits.
        outputs: tokens that its reply still has.
        prefix: names of the blocks that it begins with.
        opening: tokens that are read before everything else.
    """

    opening: int
    count: int = 0
    waiting: deque[int] = field(default_factory=deque)
    outputs: int = 0
    prefix: tuple[int, ...] = ()


def capped(most: int) -> Residence:
    """A state that grows until it holds so many entries."""
    return lambda n: min(n, most)


def sinks_and_window(sinks: int, recent: int, block: int) -> Residence:
    """What `pin(tokens=sinks) + recent(tokens=recent)` keeps: the newest whole blocks, and the pins of the first."""
    blocks = -(-recent // block)

    def entries(n: int) -> int:
        full, rest = divmod(n, block)
        return rest + min(full, blocks) * block + (min(sinks, block) if full > blocks else 0)

    return entries


class Synthetic:
    """A Host of figures.

    Args:
        residence: entries by tokens.
        most: entries at most.
        block: a piece ends where a block of so many tokens does; 0: an input is one piece.
        entry_bytes: bytes of an entry.
        opening: tokens that every session reads first.
        grain: tokens of a block of a prefix.
    """

    def __init__(
        self,
        residence: Residence | None = None,
        *,
        most: int = 4096,
        block: int = 0,
        entry_bytes: int = 1,
        opening: int = 0,
        grain: int = 16,
    ) -> None:
        self.residence = residence or capped(most)
        self.most, self.block, self.entry_bytes, self.opening, self.grain = most, block, entry_bytes, opening, grain

    # ── Runner ───────────────────────────────────────────────────────────────────────────────────────────────────

    def ready(self, session: Figure) -> list[Work[Figure]]:
        if session.waiting or (session.opening and session.outputs):
            n = session.opening or session.waiting[0]
            if self.block:
                n = min(n, self.block - session.count % self.block)
            return [Work(session, "tokens", n, True)]
        return [Work(session, "tokens", 1, None, atomic=True)] if session.outputs else []

    def cut(self, work: Work[Figure], units: int) -> Work[Figure]:
        return replace(work, units=units)

    def run(self, work: Sequence[Work[Figure]]) -> list[Any]:
        return [None] * len(work)

    def apply(self, work: Work[Figure], out: Any) -> None:
        session = work.session
        session.count += work.units
        if work.payload is None:
            return
        if session.opening:
            session.opening -= work.units
        else:
            session.waiting[0] -= work.units
            if not session.waiting[0]:
                session.waiting.popleft()

    def inputs(self, work: Work[Figure], out: Any) -> Inputs:
        return Inputs(range(work.session.count - work.units, work.session.count))

    # ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, opening: Opening, most: int = 1 << 62) -> Figure:
        return Figure(self.opening)

    def fork(self, session: Figure, seed: int | None) -> Figure:
        return replace(session, waiting=deque(), outputs=0)

    def save(self, session: Figure) -> Snapshot:
        return Snapshot("figure", {"count": session.count, "opening": session.opening})

    def restore(self, snapshot: Snapshot, opening: Opening, most: int = 1 << 62) -> Figure:
        meta = snapshot.expect("figure").meta
        return Figure(int(meta["opening"]), int(meta["count"]))

    def close(self, session: Figure) -> None:
        session.waiting.clear()

    def queue(self, session: Figure, data: Any, role: str | None, stream: str, kind: str | None, pts: int) -> int:
        given = _given(data)
        if given.prefix and not session.count and not session.waiting:
            session.prefix = given.prefix
        if given.units:
            session.waiting.append(given.units)
        return given.units

    def prepare(
        self, session: Figure, data: Any, role: str | None, stream: str, kind: str | None, pts: int
    ) -> tuple[Any, int]:
        return data, _given(data).units

    def drop(self, session: Figure, stream: str | None) -> int:
        dropped = sum(session.waiting)
        session.waiting.clear()
        return dropped

    def waiting(self, session: Figure) -> int:
        if not session.waiting and not session.outputs:
            return 0
        return session.opening + sum(session.waiting)

    def again(self, session: Figure) -> int:
        return 0

    def begin(self, session: Figure, ask: Ask, role: str | None) -> None:
        if not session.count and not session.waiting:
            raise StateError("nothing was read yet, so nothing can be said; push something first")
        session.outputs = ask.max_tokens

    def take(self, session: Figure) -> Spoken:
        session.outputs -= 1
        return Spoken(0, "", "" if session.outputs else "length")

    def interrupt(self, session: Figure, keep: int | None) -> Spoken | None:
        session.outputs = 0
        return None

    def plain(self, session: Figure) -> None:
        return

    def known(self, work: Work[Figure]) -> bool:
        return False

    # ── the past ─────────────────────────────────────────────────────────────────────────────────────────────────

    def rewind(self, session: Figure, kept: Sequence[Inputs], anew: Sequence[Inputs] = ()) -> bool:
        count = sum(len(one.ids) for one in kept)
        for one in reversed(anew):
            session.waiting.appendleft(len(one.ids))
        if self.residence(session.count) < session.count:
            self.reread(session, kept)
            return False
        session.count = count
        return True

    def reread(self, session: Figure, kept: Sequence[Inputs]) -> None:
        count = sum(len(one.ids) for one in kept)
        session.count = 0
        if count:
            session.waiting.appendleft(count)

    def whole(self, session: Figure, data: Any) -> list[int]:
        """An update is (tokens that are as they were, tokens in all)."""
        alike, tokens = data
        return [*range(alike), *([-1] * (tokens - alike))]

    def chain(self, session: Figure) -> tuple[int, ...]:
        whole = max(session.opening + sum(session.waiting) - 1, 0) // self.grain
        return session.prefix[:whole]

    def lends(self, session: Figure, tokens: int) -> bool:
        return self.residence(session.count) == session.count >= tokens

    def lend(self, donor: Figure, session: Figure, tokens: int) -> Inputs:
        session.count, left = tokens, max(tokens - session.opening, 0)
        session.opening = max(session.opening - tokens, 0)
        while left:
            n = min(left, session.waiting[0])
            session.waiting[0] -= n
            left -= n
            if not session.waiting[0]:
                session.waiting.popleft()
        return Inputs(range(tokens))

    # ── after a crash ────────────────────────────────────────────────────────────────────────────────────────────

    def pending(self, session: Figure) -> list[Inputs]:
        return [Inputs(range(n)) for n in (session.opening, *session.waiting) if n]

    def turns(self, session: Figure) -> Any:
        return None

    def recover(
        self, session: Figure, turns: Any, known: Sequence[Inputs], waiting: Sequence[Inputs], said: Sequence[int]
    ) -> None:
        session.opening = session.outputs = 0
        session.waiting = deque(len(one.ids) for one in (*known, *waiting))

    # ── size ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def entries(self, session: Figure) -> int:
        return self.residence(session.count)

    def most_entries(self, session: Figure) -> int:
        return self.most

    def nbytes(self, session: Figure) -> int:
        return self.entries(session) * self.entry_bytes

    def max_bytes(self, session: Figure) -> int:
        return self.most * self.entry_bytes

    def rungs(self, session: Figure) -> tuple[Rung, ...]:
        return ()

    def degrade(self, session: Figure, rung: int) -> None:
        raise StateError("a figure has nothing to give up")

    def stow(self, session: Figure) -> Snapshot:
        return Snapshot("figure", {"count": session.count})

    def bring(self, session: Figure, state: Snapshot) -> None:
        return


def _given(data: Any) -> Input:
    given = data if isinstance(data, Input) else Input(len(data) if isinstance(data, list) else data)
    if given.units < 0:
        raise ConfigError(f"a synthetic input of {given.units} tokens; give 0 or more")
    return given
