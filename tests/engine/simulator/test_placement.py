"""Placements: what moves when, and who waits for whom."""

import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.cost import Cost
from headrace.engine.lane import Lane
from headrace.engine.request import Chunk, Request, Slo
from headrace.engine.schedulers.prefillfirst import PrefillFirst
from headrace.engine.schedulers.splitfuse import SplitFuse
from headrace.engine.simulator import Machine
from headrace.engine.simulator.placement import Apart, Fleet, Together, Transfer
from headrace.engine.simulator.route import RoundRobin
from headrace.engine.simulator.search import times
from headrace.engine.traces.loads import chat

#: A launch takes 10 ms and 1 ms a token.
MACHINE = Machine(Lane(PrefillFirst(), Cost(base=0.01, per_unit=0.001)))
MS = SECOND // 1000
FREE = Transfer(0, 1.0)


def fleet(replicas: int = 1, degree: int = 1) -> Fleet:
    return Fleet(MACHINE, replicas, degree)


def test_a_state_moves_after_it_was_read_and_is_spoken_from_then_on():
    placed = Apart(fleet(), fleet(), Transfer(token_bytes=10, bandwidth=1000.0, base=0.005))
    (one,) = placed.serve([Request(5 * MS, 40, 3, slo=Slo(first=60 * MS, every=12 * MS))])
    read = 5 + 10 + 40
    arrived = read + 5 + 400
    assert one.read == read * MS
    assert one.times == [(arrived + 11 * n) * MS for n in (1, 2, 3)]
    assert one.due == [(5 + 60 + 12 * n) * MS for n in (0, 1, 2)]
    assert one.end == one.times[-1]
    assert times(one) == pytest.approx((0.050, (5 + 400 + 33) / 3 / 1000))


def test_a_replica_sends_one_state_after_the_other_and_two_send_at_once():
    transfer = Transfer(token_bytes=1, bandwidth=100.0)
    sent = [Request(0, 10, 1), Request(0, 10, 1)]
    alone = Apart(fleet(), fleet(), transfer).serve(sent)
    # both are read in one launch of 30 ms; the second state leaves when the first, of 100 ms, has arrived
    assert [one.times for one in alone] == [[(30 + 100 + 11) * MS], [(30 + 200 + 11) * MS]]
    two = Fleet(MACHINE, 2, route=RoundRobin())
    both = Apart(two, fleet(), transfer).serve(sent)
    assert [one.times for one in both] == [[(20 + 100 + 12) * MS]] * 2


def test_every_token_is_said_once_and_after_the_reading():
    sent = chat(20.0, 5.0, seed=1)
    sent.append(Request(0, 7, 0))
    for placed in (Together(fleet(2)), Apart(fleet(2), fleet(), FREE)):
        served = placed.serve(sent)
        assert [one.request for one in served] == sent
        for one in served:
            assert one.read is not None
            assert one.read > one.request.arrival
            assert len(one.times) == max(one.request.outputs, 1)
            assert sorted(one.times) == one.times
            assert one.times[0] >= one.read
            assert one.end == one.times[-1]


def test_saying_is_not_held_up_by_reading_when_they_are_apart():
    sent = [Request(0, 4, 50), *(Request(n * 40 * MS, 100, 1) for n in range(1, 20))]
    together = times(Together(fleet()).serve(sent)[0])[1]
    apart = times(Apart(fleet(), fleet(), FREE).serve(sent)[0])[1]
    assert apart <= 0.013
    assert together > 2 * apart


def test_the_scheduler_of_the_machine_decides():
    sent = [Request(0, 4, 50), *(Request(n * 40 * MS, 100, 1) for n in range(1, 20))]
    first = Together(fleet()).serve(sent)
    fused = Together(Fleet(Machine(Lane(SplitFuse(), MACHINE.lane.cost)))).serve(sent)
    assert times(fused[0])[1] < times(first[0])[1]


def test_sessions_and_chunks_stay_together():
    placed = Apart(fleet(), fleet(), FREE)
    for sent in ([Request(0, 4, 1, session="a")] * 2, [Request(0, 4, 1, chunks=(Chunk(1, 1),))]):
        with pytest.raises(ConfigError, match="state does not move back"):
            placed.serve(sent)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Fleet(MACHINE, 0),
        lambda: Fleet(MACHINE, degree=1.5),
        lambda: Transfer(1, 0.0),
        lambda: Transfer(1, 1.0, -1.0),
    ],
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(ConfigError):
        make()
