"""Work: what a session wants run, and the Runner that can run it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

S = TypeVar("S")


@dataclass(slots=True)
class Work(Generic[S]):
    """A piece that can be run in one launch, alone or beside others.

    Attributes:
        session: whose it is.
        shape: pieces of one shape may share a launch.
        units: what it costs, in the runner's unit (tokens, frames).
        payload: what the runner needs, known to it alone.
        deadline: clock time in ns by which it should be done; None: none.
        atomic: it cannot be cut.
        gang: pieces of one gang run in the same launch or not at all; None: alone.
    """

    session: S
    shape: Hashable
    units: int
    payload: Any = None
    deadline: int | None = None
    atomic: bool = False
    gang: Hashable = None


class Runner(Protocol[S]):
    """A model that can run work. Only `drive` and a scheduled lane call `run`."""

    def ready(self, session: S) -> list[Work[S]]:
        """What can run now for a session, in order; nothing is changed by asking."""
        ...

    def cut(self, work: Work[S], units: int) -> Work[S]:
        """The first so many units of a piece that is not atomic."""
        ...

    def run(self, work: Sequence[Work[S]]) -> list[Any]:
        """Run pieces of equal shape in one launch; one output or, where a piece failed, one exception each."""
        ...

    def apply(self, work: Work[S], out: Any) -> None:
        """Write an output into its session; raises if the output is an exception."""
        ...


def drive(runner: Runner[S], sessions: Iterable[S]) -> None:
    """Run until no session has anything ready: the smallest scheduler there is, on no clock.

    In each turn the first piece of every session is taken, and pieces of equal shape share a launch. A piece that
    fails does not keep the others from ending.

    Raises:
        The first error that `apply` raised, after everything else was done.
    """
    failed: Exception | None = None
    waiting = list(sessions)
    while waiting:
        first = {id(session): ready[0] for session in waiting if (ready := runner.ready(session))}
        waiting = [session for session in waiting if id(session) in first]
        groups: dict[Hashable, list[Work[S]]] = {}
        for work in first.values():
            groups.setdefault(work.shape, []).append(work)
        for group in groups.values():
            for work, out in zip(group, runner.run(group), strict=True):
                try:
                    runner.apply(work, out)
                except Exception as error:
                    failed = failed or error
                    waiting = [session for session in waiting if session is not work.session]
    if failed is not None:
        raise failed
