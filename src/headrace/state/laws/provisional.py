"""Law 8: what is written on trial leaves no trace, and what branches off goes its own way."""

from __future__ import annotations

from headrace.state.laws.compare import altered, distance, first_change, marks, relative
from headrace.state.laws.subject import Subject, Transacting, broken, feed

#: Relative difference allowed between writing n of many and writing only n: the sums are of other shapes.
MOST = 1e-9


def law_provisional(subject: Subject, seed: int = 0) -> None:
    """Write and roll back leaves the state as it was; commit(n) is as if only n had been written; forks are apart.

    The first two where the part has the transaction (`Transacting`).

    Raises:
        AssertionError: a trace is left, or one branch moved the other.
    """
    for begun in (0, 1, subject.capacity - 1, 2 * subject.capacity + 3):
        if isinstance(subject, Transacting):
            _leaves_no_trace(subject, seed, begun)
            _keeps_what_is_committed(subject, seed, begun)
    _forks_apart(subject, seed)


def _leaves_no_trace(subject: Transacting, seed: int, begun: int) -> None:
    inputs, trial = (subject.inputs(begun + subject.capacity, seed + k) for k in range(2))
    part = subject.open(seed=seed)
    feed(subject, part, inputs[:begun])
    before, twin = marks(part), part.fork()
    for count in sorted({1, min(subject.room(part), subject.capacity)}):
        subject.propose(part, trial[begun : begun + count])
        subject.rollback(part)
        if (what := altered(before, marks(part))) is not None:
            raise broken(8, subject, f"{count} inputs after {begun} were rolled back, but its {what} changed")
    rest = inputs[begun:]
    if (index := first_change(feed(subject, part, rest), feed(subject, twin, rest))) is not None:
        raise broken(8, subject, f"output {index} after a rollback at {begun} is not that of one that never began")


def _keeps_what_is_committed(subject: Transacting, seed: int, begun: int) -> None:
    inputs = subject.inputs(begun + 2 * subject.capacity, seed)
    first = subject.open(seed=seed)
    feed(subject, first, inputs[:begun])
    count = min(subject.room(first), subject.capacity)
    for n in subject.commits(count):
        part, only = first.fork(), first.fork()
        proposed = subject.propose(part, inputs[begun : begun + count])
        subject.commit(part, n)
        written = feed(subject, only, inputs[begun : begun + n], [max(n, 1)])
        told = f"commit({n}) of {count} after {begun} inputs"
        far, at = relative(proposed[:n], written)
        if not far <= MOST:
            raise broken(8, subject, f"{told}: output {at} differs from writing only {n}: {far:.2g} > {MOST:g}")
        far, what = distance(part.snapshot(), only.snapshot())
        if not far <= MOST:
            raise broken(8, subject, f"{told}: its {what} differs from writing only {n}: {far:.2g} > {MOST:g}")
        rest = inputs[begun + n :]
        far, at = relative(feed(subject, part, rest), feed(subject, only, rest))
        if not far <= MOST:
            raise broken(8, subject, f"{told}: output {at} afterwards differs: {far:.2g} > {MOST:g}")


def _forks_apart(subject: Subject, seed: int) -> None:
    begun = 2 * subject.capacity + 3
    inputs, others = (subject.inputs(begun + subject.capacity, seed + k) for k in range(2))
    part = subject.open(seed=seed)
    feed(subject, part, inputs[:begun])
    fork, second, before = part.fork(), part.fork(), marks(part)
    for name, one in (("the fork", fork), ("a second fork", second)):
        if (what := altered(before, marks(one))) is not None:
            raise broken(8, subject, f"after {begun} inputs, {what} of {name} is not the original's")
    feed(subject, fork, others[begun:])
    for name, one in (("the original", part), ("the second fork", second)):
        if (what := altered(before, marks(one))) is not None:
            raise broken(8, subject, f"advancing a fork changed {what} of {name}")
    moved = marks(fork)
    expected = feed(subject, part, inputs[begun:])
    if (what := altered(moved, marks(fork))) is not None:
        raise broken(8, subject, f"advancing the original changed {what} of a fork")
    if (index := first_change(feed(subject, second, inputs[begun:]), expected)) is not None:
        raise broken(8, subject, f"output {index} of a fork is not the original's")
