"""What one tick holds: budgets, pieces, slack, and that deciding changes nothing."""

from __future__ import annotations

import random
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.engine.cost import Cost
from headrace.engine.job import Job
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.plan import fill
from headrace.engine.ready import Ready
from headrace.engine.request import Slo
from headrace.engine.schedulers.registry import known

MS = 10**6
COST = Cost(1e-3, per_unit=1e-3)


def job(seq: int, todo_in: int = 0, todo_out: int = 1, **more: object) -> Job:
    piece = todo_in or 1
    return Job(f"s{seq}", seq, 0, **{"slo": Slo(), "todo_in": todo_in, "todo_out": todo_out, "piece": piece} | more)  # type: ignore[arg-type]


def units(jobs: list[Job], now: int = 0, cost: Cost = COST, **limits: float) -> list[tuple[str, int]]:
    plan = fill(jobs, Ready(now, tuple(jobs), cost, Limits(**limits)))  # type: ignore[arg-type]
    return [(share.job.session, share.units) for share in plan.shares]


def test_each_budget_ends_a_tick() -> None:
    jobs = [job(0, 10), job(1), job(2, 30), job(3)]
    assert units(jobs) == [("s0", 10), ("s1", 1), ("s2", 30), ("s3", 1)]
    assert units(jobs, rows=2) == [("s0", 10), ("s1", 1)]
    assert units(jobs, units=20) == [("s0", 10), ("s1", 1), ("s2", 9)]
    assert units(jobs, seconds=0.0195) == [("s0", 10), ("s1", 1), ("s2", 7)]


def test_the_first_piece_always_runs_and_what_is_atomic_is_not_cut() -> None:
    assert units([job(0, 30, atomic=True)], units=8, seconds=1e-6) == [("s0", 30)]
    assert units([job(0, 30)], seconds=1e-6) == [("s0", 30)]
    assert units([job(0), job(1, 30, atomic=True), job(2)], units=8) == [("s0", 1), ("s2", 1)]


def test_a_long_reading_does_not_make_a_token_late() -> None:
    due = Slo(first=20 * MS)
    assert units([job(0, slo=due), job(1, 100)]) == [("s0", 1), ("s1", 12)]
    assert units([job(0, slo=due), job(1, 100)], now=30 * MS) == [("s0", 1), ("s1", 100)]


@settings(max_examples=10)
@given(st.integers(0, 2**32), st.sampled_from(sorted(known())))
def test_deciding_is_pure_and_keeps_within_its_limits(seed: int, name: str) -> None:
    draw = random.Random(seed)
    jobs = [
        Job(
            f"s{number}",
            number,
            draw.randint(0, 50) * MS,
            draw.choice([Slo(), Slo(first=draw.randint(1, 90) * MS, every=5 * MS)]),
            n := draw.choice([0, 0, draw.randint(1, 80)]),
            draw.randint(0 if n else 1, 30),
            piece=min(n, 32) or 1,
            resident=draw.randint(0, 500),
            program=draw.choice("ab"),
            atomic=draw.random() < 0.2,
        )
        for number in range(draw.randint(1, 20))
    ]
    limits = Limits(rows=draw.randint(1, 8), units=draw.randint(1, 64), seconds=draw.choice([0.02, 0.1]))
    lane = Lane(known()[name](), COST, limits)
    before = deepcopy(jobs)
    plans = [lane.tick(60 * MS, jobs, served={"a": 0.1}, last=0.01) for _ in range(2)]
    assert plans[0] == plans[1]
    assert jobs == before
    shares = plans[0].shares
    assert 1 <= len(shares) <= limits.rows
    assert len({share.job.session for share in shares}) == len(shares)
    assert all(1 <= share.units <= share.job.next for share in shares)
    assert len(shares) == 1 or sum(share.units for share in shares) <= max(limits.units, shares[0].units)
    assert len(shares) == 1 or plans[0].seconds <= limits.seconds
    assert plans[0].seconds == pytest.approx(COST.seconds(plans[0].rows))


def test_nothing_ready_is_no_plan() -> None:
    assert not Lane(known()["fcfs"](), COST).tick(0, []).shares
