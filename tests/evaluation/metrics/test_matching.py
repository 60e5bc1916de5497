import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.evaluation.baselines import always, speak
from headrace.evaluation.judges import Exact
from headrace.evaluation.metrics import Joint, Score, joint, judged, matching
from headrace.evaluation.metrics.alerts import alerts
from headrace.evaluation.truth import Event


def events(*starts):
    return [Event(start, start, f"event {start}") for start in starts]


def say(*times):
    return speak("test", times)


def times(matched):
    return [(emission.t_emit, event.start) for emission, event in matched.pairs]


def test_greedy_takes_the_nearest_pair_and_may_lose_one():
    """98 is nearest to 100, so greedy pairs them, and 95 and 103 stay alone; the most pairs are two."""
    truth, said = events(95, 100), say(98, 103)
    greedy = matching(said, truth, 3, symmetric=True, choice="greedy")
    assert times(greedy) == [(98, 100)]
    assert greedy.score == Score(1, 1, 1)
    assert [one.t_emit for one in greedy.unmatched] == [103]
    assert [one.start for one in greedy.missed] == [95]
    assert times(matching(said, truth, 3, symmetric=True)) == [(98, 95), (103, 100)]


def test_among_the_most_pairs_the_nearest_are_taken():
    assert times(matching(say(101, 104), events(100), 5)) == [(101, 100)]
    assert times(matching(say(104, 101), events(100), 5, symmetric=True)) == [(101, 100)]
    assert times(matching(say(105), events(100, 104), 5)) == [(105, 104)]


def test_symmetric_time_cannot_tell_a_guess_from_a_report():
    """OmniPro, +-3 s: two seconds before every event scores what two seconds after it scores."""
    truth = events(*range(10 * SECOND, 200 * SECOND, 13 * SECOND))
    late = say(*(event.start + 2 * SECOND for event in truth))
    early = say(*(event.start - 2 * SECOND for event in truth))
    for choice in ("greedy", "optimal"):
        scores = [matching(one, truth, 3 * SECOND, symmetric=True, choice=choice).score for one in (early, late)]
        assert scores[0] == scores[1] == Score(len(truth), 0, 0)
        assert matching(early, truth, 3 * SECOND, choice=choice).score.tp == 0
        assert matching(late, truth, 3 * SECOND, choice=choice).score.f1 == 1


def test_content_is_judged_on_the_pairs():
    said = say(100, 203, 400)
    said[0].content, said[1].content = {"text": "Event 100!"}, {"text": "event 300"}
    outcome = joint(matching(said, events(100, 200, 300), 5), judged(Exact()))
    assert outcome == Joint(Score(2, 1, 1), 1)
    assert outcome.content == 0.5
    assert outcome.joint == Score(1, 2, 2)
    # 2 P R / (P + R) with P = R = 1 / 3.
    assert outcome.joint.f1 == pytest.approx(1 / 3)
    assert (outcome + outcome).right == 2


def test_nothing_and_cancelled():
    empty = joint(matching([], [], 5), judged(Exact()))
    assert empty.time == Score()
    assert empty.content != empty.content  # NaN: there is no pair
    said = say(100)
    said[0].cancelled = True
    assert matching(said, events(100), 5).score == Score(0, 0, 1)


def test_wrong_arguments():
    with pytest.raises(ConfigError):
        matching([], [], -1)
    with pytest.raises(ConfigError):
        matching([], [], 1, choice="best")


TIMES = st.lists(st.integers(0, 120), max_size=9)


@given(TIMES, TIMES, st.booleans(), st.sampled_from(["optimal", "greedy"]), st.randoms(use_true_random=False))
def test_pairs_are_one_to_one_within_reach_and_in_any_order(said, starts, symmetric, choice, shuffle):
    emitted, truth = speak("test", said), events(*starts)
    found = matching(emitted, truth, 12, symmetric=symmetric, choice=choice)
    lead = 12 if symmetric else 0
    assert all(-lead <= delay <= 12 for delay in found.delays)
    assert len(found.pairs) + len(found.unmatched) == len(said)
    assert len(found.pairs) + len(found.missed) == len(starts)
    shuffle.shuffle(emitted)
    shuffle.shuffle(truth)
    assert times(matching(emitted, truth, 12, symmetric=symmetric, choice=choice)) == times(found)


@given(TIMES, TIMES, st.booleans())
def test_optimal_is_the_best_of_all(said, starts, symmetric):
    found = matching(speak("test", said), events(*starts), 12, symmetric=symmetric)
    lead = 12 if symmetric else 0
    best = most(tuple(sorted(said)), tuple(sorted(starts)), lead, 12)
    assert (len(found.pairs), -sum(map(abs, found.delays))) == best
    assert len(found.pairs) == alerts(speak("test", said), events(*starts), 200, 12, symmetric=symmetric).score.tp
    greedy = matching(speak("test", said), events(*starts), 12, symmetric=symmetric, choice="greedy")
    assert len(greedy.pairs) <= len(found.pairs) <= 2 * len(greedy.pairs)


def most(said, starts, lead, reach):
    """(pairs, -cost) by trying every partner of every emission: crossings are allowed."""
    tables = {0: (0, 0)}  # used events, as bits
    for t in said:
        grown = dict(tables)
        for used, (pairs, cost) in tables.items():
            for j, s in enumerate(starts):
                if not used >> j & 1 and -lead <= t - s <= reach:
                    key = used | 1 << j
                    grown[key] = max(grown.get(key, (-1, 0)), (pairs + 1, cost - abs(t - s)))
        tables = grown
    return max(tables.values())


def test_a_day_of_talking_is_matched_within_memory_and_time():
    day = 24 * 3600 * SECOND
    truth = events(*range(7 * SECOND, day, 60 * SECOND))
    found = matching(always(day), truth, 3 * SECOND, symmetric=True)
    assert len(found.pairs) == len(truth)
    assert set(found.delays) == {0}
