"""Routes are pure, spread what they should spread, and keep together what belongs together."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.cost import Cost
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.request import Request
from headrace.engine.schedulers.fcfs import Fcfs
from headrace.engine.schedulers.leastslack import LeastSlack
from headrace.engine.simulator import Machine, simulate
from headrace.engine.simulator.route import (
    ROUTES,
    Affinity,
    Blind,
    Least,
    PowerOfTwo,
    RoundRobin,
    View,
    draw,
    over,
    route_of,
)
from headrace.engine.traces import chat

ONE = Request(0, 1, 1)
VIEWS = st.lists(
    st.builds(
        View,
        seconds=st.floats(0, 100),
        bytes=st.integers(-5, 5),
        home=st.booleans(),
        blocks=st.integers(0, 3),
    ),
    min_size=1,
    max_size=6,
)


def loads(*seconds: float) -> list[View]:
    return [View(one) for one in seconds]


@settings(max_examples=60, deadline=None)
@given(views=VIEWS, number=st.integers(0, 1 << 40), name=st.sampled_from(sorted(ROUTES)))
def test_a_route_is_pure_and_leads_somewhere(views, number, name):
    route, before = route_of(name), copy.deepcopy(views)
    chosen = route(ONE, number, views)
    assert 0 <= chosen < len(views)
    assert views == before
    assert chosen == route(ONE, number, views) == route_of(name)(ONE, number, views)


def test_round_robin_takes_turns():
    assert [RoundRobin()(ONE, n, loads(9, 0, 0)) for n in range(5)] == [0, 1, 2, 0, 1]


def test_least_takes_the_shortest_queue_and_full_replicas_last():
    assert Least()(ONE, 0, loads(3, 1, 1)) == 1
    assert Least()(ONE, 0, [View(0.0, bytes=0), View(5.0, bytes=1)]) == 1


def test_power_of_two_never_takes_the_worst_and_reaches_all_others():
    route, views = PowerOfTwo(3), loads(1, 2, 9, 3)
    chosen = {route(ONE, number, views) for number in range(300)}
    assert chosen == {0, 1, 3}
    assert all(route(ONE, number, loads(2, 1)) == 1 for number in range(50))


def test_power_of_two_draws_evenly_and_by_its_seed():
    counts = [0] * 5
    for number in range(5000):
        counts[PowerOfTwo(0)(ONE, number, loads(0, 0, 0, 0, 0))] += 1
    assert min(counts) > 900
    assert max(counts) < 1100
    drawn = [[PowerOfTwo(seed)(ONE, n, loads(*[0] * 9)) for n in range(40)] for seed in (0, 1)]
    assert drawn[0] != drawn[1]


def test_two_choices_leave_the_fullest_replica_far_less_full_than_one():
    def fullest(route):
        queued = [0.0] * 50
        for number in range(1000):
            queued[route(ONE, number, loads(*queued))] += 1.0
        return max(queued)

    assert fullest(PowerOfTwo(1)) <= 23 < 28 <= fullest(Blind(1))


def test_draws_of_neighbours_are_unlike():
    bits = [draw(0, n) ^ draw(0, n + 1) for n in range(200)]
    assert 28 < sum(one.bit_count() for one in bits) / len(bits) < 36


def test_affinity_goes_home_until_the_queue_there_is_too_long():
    at_home = [View(4.0), View(5.0, home=True), View(9.0)]
    assert Affinity(steal=1.0)(ONE, 0, at_home) == 1
    assert Affinity(steal=0.9)(ONE, 0, at_home) == 0


def test_affinity_follows_the_longest_prefix_when_no_session_is_there():
    views = [View(0.5), View(0.9, blocks=2), View(0.8, blocks=3), View(0.7, blocks=3)]
    assert Affinity(steal=1.0)(ONE, 0, views) == 3
    assert Affinity(steal=0.1)(ONE, 0, views) == 0


def test_affinity_without_any_state_asks_the_other_route():
    assert Affinity(otherwise=RoundRobin())(ONE, 5, loads(0, 0, 0)) == 2


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="steal=-1"):
        Affinity(steal=-1)
    with pytest.raises(ConfigError, match="did you mean least"):
        route_of("leest")
    assert route_of(Affinity(2.0)) == Affinity(2.0)


def test_a_route_sees_what_waits_at_the_machines_of_a_simulation():
    machine = Machine(Lane(Fcfs(), Cost(base=0.01, per_unit=0.01)))
    sent = [Request(0, 300, 1), *(Request(SECOND // 10 * n, 4, 1) for n in range(1, 6))]
    served = simulate(sent, [machine] * 2, route=over(Least())).served
    assert [one.replica for one in served] == [0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("seed", range(3))
def test_routes_that_look_are_no_worse_than_one_that_does_not(seed):
    """Four machines that chat fills, without an overload: there the hits depend on the order too."""
    cost = Cost(base=0.01, per_unit=0.0005, per_row=0.001)
    machine = Machine(Lane(LeastSlack(), cost, Limits(rows=16, units=256)))
    sent = chat(12.0, 15.0, prompt=256, reply=64, seed=seed)
    rates, waits = {}, {}
    for name in ("blind", "power-of-two", "least"):
        served = simulate(sent, [machine] * 4, route=over(route_of(name))).served
        rates[name] = sum(one.hits for one in served) / sum(one.wanted for one in served)
        waits[name] = sum(one.first for one in served) / len(served)
    for name in ("power-of-two", "least"):
        assert rates[name] >= rates["blind"]
        assert waits[name] <= waits["blind"]


def test_a_route_finds_the_prefix_where_it_was_read():
    machine = Machine(Lane(Fcfs(), Cost(base=0.01)), share=True, remember=1000, prefixes=1000, grain=4)
    blocks = (7, 8)
    sent = [
        Request(0, 9, 1),
        Request(SECOND // 1000, 9, 1, prefix=blocks, block=4),
        Request(SECOND, 9, 1, prefix=blocks, block=4),
    ]
    served = simulate(sent, [machine] * 3, route=over(Affinity())).served
    assert [one.replica for one in served] == [0, 1, 1]
    assert served[2].reused == 8
