"""The smallest scheduler: one piece a session in turn, equal shapes together, errors apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import InputError
from headrace.state import Work, drive


@dataclass(eq=False)
class Reader:
    """A session with numbers to read; a negative one fails when it is applied."""

    waiting: deque[int]
    read: list[int] = field(default_factory=list)


@dataclass
class Doubler:
    """Doubles numbers; the shape of a piece is its number of digits. It writes down what it was told."""

    launches: list[list[int]] = field(default_factory=list)
    asked: int = 0

    def ready(self, session: Reader) -> list[Work[Reader]]:
        self.asked += 1
        return [Work(session, len(str(abs(n))), 1, n) for n in session.waiting]

    def run(self, work: Sequence[Work[Reader]]) -> list[Any]:
        assert len({one.shape for one in work}) == 1
        assert len({id(one.session) for one in work}) == len(work)
        self.launches.append([one.payload for one in work])
        return [InputError(f"{one.payload} is below 0") if one.payload < 0 else 2 * one.payload for one in work]

    def apply(self, work: Work[Reader], out: Any) -> None:
        if isinstance(out, Exception):
            raise out
        assert work.session.waiting.popleft() == work.payload
        work.session.read.append(out)


def readers(*numbers: Sequence[int]) -> list[Reader]:
    return [Reader(deque(own)) for own in numbers]


def test_nobody_waits_longer_than_a_turn() -> None:
    runner, sessions = Doubler(), readers([1, 2, 3, 4], [5], [], [6, 7])
    drive(runner, sessions)
    assert runner.launches == [[1, 5, 6], [2, 7], [3], [4]]
    assert [session.read for session in sessions] == [[2, 4, 6, 8], [10], [], [12, 14]]


def test_only_equal_shapes_share_a_launch() -> None:
    runner, sessions = Doubler(), readers([1, 100], [22, 3], [4, 555])
    drive(runner, sessions)
    assert runner.launches == [[1, 4], [22], [100, 555], [3]]


def test_a_session_that_fails_keeps_no_other_from_its_end() -> None:
    runner, sessions = Doubler(), readers([1, -2, 3], [4, 5, 6], [-7], [8])
    with pytest.raises(InputError, match=r"^-7 is below 0$"):
        drive(runner, sessions)
    assert [session.read for session in sessions] == [[2], [8, 10, 12], [], [16]]
    assert [list(session.waiting) for session in sessions] == [[-2, 3], [], [-7], []]
    assert runner.launches == [[1, 4, -7, 8], [-2, 5], [6]]


def test_nothing_to_do_is_done() -> None:
    runner = Doubler()
    drive(runner, [])
    drive(runner, readers([], []))
    assert (runner.launches, runner.asked) == ([], 2)


def test_sessions_may_come_from_an_iterator() -> None:
    def some() -> Iterator[Reader]:
        yield from readers([1], [2, 3])

    runner = Doubler()
    drive(runner, some())
    assert runner.launches == [[1, 2], [3]]


def test_as_many_outputs_as_pieces() -> None:
    class Short(Doubler):
        def run(self, work: Sequence[Work[Reader]]) -> list[Any]:
            return super().run(work)[:-1]

    with pytest.raises(ValueError, match="zip"):
        drive(Short(), readers([1], [2]))


@given(st.lists(st.lists(st.integers(-3, 300), max_size=6), max_size=6))
def test_all_that_can_be_read_is_read_in_order(numbers: list[list[int]]) -> None:
    runner, sessions = Doubler(), readers(*numbers)
    stops = [next((at for at, n in enumerate(own) if n < 0), len(own)) for own in numbers]
    if any(stop < len(own) for stop, own in zip(stops, numbers, strict=True)):
        with pytest.raises(InputError):
            drive(runner, sessions)
    else:
        drive(runner, sessions)
    for session, own, stop in zip(sessions, numbers, stops, strict=True):
        assert session.read == [2 * n for n in own[:stop]]
        assert list(session.waiting) == own[stop:]
    assert all(len(launch) <= len(numbers) for launch in runner.launches)
