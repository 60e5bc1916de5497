"""What holds of every scheduler, and of what is filled in its order."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engine.cost import Cost
from headrace.engine.limits import Limits
from headrace.engine.plan import fill
from headrace.engine.ready import Ready
from headrace.engine.request import NEVER, Slo
from headrace.engine.schedulers.density import Density
from headrace.engine.schedulers.edf import Edf
from headrace.engine.schedulers.fair import Fair
from headrace.engine.schedulers.leastslack import LeastSlack
from headrace.engine.schedulers.registry import known, scheduler_of
from headrace.engine.schedulers.streamed import ByComputed, ByLastChunk, Streamed
from tests.engine.schedulers.drawn import MS, NOW, job, readies

EVERY = [*(make() for make in known().values()), Streamed(ByLastChunk()), Streamed(ByComputed()), Fair(Density())]
NAMES = [repr(one) for one in EVERY]


@pytest.mark.parametrize("scheduler", EVERY, ids=NAMES)
@settings(max_examples=12, deadline=None)
@given(ready=readies(), data=st.data())
def test_it_is_pure_and_orders_all_jobs_by_nothing_but_their_data(scheduler, ready: Ready, data) -> None:
    before = deepcopy(ready)
    order = scheduler(ready)
    assert ready == before
    assert sorted(one.seq for one in order) == [one.seq for one in ready.jobs]
    assert all(any(one is other for other in ready.jobs) for one in order)
    mixed = replace(ready, jobs=tuple(data.draw(st.permutations(ready.jobs))))
    assert [one.seq for one in scheduler(mixed)] == [one.seq for one in order]


@pytest.mark.parametrize("name", [name for name in known() if name != "random"])
def test_equals_stand_in_order_of_arrival(name: str) -> None:
    equal = tuple(job(seq, 5, 3, Slo(whole=60_000 * MS), release=7) for seq in (3, 1, 2, 0))
    order = scheduler_of(name)(Ready(NOW, equal, Cost(), Limits()))
    assert [one.seq for one in order] == [0, 1, 2, 3]


@pytest.mark.parametrize("scheduler", EVERY, ids=NAMES)
@settings(max_examples=12, deadline=None)
@given(ready=readies())
def test_filling_its_order_conserves_work_within_the_budgets(scheduler, ready: Ready) -> None:
    plan, limits = fill(scheduler(ready), ready), ready.limits
    assert plan.shares
    units = sum(share.units for share in plan.shares)
    assert len(plan.shares) <= limits.rows
    assert plan.seconds == pytest.approx(ready.cost.seconds(plan.rows))
    if len(plan.shares) > 1:
        assert units <= max(limits.units, plan.shares[0].units)
        assert plan.seconds <= max(limits.seconds, ready.cost.seconds(plan.rows[:1])) + 1e-12
    for share in plan.shares:
        assert 1 <= share.units <= share.job.next
        assert share.units == share.job.next or not share.job.atomic
    bound = min([limits.seconds, *(s for s in _slacks(plan, ready) if s >= plan.seconds)])
    running = {share.job.seq for share in plan.shares}
    for left in (one for one in ready.jobs if one.seq not in running):
        full = len(plan.shares) == limits.rows or units + left.next > limits.units
        assert full or ready.cost.seconds([*plan.rows, (left.next, left.resident)]) > bound


def _slacks(plan, ready: Ready) -> list[float]:
    return [(share.job.due - ready.now) / 1e9 for share in plan.shares if share.job.due < NEVER]


@pytest.mark.parametrize("scheduler", [Edf(), LeastSlack(), Density(), Density(reach=1)], ids=repr)
@settings(max_examples=40, deadline=None)
@given(ready=readies())
def test_late_work_stands_behind_feasible_work(scheduler, ready: Ready) -> None:
    order = scheduler(ready)
    late = [one.due < ready.now for one in order]
    easy = [
        one.due == NEVER
        or (ready.slack(one) >= 0 and (one.slo.whole == NEVER or one.due >= ready.now + ready.remaining(one) * 1e9 + 1))
        for one in order
    ]
    if any(late) and any(easy):
        assert late.index(True) > max(at for at, is_easy in enumerate(easy) if is_easy)


@settings(max_examples=15, deadline=None)
@given(
    lag=st.floats(0.01, 0.5),
    tokens=st.lists(st.integers(1, 300), min_size=2, max_size=4),
    ahead=st.floats(0, 3),
)
def test_programs_that_always_have_work_stay_within_the_lag_and_one_tick(lag: float, tokens, ahead: float) -> None:
    limits, cost, fair = Limits(rows=2, units=256), Cost(), Fair(lag=lag)
    served = {f"p{number}": ahead * (number == 0) for number in range(len(tokens))}
    todo = [
        job(2 * number + extra, units, program=f"p{number}") for number, units in enumerate(tokens) for extra in (0, 1)
    ]
    longest, within = 0.0, False
    for _ in range(100):
        ready = Ready(NOW, tuple(todo), cost, limits, served)
        plan = fill(fair(ready), ready)
        least, share = min(served.values()), plan.seconds / len(plan.shares)
        assert all(served[one.job.program] - least < lag for one in plan.shares)
        for one in plan.shares:
            served[one.job.program] += share
        longest = max(longest, plan.seconds)
        lead = max(served.values()) - min(served.values())
        within = within or lead <= lag
        assert lead <= (lag + longest if within else max(ahead, lag + longest)) + 1e-9
