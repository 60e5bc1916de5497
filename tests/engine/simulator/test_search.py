"""The search for the highest rate at which a promise holds, and for the placement that has it."""

from dataclasses import dataclass

import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.cost import Cost
from headrace.engine.lane import Lane
from headrace.engine.request import Request, Served
from headrace.engine.schedulers.prefillfirst import PrefillFirst
from headrace.engine.simulator import Machine
from headrace.engine.simulator.placement import Fleet, Transfer
from headrace.engine.simulator.search import Found, Promise, balanced, best_placement, best_rate

FREE = Transfer(0, 1.0)


def test_a_promise_counts_what_was_refused_or_never_came_as_broken():
    kept = Served(Request(0, 1, 2), 0, times=[2, 2 * SECOND], end=2 * SECOND, read=SECOND)
    refused = Served(Request(0, 1, 2), 0, refused="full")
    never = Served(Request(0, 1, 2), 0, times=[2], read=SECOND)
    promise = Promise(1.0, 0.5, share=0.3)
    assert promise.kept([kept, refused, never]) == pytest.approx(1 / 3)
    assert promise.tighter(1.001).kept([kept]) == 0.0
    assert Promise(0.9, 1.0).kept([kept]) == 0.0
    assert Promise(1.0, 0.4).kept([kept]) == 0.0


@dataclass(frozen=True)
class Until:
    """A placement that is as quick as can be up to a rate, and late beyond."""

    limit: float
    gpus: int

    def serve(self, requests):
        late = len(requests) > self.limit * self.gpus
        return [Served(one, 0, end=2, read=2 * SECOND if late else 1) for one in requests]


def counted(rate: float) -> list[Request]:
    return [Request(0, 1, 1)] * round(rate)


def test_the_search_ends_at_the_rate_a_gpu_where_the_promise_breaks():
    found = best_rate(Until(300.0, 4), counted, Promise(1.0, 9.0), most=1024.0, within=1.0)
    assert found.rate == 300.0
    assert found.tried[0] == (512.0, 0.0)
    assert found.tried[1] == (256.0, 1.0)
    assert len(found.tried) == 10
    assert best_rate(Until(0.0, 1), counted, Promise(1.0, 9.0), most=64.0, within=4.0).rate == 0.0


def test_of_equal_placements_the_one_of_fewer_gpus_is_first():
    some = [Until(100.0, 4), Until(200.0, 3), Until(200.0, 2)]
    found = best_placement(some, counted, Promise(1.0, 9.0), most=512.0, within=1.0)
    assert [one.placement for one in found] == [some[2], some[1], some[0]]
    assert all(isinstance(one, Found) for one in found)


def machine(per_unit: float, per_row: float) -> Machine:
    return Machine(Lane(PrefillFirst(), Cost(base=0.001, per_unit=per_unit, per_row=per_row)))


def steady(rate: float) -> list[Request]:
    """Five seconds of requests of 10 tokens in and 10 out."""
    return [Request(round(n * SECOND / rate), 10, 10) for n in range(max(round(rate * 5), 1))]


def test_replicas_of_both_halves_are_balanced_by_what_each_serves_alone():
    # reading takes 41 ms a request, 24 a second; saying 10 rows of 40 ms each, 2.5 a second
    # in the long run and 3 in the first five seconds
    quick, slow = Fleet(machine(0.004, 0.0)), Fleet(machine(0.0, 0.04))
    wide = Fleet(machine(0.0, 0.04), degree=2)
    promise = Promise(0.5, 0.5)
    found = balanced([quick], [slow, wide], FREE, steady, promise, gpus=8, most=32.0, within=1.0)
    assert (found.reading.replicas, found.saying.replicas, found.saying.degree) == (1, 6, 1)
    even = balanced([quick], [quick], FREE, steady, promise, gpus=2, most=32.0, within=4.0)
    assert (even.reading.replicas, even.saying.replicas) == (1, 1)


def test_a_balance_that_cannot_be_is_refused():
    fleet = Fleet(machine(0.001, 0.001))
    with pytest.raises(ConfigError, match="do not hold a replica of 1 that reads and one of 1 that says"):
        balanced([fleet], [fleet], FREE, steady, Promise(0.2, 0.5), gpus=1, most=20.0, within=5.0)
    with pytest.raises(ConfigError, match="promise less"):
        balanced([fleet], [fleet], FREE, steady, Promise(1e-4, 0.5), gpus=2, most=20.0, within=5.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Promise(0.0, 1.0),
        lambda: Promise(1.0, 1.0, 1.1),
        lambda: best_rate(Until(1.0, 1), counted, Promise(1.0, 1.0), within=0.0),
        lambda: best_rate(Until(1.0, 1), counted, Promise(1.0, 1.0), most=0.0),
    ],
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(ConfigError):
        make()
