"""What is remembered of a past."""

from __future__ import annotations

from headrace.engine.host import Inputs
from headrace.engine.past import Past, part


def told(most: int = 100) -> Past:
    past = Past(most)
    past.add(Inputs([1, 2, 3]), 3)
    past.add(Inputs([4]), 1)
    past.add(Inputs([5, 6], kind="video"), 2)
    past.add(Inputs([7]), 1)
    return past


def ids(runs: list[Inputs]) -> list[tuple[str, list[int]]]:
    return [(run.kind, list(run.ids)) for run in runs]


def test_inputs_that_belong_together_are_one() -> None:
    assert ids(told().first(7)) == [("text", [1, 2, 3, 4]), ("video", [5, 6]), ("text", [7])]
    assert ids(told().first(5)) == [("text", [1, 2, 3, 4]), ("video", [5])]
    assert told().nbytes() == 56


def test_what_is_alike() -> None:
    assert [told().common(ids) for ids in ([], [2], [1, 2, 9], [1, 2, 3, 4, 5, 6, 7, 8], [1])] == [0, 0, 2, 7, 1]


def test_cut_and_go_on() -> None:
    past = told()
    past.cut(5)
    past.add(Inputs([8], kind="video"), 1)
    assert ids(past.first(99)) == [("text", [1, 2, 3, 4]), ("video", [5, 8])]
    assert past.count == 6


def test_a_fork_is_its_own() -> None:
    past = told()
    other = past.fork()
    other.add(Inputs([9]), 1)
    past.add(Inputs([8]), 1)
    assert ids(past.first(9))[-1] == ("text", [7, 8])
    assert ids(other.first(9))[-1] == ("text", [7, 9])


def test_a_past_with_a_gap_is_none() -> None:
    for past in (told(6), told(0)):
        assert (past.count, past.whole, past.first(7)) == (7, False, [])
    past = told()
    past.add(None, 4)
    assert (past.count, past.whole, past.common([1])) == (11, False, 0)


def test_parts() -> None:
    runs = told().first(7)
    assert ids(part(runs, 2, 5)) == [("text", [3, 4]), ("video", [5])]
    assert part(runs, 4, 4) == part(runs, 7, 9) == []
    assert ids(part([Inputs(range(10, 20))], 3, 5)) == [("text", [13, 14])]
