"""Host: what the engine needs of a runner and its sessions; real ones and synthetic ones give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from headrace.core.stateful import Snapshot
from headrace.engine.ladder import Rung
from headrace.engine.opening import Ask, Opening
from headrace.state.work import Runner

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a step added to a reply.

    Attributes:
        token: None for text that was held back until the reply ended.
        text: that may be shown now.
        ended: why the reply is over, or "".
        logprob, top: if they were asked for.
    """

    token: int | None
    text: str
    ended: str = ""
    logprob: float | None = None
    top: tuple[tuple[int, str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs of one stream and kind that were read together.

    Attributes:
        ids: tokens; of a synthetic session a range.
        stream, kind, pts: see Session.push.
        known: they were read before, and wait to be read again.
    """

    ids: Sequence[int]
    stream: str = "main"
    kind: str = "text"
    pts: int = 0
    known: bool = False


class Host(Runner[S], Protocol[S]):
    """A runner whose sessions an engine can hold. None of its calls runs the model but `run`."""

    @property
    def grain(self) -> int:
        """Tokens of a block by which beginnings are compared."""
        ...

    # ── sessions come and go ─────────────────────────────────────────────────────────────────────────────────────

    def open(self, opening: Opening, most: int = 1 << 62) -> S:
        """A new session.

        Raises:
            ConfigError: the opening does not fit the model, or its state may take more than `most` bytes; found out
                before any of them is taken.
        """
        ...

    def fork(self, session: S, seed: int | None) -> S: ...

    def save(self, session: S) -> Snapshot:
        """Everything, the reply under way included."""
        ...

    def restore(self, snapshot: Snapshot, opening: Opening, most: int = 1 << 62) -> S:
        """A session that was saved; raises as `open`, and StateError if the snapshot is damaged or of another model."""
        ...

    def close(self, session: S) -> None: ...

    # ── input and output ─────────────────────────────────────────────────────────────────────────────────────────

    def queue(self, session: S, data: Any, role: str | None, stream: str, kind: str | None, pts: int) -> int:
        """Let input wait to be read; how many tokens. Raises before anything is changed."""
        ...

    def prepare(
        self, session: S, data: Any, role: str | None, stream: str, kind: str | None, pts: int
    ) -> tuple[Any, int]:
        """What `queue` may be given in place of the data, so that texts become tokens once, and how many these are.

        Those of a turn are not counted. Raises what `queue` would raise, and changes nothing.
        """
        ...

    def drop(self, session: S, stream: str | None) -> int:
        """Forget what waits of a stream and was never read, or with None all that waits; how many tokens."""
        ...

    def waiting(self, session: S) -> int:
        """Tokens that wait to be read."""
        ...

    def again(self, session: S) -> int:
        """How many of them were read before."""
        ...

    def begin(self, session: S, ask: Ask, role: str | None) -> None:
        """Begin a reply; what its role brings is queued. A token is wanted from now on until the reply has ended."""
        ...

    def take(self, session: S) -> Spoken:
        """What the last `apply` added to the reply; asks for the next token unless that was the end."""
        ...

    def interrupt(self, session: S, keep: int | None) -> Spoken | None:
        """End the reply under way; text that was held back, if any. With `keep`, its later tokens count as not said."""
        ...

    def cut(self, work: Any, units: int) -> Any:
        """The first so many units of a piece that is not atomic."""
        ...

    def inputs(self, work: Any, out: Any) -> Inputs | None:
        """What a piece put into the state, or None where it cannot be put there again."""
        ...

    def plain(self, session: S) -> None:
        """No turn is open any more, and no reply was made: its whole input was given anew."""
        ...

    def known(self, work: Any) -> bool:
        """Whether a piece was read before, and is only read again."""
        ...

    # ── the past ─────────────────────────────────────────────────────────────────────────────────────────────────

    def rewind(self, session: S, kept: Sequence[Inputs], anew: Sequence[Inputs] = ()) -> bool:
        """Bring the state back to where only `kept` had been read; then `anew` waits to be read again.

        Returns:
            True: it is there, since nothing was evicted; False: all of `kept` waits to be read again.
        """
        ...

    def reread(self, session: S, kept: Sequence[Inputs]) -> None:
        """Forget the state and let `kept` wait to be read again, before all else that waits."""
        ...

    def whole(self, session: S, data: Any) -> list[int]:
        """The tokens that a session would have read if this were its whole input."""
        ...

    def chain(self, session: S) -> tuple[int, ...]:
        """Names of the whole blocks that wait at the beginning of a session that has read nothing, by content."""
        ...

    def lends(self, session: S, tokens: int) -> bool:
        """Whether the state after the first so many tokens can still be copied out of a session."""
        ...

    def lend(self, donor: S, session: S, tokens: int) -> Inputs:
        """Copy the state after the first so many tokens of `donor`; they wait no more. What they were."""
        ...

    # ── after a crash ────────────────────────────────────────────────────────────────────────────────────────────

    def pending(self, session: S) -> list[Inputs]:
        """All that waits to be read, in order."""
        ...

    def turns(self, session: S) -> Any:
        """Where the conversation stands, as JSON; None if there are no turns."""
        ...

    def recover(
        self, session: S, turns: Any, known: Sequence[Inputs], waiting: Sequence[Inputs], said: Sequence[int]
    ) -> None:
        """Let a session that was restored from before go on: `known` is read again first, then `waiting`.

        Args:
            turns: where the conversation stood.
            said: the last tokens of the last reply.
        """
        ...

    # ── size and place ───────────────────────────────────────────────────────────────────────────────────────────

    def entries(self, session: S) -> int:
        """Entries that a read goes over now."""
        ...

    def most_entries(self, session: S) -> int: ...

    def nbytes(self, session: S) -> int: ...

    def max_bytes(self, session: S) -> int: ...

    def rungs(self, session: S) -> tuple[Rung, ...]:
        """What a session can give up step by step, the best first; () if nothing."""
        ...

    def degrade(self, session: S, rung: int) -> None:
        """Run it on this rung from its next step on."""
        ...

    def stow(self, session: S) -> Snapshot:
        """Take the state out of a session, which keeps everything else."""
        ...

    def bring(self, session: S, state: Snapshot) -> None:
        """Put it back."""
        ...
