"""What checks of schedulers are measured by."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.item import SECOND
from headrace.engine.request import NEVER, Request, Served, Slo
from headrace.engine.schedulers.fcfs import Fcfs
from headrace.engine.simulator import simulate
from headrace.recipes.simulated import compare, gaps, goodput, machine, mean, said, seeds

SLO = Slo(first=SECOND)


def served(times: list[float], outputs: int, slo: Slo = SLO, **given) -> Served:
    request = Request(0, 10, outputs, slo=slo)
    at = [round(time * SECOND) for time in times]
    due = [slo.due(0, number) for number in range(len(at))]
    given["end"] = at[-1] if len(at) == outputs else None
    return Served(request, 0, at, due, **given)


def test_only_whole_promises_are_goodput_and_all_seconds_count() -> None:
    kept, late = served([0.5, 3.0], 2), served([1.5, 1.6], 2)
    cut, refused = served([0.5], 2), Served(Request(0, 10, 5), 0, refused="full")
    assert goodput([kept, late, cut, refused], 4.0) == 0.5
    assert said([kept, late, cut, refused]) == 5
    assert kept.due == [SECOND, NEVER]


def test_gaps_are_those_within_a_reply() -> None:
    found = gaps([served([0.5, 0.75, 1.75], 3), served([9.0], 1), served([2.0, 2.5], 2)])
    assert found.tolist() == [0.25, 1.0, 0.5]
    assert gaps([served([9.0], 1)]).tolist() == [0.0]


def test_means_and_paired_comparisons_over_seeds() -> None:
    runs = {"ours": [{"x": 2.0}, {"x": 6.0}], "theirs": [{"x": 1.0}, {"x": 2.0}]}
    assert mean(runs["ours"]) == {"x": 4.0}
    assert compare(runs, "x", lambda a, b: a / b, "ours", "theirs") == (2.5, 0.5)


def test_seeds_of_two_checks_never_meet() -> None:
    assert set(seeds(0, True)).isdisjoint(seeds(1, True))
    assert len(seeds(3, False)) >= 3
    assert set(seeds(3, False)) < set(seeds(3, True))


def test_a_prompt_alone_takes_what_was_published() -> None:
    (one,) = simulate([Request(0, 400, 3)], machine(Fcfs())).served
    read, *rest = np.diff([0, *one.times]) / 1e6
    # reading: 18.1 + 0.1019 x 400 + 7.1e-6 x 400^2 ms, and 3 ms of the call; a token: 19.9 ms and 2 of the call
    assert read == pytest.approx(18.1 + 40.8 + 1.1 + 3 + 22.3, abs=1)
    assert rest == pytest.approx([22.3, 22.3], abs=0.3)
