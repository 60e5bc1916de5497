import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation import baselines
from headrace.evaluation.metrics import alerts
from headrace.evaluation.metrics.score import Score
from headrace.evaluation.truth import Event


def events(*starts: int) -> list[Event]:
    return [Event(start, start) for start in starts]


def say(*times: int):
    return baselines.speak("test", times)


def test_causal_by_hand():
    # Reach 10. 100: hit at 104 and repeated at 108. 200: said 3 too early, so missed. 300 is false.
    outcome = alerts(say(104, 108, 197, 300), events(100, 200), duration=3600 * SECOND, tolerance=10)
    assert outcome.latencies == (4,)
    assert (outcome.missed, outcome.repeats, outcome.false) == (1, 1, 2)
    assert outcome.false_per_hour == 2
    assert outcome.score == Score(1, 3, 1)


def test_symmetric_forgives_a_guess():
    outcome = alerts(say(197), events(200), duration=1000, tolerance=10, symmetric=True)
    assert outcome.latencies == (-3,)
    assert outcome.false == 0


def test_cancelled_alerts_never_reached_anyone():
    made = say(100)
    made[0].cancelled = True
    assert alerts(made, events(100), 1000, 10).missed == 1


def test_edges_of_the_reach():
    assert alerts(say(100, 210), events(100, 200), 1000, 10).latencies == (0, 10)
    assert alerts(say(99, 211), events(100, 200), 1000, 10).missed == 2


def test_wrong_arguments():
    with pytest.raises(ConfigError):
        alerts([], [], 10, -1)
    with pytest.raises(InputError):
        alerts([], [], 0, 1)


TIMES = st.lists(st.integers(0, 200), max_size=10)


@given(TIMES)
def test_speaking_at_every_event_is_perfect(starts):
    outcome = alerts(say(*starts), events(*starts), 201, 0)
    assert outcome.score.f1 == 1
    assert set(outcome.latencies) <= {0}


@given(TIMES, TIMES, st.booleans(), st.randoms(use_true_random=False))
def test_matching_finds_the_most_pairs_in_any_order(times, starts, symmetric, shuffle):
    emitted, truth = say(*times), events(*starts)
    outcome = alerts(emitted, truth, 201, 15, symmetric=symmetric)
    assert outcome.score.tp == most_pairs(times, starts, 15 if symmetric else 0, 15)
    assert len(outcome.latencies) + outcome.repeats + outcome.false == len(times)
    shuffle.shuffle(emitted)
    shuffle.shuffle(truth)
    assert alerts(emitted, truth, 201, 15, symmetric=symmetric) == outcome


def most_pairs(times: list[int], starts: list[int], lead: int, tolerance: int) -> int:
    """Maximum bipartite matching by augmenting paths."""
    partner: dict[int, int] = {}

    def place(event: int, tried: set[int]) -> bool:
        for index, t in enumerate(times):
            if index not in tried and starts[event] - lead <= t <= starts[event] + tolerance:
                tried.add(index)
                if index not in partner or place(partner[index], tried):
                    partner[index] = event
                    return True
        return False

    return sum(place(event, set()) for event in range(len(starts)))
