from math import exp, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import InputError
from headrace.evaluation.baselines import speak
from headrace.evaluation.metrics import counting, counts_at


def test_gaussian_precision_by_hand():
    # 5 % of 20 is 1: off by one is one standard deviation. Below 1 the spread is that of 1.
    assert counting([21], [20]).gpa == pytest.approx(exp(-0.5))
    assert counting([0], [0]).gpa == 1
    assert counting([0.1], [0]).gpa == pytest.approx(exp(-2))
    assert counting([4], [3]).gpa == pytest.approx(exp(-1 / (2 * 0.15**2)))
    assert counting([20, 22, 1], [20, 20, 20]).gpa == pytest.approx((1 + exp(-2)) / 3)


def test_order_by_hand():
    assert counting([1, 2, 2, 5], [1, 2, 3, 4]).moc == 1
    assert counting([1, 0, 2, 3], [1, 2, 3, 4]).moc == 0
    assert counting([1, 2, 3, 0], [1, 2, 3, 4]).moc == pytest.approx(2 / 3)
    assert counting([3, 2, 1, 0], [1, 2, 3, 4]).falls == 1
    assert counting([1, 2, 3, 0], [1, 2, 3, 4]).falls == pytest.approx(1 / 3)
    # Where the truth falls, so may the count.
    assert counting([3, 2, 4], [3, 2, 4]).falls == 0


def test_direction_by_hand():
    assert counting([0, 5, 5, 4], [1, 2, 2, 3]).uda == pytest.approx(2 / 3)


def test_plain_figures():
    outcome = counting([1, 3, None, 9], [1, 2, 3, 4])
    assert (outcome.exact, outcome.off_by_one, outcome.mae, outcome.missing) == (0.25, 0.5, 2, 1)


def test_a_missing_count_is_wrong():
    for missing in (None, nan, float("inf")):
        outcome = counting([1, missing, 3], [1, 2, 3])
        assert outcome.gpa == pytest.approx(2 / 3)
        assert (outcome.moc, outcome.uda, outcome.falls) == (0, 0, 1)


@pytest.mark.parametrize("huge", [1e200, 10**200, -(10**300)])
def test_a_count_out_of_reach_is_wrong_and_no_more(huge):
    outcome = counting([huge, 2], [1, 2])
    assert (outcome.gpa, outcome.exact, outcome.missing) == (0.5, 0.5, 0)
    assert outcome.mae == pytest.approx(float(abs(huge)) / 2)


def test_a_count_that_no_float_holds_is_missing():
    outcome = counting([10**400, -(10**400), 3], [1, 2, 3])
    assert (outcome.given, outcome.gpa, outcome.mae) == ((None, None, 3), pytest.approx(1 / 3), 0)
    assert counting([1e308, -1e308], [-1e308, 1e308]).mae == float("inf")
    with pytest.raises(InputError, match="no finite number"):
        counting([1], [10**400])


def test_blind_rows_win_what_does_not_look_at_the_truth():
    truth = [3, 4, 5, 6, 7]
    said = {"never": [None] * 5, "zero": [0] * 5, "prior": [5] * 5, "one more each time": [1, 2, 3, 4, 5]}
    rows = {name: counting(given, truth) for name, given in said.items()}
    assert (rows["prior"].moc, rows["zero"].moc, rows["never"].moc) == (1, 1, 0)
    assert rows["one more each time"].uda == 1
    assert rows["one more each time"].exact == 0
    assert rows["prior"].gpa == pytest.approx(0.2, abs=1e-3)


def test_counts_at_their_times():
    said = speak("test", [10, 20, 30])
    for count, one in enumerate(said):
        one.content = {"count": count}
    said[1].cancelled = True
    assert counts_at(said, [5, 10, 29, 30], lambda one: one.content["count"]) == [None, 0, 0, 2]


def test_too_little_and_wrong():
    assert isnan(counting([], []).gpa)
    assert isnan(counting([1], [1]).moc)
    assert isnan(counting([None], [1]).mae)
    with pytest.raises(InputError):
        counting([1], [])
    with pytest.raises(InputError):
        counting([1], [nan])


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 30)), st.integers(0, 30)), min_size=2, max_size=8))
def test_shares_and_the_truth_itself(pairs):
    given_, truth = zip(*pairs, strict=True)
    outcome = counting(given_, truth)
    for share in (outcome.gpa, outcome.moc, outcome.uda, outcome.exact, outcome.off_by_one):
        assert 0 <= share <= 1
    assert outcome.exact <= outcome.off_by_one
    assert outcome.exact <= outcome.gpa + 1e-12
    perfect = counting(truth, truth)
    assert (perfect.gpa, perfect.uda, perfect.exact, perfect.mae) == (1, 1, 1, 0)
