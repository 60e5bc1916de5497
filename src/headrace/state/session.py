"""Session: one live stream of inputs, its state, and what it has been asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from headrace.core.errors import StateError
from headrace.core.stateful import Snapshot, Stateful
from headrace.state.container import Container
from headrace.state.policy import Policy
from headrace.state.redo import Piece
from headrace.state.work import Runner, drive


@dataclass(slots=True)
class Input:
    """Inputs that wait to be run.

    Attributes:
        data: what the runner takes, with a length: token ids, embeddings.
        stream, kind: whose they are and of what kind.
        pts: media time, ns.
        every: the outputs at all of them are wanted, not only the last.
        known: they were read before, and are read again.
    """

    data: Any
    stream: str = "main"
    kind: str = "text"
    pts: int = 0
    every: bool = False
    known: bool = False


class Host(Runner["Session"], Protocol):
    """What a session needs of its runner."""

    def take(self, session: Session, data: Any, stream: str, kind: str, pts: int) -> list[Input]:
        """Check what was pushed and turn it into inputs; raises before anything is changed."""
        ...

    def again(self, piece: Piece) -> Input:
        """The input that a redo brings back."""
        ...

    def reply(self, session: Session, options: Mapping[str, Any]) -> Iterator[Any]:
        """Begin a reply."""
        ...

    def turn(self, session: Session, role: str) -> list[Input]:
        """What has to be read before a role has its turn."""
        ...

    def fork(self, session: Session, policy: Policy | None) -> Session: ...

    def save(self, session: Session) -> Snapshot: ...


class Session:
    """One live stream. Made by its runner: `lm.session()`.

    Every call computes before it returns. A session belongs to one thread at a time; sessions share nothing but the
    model, and an error in one leaves the others as they are. What a failed call had asked for and not yet read is
    forgotten; what was read before stands.

    Args:
        host: the runner.
        container: keys and values.
        parts: whatever else is remembered, by name.

    Attributes:
        opening: what is read before everything else, until it has been.
        inbox: inputs that wait.
        wanted: outputs that are asked for and not yet made.
        epoch: raised by every interruption.
        outbox: what the last call brought.
        reply: the last reply, if there was one; its text is its own and no state of the session.
    """

    def __init__(self, host: Host, container: Container, parts: Mapping[str, Stateful]) -> None:
        self.host, self.container, self.parts = host, container, dict(parts)
        self.opening: Input | None = None
        self.inbox: deque[Input] = deque()
        self.wanted = 0
        self.epoch = 0
        self.outbox: list[Any] = []
        self.reply: Any = None
        self.closed = False

    @property
    def policy(self) -> Policy:
        return self.container.policy

    def push(self, data: Any, *, stream: str = "main", kind: str = "text", pts: int = 0) -> None:
        """Read more input.

        Args:
            data: what the runner takes; of language models text (tokenised alone), ids, or embeddings [n, hidden].
            stream, kind: whose it is and of what kind; the policy's budgets and positions may go by them.
            pts: media time, ns.

        Raises:
            InputError, ConfigError: it does not fit the model or the policy; nothing was changed.
            CapacityError: the policy is not bounded and its limit is reached; what fitted was read.
            StateError: the session is closed, or the model gave NaN; what was read before stands.
        """
        self.queue(data, stream=stream, kind=kind, pts=pts)
        drive(self.host, [self])

    def queue(self, data: Any, *, stream: str = "main", kind: str = "text", pts: int = 0) -> int:
        """As `push`, but nothing is run: the input waits for whoever drives the session. How many inputs came."""
        self.check_open()
        taken = self.host.take(self, data, stream, kind, pts)
        self.inbox.extend(taken)
        return sum(len(one.data) for one in taken)

    def turn(self, role: str) -> None:
        """End the turn before, if there is one, and begin that of a role, as the model's chat template writes it."""
        self.queue_turn(role)
        drive(self.host, [self])

    def queue_turn(self, role: str) -> int:
        """As `turn`, but nothing is run. How many inputs came."""
        self.check_open()
        taken = self.host.turn(self, role)
        self.inbox.extend(taken)
        return sum(len(one.data) for one in taken)

    @property
    def waiting(self) -> int:
        """Inputs that wait to be run; what opens the session counts once there is reason to read it."""
        queued = sum(len(one.data) for one in self.inbox)
        opens = self.opening is not None and (queued > 0 or self.wanted > 0)
        return queued + (len(self.opening.data) if opens and self.opening is not None else 0)

    def say(self, **options: Any) -> Iterator[Any]:
        """Begin to answer; each `next` makes one step. See the runner for options."""
        self.check_open()
        self.reply = self.host.reply(self, options)
        return cast(Iterator[Any], self.reply)

    def interrupt(self) -> None:
        """End the reply that is under way: what was said is said, nothing more will be.

        The only call that another thread may make while this session is at work.
        """
        self.epoch += 1
        self.wanted = 0

    def boundary(self, *, shot: bool = False) -> None:
        """End the segment that is being written; with `shot`, another shot begins."""
        self.check_open()
        self.container.boundary(shot)

    def signal(self, event: str) -> int:
        """Tell the policy of an event, such as "prompt"; it may run kept inputs again.

        Returns:
            How many inputs were run again.
        """
        self.check_open()
        if self.policy.redo is None or self.policy.redo.event != event:
            return 0
        before = self.container.fork()
        pieces = self.container.redo(event)
        try:
            for piece in pieces:
                self.container.again(piece)
                self.inbox.append(self.host.again(piece))
                drive(self.host, [self])
        except BaseException:
            self.container = before
            raise
        return sum(len(piece.inputs) for piece in pieces)

    def fork(self, policy: Policy | None = None) -> Session:
        """Another session with the same past; nothing is shared.

        Args:
            policy: under which it goes on; StateError unless it would have kept the same until now.
        """
        self.check_open()
        return self.host.fork(self, policy)

    def snapshot(self) -> Snapshot:
        """Everything, to be saved with `Snapshot.save` and taken up with the runner's `restore`."""
        self.check_open()
        return self.host.save(self)

    def close(self) -> None:
        """Let go of all state. Closing twice is fine."""
        self.closed = True
        self.inbox.clear()
        self.interrupt()
        self.container.reset()

    def nbytes(self) -> int:
        """Bytes held now."""
        return self.container.nbytes() + sum(part.nbytes() for part in self.parts.values())

    def max_bytes(self) -> int:
        """Bytes at most, known when the session is opened."""
        return self.container.max_bytes() + sum(part.max_bytes() for part in self.parts.values())

    def check_open(self) -> None:
        """StateError if the session is closed."""
        if self.closed:
            raise StateError("the session is closed; open another with session() or restore()")

    def __repr__(self) -> str:
        state = (
            "closed" if self.closed else f"{self.container.count} inputs, {self.nbytes()} of {self.max_bytes()} bytes"
        )
        return f"<Session: {state}>"

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
