import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.evaluation import baselines
from headrace.evaluation.metrics import Score, alerts, average_f1
from headrace.evaluation.truth import Event

MINUTE = 60 * SECOND


def times(emitted) -> list[float]:
    return [emission.t_emit / SECOND for emission in emitted]


def test_when_they_speak():
    assert times(baselines.never(MINUTE)) == []
    assert times(baselines.always(4 * SECOND)) == [1, 2, 3]
    assert times(baselines.periodic(MINUTE, 20 * SECOND)) == [20, 40]
    assert times(baselines.constant_delay([50 * SECOND, 5 * SECOND], 15 * SECOND, MINUTE)) == [20]


def test_the_prior_is_the_mean_time_between_events():
    event = Event(0, 0)
    assert baselines.prior_period([30 * SECOND, 60 * SECOND], [[event], [event, event]]) == 30 * SECOND
    with pytest.raises(ConfigError):
        baselines.prior_period([SECOND], [[]])
    with pytest.raises(ConfigError):
        baselines.periodic(SECOND, 0)


def test_random_is_seeded_and_has_the_rate():
    day = 24 * 60 * MINUTE
    spoken = baselines.at_random(day, MINUTE, seed=1)
    assert spoken == baselines.at_random(day, MINUTE, seed=1)
    assert spoken != baselines.at_random(day, MINUTE, seed=2)
    assert len(spoken) == pytest.approx(day / MINUTE, rel=0.1)


def test_rows_beside_a_result_by_hand():
    """One event at 30 s of a minute, reach 2 s: speaking every second is always heard, at 57 false alarms."""
    truth, period = [Event(30 * SECOND, 31 * SECOND)], 30 * SECOND
    rows = {
        name: alerts(policy(MINUTE), truth, MINUTE, 2 * SECOND) for name, policy in baselines.policies(period).items()
    }
    assert list(rows) == ["never", "always", "periodic", "random"]
    assert rows["never"].score == Score(0, 0, 1)
    assert (rows["always"].score.recall, rows["always"].repeats, rows["always"].false) == (1, 2, 56)
    assert rows["periodic"].score == Score(1, 0, 0)


@given(st.integers(1, 10**12), st.integers(10**10, 10**12))
def test_every_policy_speaks_within_the_stream(duration, period):
    for policy in baselines.policies(period).values():
        spoken = [emission.t_emit for emission in policy(duration)]
        assert spoken == sorted(set(spoken))
        assert all(0 < t < duration for t in spoken)


def test_guessing_scores_by_luck_on_boundaries():
    """Why blind rows are printed: a fixed period finds regular cuts without looking."""
    cuts = [Event(s * SECOND, s * SECOND) for s in (10, 20, 30, 40, 50)]
    spoken = [emission.t_emit for emission in baselines.periodic(MINUTE, 10 * SECOND)]
    assert average_f1(spoken, cuts, MINUTE) == 1
