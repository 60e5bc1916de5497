"""Law 3: what a session takes is known when it opens, and does not grow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from headrace.core.errors import CapacityError
from headrace.state.laws.compare import altered, marks
from headrace.state.laws.record import Op, Ops, places
from headrace.state.laws.subject import Inspectable, Subject, Unbounded, broken

#: A snapshot tells numbers in words: beyond what was promised it may grow by a quarter and some bytes.
VARIES, SOME = 1.25, 256


def law_constant(subject: Subject, seed: int = 0) -> None:
    """`nbytes <= max_bytes` at every step; from 2C inputs on the same storage, and the same work for every C inputs.

    Snapshots, which hold all of the state, do not grow beyond `max_bytes` either, whatever `nbytes` says. An
    `Unbounded` subject must instead raise a CapacityError by its limit and stay as it was.

    Raises:
        AssertionError: it grows, or its work does.
    """
    size, part = subject.capacity, subject.open(seed=seed)
    most = part.max_bytes()
    if isinstance(subject, Unbounded):
        _refuses(subject, part, most, seed)
        return
    inputs = subject.inputs(8 * size, seed)
    _run(subject, part, inputs, 0, 2 * size, most)
    held = part.snapshot().nbytes()
    steady = places(subject.tensors(part)) if isinstance(subject, Inspectable) else set()
    with Ops() as early:
        _run(subject, part, inputs, 2 * size, 3 * size, most)
    held = max(held, part.snapshot().nbytes())
    _run(subject, part, inputs, 3 * size, 6 * size, most)
    with Ops() as late:
        _run(subject, part, inputs, 6 * size, 7 * size, most)
    _run(subject, part, inputs, 7 * size, 8 * size, most)
    if (grown := part.snapshot().nbytes()) > VARIES * max(held, most) + SOME:
        raise broken(3, subject, f"its snapshot takes {held} bytes after {3 * size} inputs, {grown} after {8 * size}")
    now = places(subject.tensors(part)) if isinstance(subject, Inspectable) else set()
    if steady != now:
        gone, new = len(steady - now), len(now - steady)
        raise broken(3, subject, f"from input {2 * size} to {8 * size}, {gone} tensors went and {new} came")
    _same_work(subject, early.seen, late.seen)


def _same_work(subject: Subject, early: Sequence[Op], late: Sequence[Op]) -> None:
    at = next((k for k, pair in enumerate(zip_longest(early, late)) if pair[0] != pair[1]), None)
    if at is not None:
        size = subject.capacity
        one, other = (f"{ops[at][0]} {list(ops[at][1])}" if at < len(ops) else "nothing" for ops in (early, late))
        counts = f"{len(early)} and {len(late)} in {size} inputs"
        what = f"operation {at} after input {2 * size} is {one}, after input {6 * size} {other} ({counts})"
        raise broken(3, subject, what)


def _run(subject: Subject, part: Any, inputs: Sequence[Any], start: int, stop: int, most: int) -> None:
    """Feed inputs one at a time and watch the bytes."""
    for at in range(start, stop):
        subject.step([(part, inputs[at : at + 1])])
        _within(subject, part, at, most)


def _within(subject: Subject, part: Any, at: int, most: int) -> None:
    if not 0 <= part.nbytes() <= most:
        raise broken(3, subject, f"{part.nbytes()} bytes after input {at}, {most} promised when it was opened")
    if part.max_bytes() != most:
        raise broken(3, subject, f"max_bytes is {part.max_bytes()} after input {at}, {most} when it was opened")


def _refuses(subject: Unbounded, part: Any, most: int, seed: int) -> None:
    inputs = subject.inputs(subject.limit, seed)
    for at in range(len(inputs)):
        before = marks(part)
        try:
            subject.step([(part, inputs[at : at + 1])])
        except CapacityError:
            if (what := altered(before, marks(part))) is not None:
                raise broken(3, subject, f"it refused input {at}, but its {what} changed") from None
            return
        _within(subject, part, at, most)
    raise broken(3, subject, f"it has no bound and took all {len(inputs)} inputs without a CapacityError")
