"""Each scheduler orders by its formula."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.core.errors import ConfigError
from headrace.engine.cost import Cost
from headrace.engine.limits import Limits
from headrace.engine.plan import fill
from headrace.engine.ready import Ready
from headrace.engine.request import Slo
from headrace.engine.schedulers.density import Density
from headrace.engine.schedulers.edf import Edf
from headrace.engine.schedulers.fair import Fair
from headrace.engine.schedulers.fcfs import Fcfs
from headrace.engine.schedulers.grouped import Grouped
from headrace.engine.schedulers.leastslack import LeastSlack
from headrace.engine.schedulers.prefillfirst import PrefillFirst
from headrace.engine.schedulers.registry import known, scheduler_of
from headrace.engine.schedulers.shortest import Shortest
from headrace.engine.schedulers.shuffled import Shuffled
from headrace.engine.schedulers.splitfuse import SplitFuse
from headrace.engine.schedulers.streamed import ByArrival, ByComputed, ByLastChunk, Streamed
from tests.engine.schedulers.drawn import MS, NOW, job

#: A token takes 2 ms, a tick 10 ms more.
COST = Cost(base=0.01, per_unit=0.002, per_row=0.0)


def order(scheduler, *jobs, now: int = NOW, limits: Limits | None = None, **more) -> list[int]:
    return [one.seq for one in scheduler(Ready(now, jobs, COST, limits or Limits(), **more))]


def test_fcfs_goes_by_release_whatever_was_promised() -> None:
    jobs = [job(0, release=5), job(1, release=3, slo=Slo(first=1)), job(2, 100, release=4)]
    assert order(Fcfs(), *jobs) == [1, 2, 0]


def test_edf_goes_by_the_next_output_and_the_late_come_last() -> None:
    soon, later = Slo(whole=11_000 * MS), Slo(whole=12_000 * MS)
    late = Slo(first=100 * MS, every=100 * MS)  # its token 90 was due a second ago
    paced = replace(job(4, slo=Slo(first=100 * MS, every=100 * MS), release=0), done_out=105)  # due at 10.6 s
    jobs = [job(0), job(1, slo=later, release=0), job(2, slo=soon, release=0), job(3, slo=late, release=0, done_out=89)]
    assert order(Edf(), *jobs, paced) == [4, 2, 1, 0, 3]


def test_least_slack_counts_the_seconds_that_are_needed() -> None:
    # due in 1 s; reading 450 tokens takes 0.91 s and the token 0.012 s, so that 78 ms are left against 88 of the other
    long, short = job(0, 450, slo=Slo(first=1_000 * MS), release=NOW), job(1, slo=Slo(first=100 * MS), release=NOW)
    hopeless = job(2, 600, slo=Slo(first=1_000 * MS), release=NOW)
    missed = job(3, slo=Slo(first=1 * MS), release=NOW - 5_000 * MS)
    assert order(LeastSlack(), missed, hopeless, job(4), short, long) == [0, 1, 4, 2, 3]


def test_prefill_first_and_split_fuse_are_opposite() -> None:
    jobs = [job(0), job(1, 300), job(2), job(3, 100)]
    assert order(PrefillFirst(), *jobs) == [1, 3, 0, 2]
    assert order(SplitFuse(), *jobs) == [0, 2, 1, 3]


def test_split_fuse_fills_every_launch_to_the_token() -> None:
    ready = Ready(NOW, (job(0), job(1, 300), job(2), job(3, 300)), COST, Limits(units=512))
    assert [share.units for share in fill(SplitFuse()(ready), ready).shares] == [1, 1, 300, 210]


def test_shortest_goes_by_all_that_is_left() -> None:
    # 0.21 + 0.412 s; 10 x 0.012 s; 0.11 + 0.212 s
    assert order(Shortest(), job(0, 100, 1), job(1, 0, 10), job(2, 50, 1)) == [1, 2, 0]


def test_shuffled_is_drawn_by_lot_and_keeps_its_places() -> None:
    jobs = [job(seq) for seq in range(40)]
    first = order(Shuffled(), *jobs)
    assert first not in (list(range(40)), order(Shuffled(1), *jobs))
    rest = [one for one in jobs if one.seq % 3]
    assert order(Shuffled(), *rest) == [seq for seq in first if seq % 3]
    leads = {order(Shuffled(seed), *jobs)[0] for seed in range(60)}
    assert len(leads) > 20


class TestDensity:
    def density(self, one, **more) -> float:
        return Density(**more).density(one, Ready(NOW, (one,), COST, Limits(), tick=0.02))

    def test_a_whole_that_holds_is_worth_its_tokens_by_its_seconds(self) -> None:
        # reading 50: 0.11 s; 5 tokens at the 20 ms of a tick of late (0.012 alone)
        one = job(0, 50, 5, Slo(whole=1_000 * MS), release=NOW)
        assert self.density(one) == pytest.approx((50 + 8 * 5) / (0.11 + 0.1))
        assert self.density(one, output=2.0) == pytest.approx((50 + 2 * 5) / 0.21)
        assert self.density(replace(one, value=3.0)) == pytest.approx(3 * 90 / 0.21)
        assert self.density(replace(one, slo=Slo())) == pytest.approx(90 / 0.21)
        assert self.density(replace(one, away=0.29)) == pytest.approx(90 / 0.5)

    def test_what_will_be_late_is_worth_less_by_the_exponent(self) -> None:
        one = job(0, 50, 5, Slo(whole=1_000 * MS), release=NOW - 1_790 * MS)  # done after 2 s
        assert self.density(one) == pytest.approx(90 / 0.21 / 2)
        assert self.density(one, exponent=2.0) == pytest.approx(90 / 0.21 / 4)

    def test_tokens_are_worth_something_by_the_first_and_the_last(self) -> None:
        # the first is due after 0.2 s and is ready after 0.1 + 0.13; the last is due after 0.6, ready after 0.31
        paced = job(0, 50, 5, Slo(first=200 * MS, every=100 * MS), release=NOW - 100 * MS)
        assert self.density(paced) == pytest.approx((50 * 0.2 / 0.23 + 8 * 5) / 0.21)
        # it said 2: the first counts in full, the 3 that are left take until 1 + 0.06
        said = job(0, 0, 3, Slo(first=200 * MS, every=100 * MS), release=NOW - 1_000 * MS, done_in=50, done_out=2)
        assert self.density(said) == pytest.approx((50 + 8 * (2 + 3 * 0.6 / 1.06)) / 0.06)

    def test_the_late_come_last_and_so_does_a_whole_that_cannot_be_kept(self) -> None:
        gone = job(0, 0, 1, Slo(whole=1 * MS), release=NOW - 5 * MS)
        hopeless = job(1, 0, 200, Slo(whole=2_000 * MS), release=NOW)  # 2.4 s even alone
        poor = job(2, 500, 100, Slo(whole=100_000 * MS), release=NOW)
        assert order(Density(), gone, hopeless, poor) == [2, 1, 0]

    def test_who_can_stand_back_does_and_who_cannot_keep_up_comes_before_the_hopeless(self) -> None:
        # a tick of late took 20 ms: 50 of them are a second
        patient = job(0, 0, 5, Slo(whole=5_000 * MS), release=NOW, done_in=900)
        pressing = job(1, 0, 5, Slo(whole=1_000 * MS), release=NOW)
        slow = job(2, 0, 50, Slo(whole=800 * MS), release=NOW, done_in=900)  # 0.6 s alone, 1 s at the pace of late
        hopeless = job(3, 0, 50, Slo(whole=500 * MS), release=NOW, done_in=900)
        jobs = [hopeless, slow, patient, pressing]
        assert order(Density(), *jobs, tick=0.02) == [1, 0, 2, 3]
        assert order(Density(spare=10), *jobs, tick=0.02) == [0, 1, 2, 3]

    def test_the_window_is_of_one_length(self) -> None:
        # by density alone: 0 (short), 1 (long), 2 and 3 (short), 4 (long)
        values = {0: 10.0, 1: 9.9, 2: 9.0, 3: 8.0, 4: 1.0}
        jobs = [job(seq, 0, 1, value=value, done_in=92) for seq, value in values.items()]
        for one in jobs:
            one.resident = 4_000 if one.seq in (1, 4) else 100
        cost = replace(COST, per_entry=0.0)
        ready = Ready(NOW, tuple(jobs), cost, Limits(rows=3))
        assert [one.seq for one in Density()(ready)] == [0, 2, 3, 1, 4]
        assert [one.seq for one in Density(reach=1)(ready)] == [0, 1, 2, 3, 4]

    @pytest.mark.parametrize("wrong", [{"output": -1.0}, {"exponent": float("nan")}, {"reach": 0}])
    def test_what_cannot_be_is_refused(self, wrong) -> None:
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            Density(**wrong)


def test_streamed_takes_the_complete_before_the_open() -> None:
    jobs = [
        job(0, 10, open=True, last_chunk=9, done_in=5),
        job(1, 10, last_chunk=8, done_in=50),
        job(2, 10, open=True, last_chunk=2, done_in=90),
        job(3, 10, last_chunk=3, done_in=7),
        job(4, done_in=10),
    ]
    assert order(Streamed(ByArrival()), *jobs) == order(Streamed(), *jobs) == [4, 1, 3, 0, 2]
    assert order(Streamed(ByLastChunk()), *jobs) == [4, 3, 1, 2, 0]
    assert order(Streamed(ByComputed()), *jobs) == [4, 1, 3, 2, 0]


def test_grouped_takes_tokens_then_groups_by_what_they_say_for_what_they_read() -> None:
    reads, talks = {"group": "reads", "todo_out": 2}, {"group": "talks", "todo_out": 40}
    jobs = [job(0, 100, **reads), job(1, 100, **talks), job(2, 100, 10), job(3, 100, **reads), job(4, 100, **talks)]
    assert order(Grouped(), *jobs) == [1, 4, 2, 0, 3]
    begun = replace(jobs[3], todo_in=60, done_in=40)
    assert order(Grouped(), *jobs[:3], begun, jobs[4], job(5)) == [5, 0, 3, 1, 4, 2]
    assert Grouped().gathers


def test_fair_prefers_the_program_that_had_less() -> None:
    jobs = [job(0, program="much"), job(1, program="little"), job(2, program="new"), job(3, program="much")]
    had = {"much": 5.0, "little": 0.9, "absent": 0.0}
    assert order(Fair(Fcfs()), *jobs, served=had) == [1, 2, 0, 3]
    assert order(Fair(Fcfs(), lag=10.0), *jobs, served=had) == [0, 1, 2, 3]
    assert order(Fair(Fcfs(), lag=0.5), *jobs, served=had) == [2, 1, 0, 3]
    assert order(Fair(Fcfs()), jobs[0], jobs[1], served={"much": 5.0, "little": 4.9, "absent": 0.0}) == [0, 1]
    assert Fair(Grouped()).gathers
    assert Fair(PrefillFirst()).separates
    assert not Fair().gathers
    with pytest.raises(ConfigError, match="lag"):
        Fair(lag=0.0)


def test_a_scheduler_is_found_by_name_by_recipe_and_as_it_is() -> None:
    assert all(scheduler_of(name) == make() for name, make in known().items())
    assert scheduler_of(Fair(lag=2.0)) == Fair(lag=2.0)

    class Recipe:
        def build(self):
            return Edf()

    assert scheduler_of(Recipe()) == Edf()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("eddf", "unknown scheduler 'eddf'; did you mean edf?"),
        ("whatever", "there are fcfs, edf, least-slack"),
        (Edf, "Edf is no scheduler"),
        (3, "int is no scheduler; give a name"),
    ],
)
def test_what_is_no_scheduler_is_refused_in_one_line(given, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        scheduler_of(given)
    assert "\n" not in str(error.value)
