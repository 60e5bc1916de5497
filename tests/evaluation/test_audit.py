"""What blind policies win, and how sure a score is."""

from __future__ import annotations

import math

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.audit import EACH_KIND, audit, describes, less_is_better, with_intervals
from headrace.evaluation.benchmark import Report, Stream, Value, say
from headrace.evaluation.judges import Exact
from tests.evaluation.asked import COLOURS, Asked, Judged, stream


@pytest.fixture
def streams() -> list[Stream]:
    """Four questions, whose answers are A, A, B, A; two alerts, at 1 s and at 9 s."""
    rows = [[[2, "which?", COLOURS, colour]] for colour in ("red", "red", "green", "red")]
    rows[0].append([1, "tell me", [], "now"])
    rows[1].append([9, "tell me", [], "now"])
    return [stream(f"s{number}", some) for number, some in enumerate(rows)]


def test_the_best_policy_of_each_figure(streams: list[Stream]) -> None:
    made = audit(Asked(), streams)
    assert (made.streams, made.tasks) == (4, 6)
    best = made.best("colour", "causal")
    assert best is not None
    assert (best.policy, best.value.value, best.share) == ('always "A"', 75.0, 0.75)
    alert = made.best("alert", "causal")
    assert alert is not None
    assert (alert.policy, alert.value.value) == ("after 2 s (a delay)", 50.0)
    assert made.total == "total"


def test_the_policies_together_take_more_than_each_alone(streams: list[Stream]) -> None:
    """3 of 4 colours and 1 of 2 alerts: 4 of 6 tasks; shares of 75, 50 and 66.7 %."""
    made = audit(Asked(), streams)
    total = made.best("total", "causal")
    assert total is not None
    assert total.policy == EACH_KIND
    assert total.value.value == pytest.approx(400 / 6)
    assert made.single("causal") == (EACH_KIND, pytest.approx((0.75 + 0.5 + 4 / 6) / 3))
    assert made.share("causal") == pytest.approx((0.75 + 0.5 + 4 / 6) / 3)


def test_a_figure_at_its_ceiling_is_won_outright(streams: list[Stream]) -> None:
    only = [one for one in streams if one.id != "s2"]
    made = audit(Asked(), only)
    assert made.outright("causal") == {"colour": 'always "A"'}
    assert made.outright("published")["total"] == 'always "A"'  # what it does not answer leaves the mean


def test_an_audit_is_json_without_nan(streams: list[Stream]) -> None:
    told = audit(Asked(), streams).to_json()
    assert told["policies"]["never"]["published"]["total"]["value"] is None
    assert told["best"]["causal"]["colour"] == {"policy": 'always "A"', "value": 75.0, "share": 0.75}
    assert told["share"]["causal"] == pytest.approx((0.75 + 0.5 + 4 / 6) / 3)


def test_less_of_some_figures_is_better_and_delays_only_describe() -> None:
    assert less_is_better("TimeDiff", Value(1.0, 1, "s"))
    assert less_is_better("false alarms an hour", Value(1.0, 1, ""))
    assert less_is_better("Redundancy", Value(1.0, 1, ""))
    assert less_is_better("NOR", Value(1.0, 1))
    assert not less_is_better("False premise", Value(1.0, 1))  # a kind of questions: its accuracy
    assert not less_is_better("sAP", Value(1.0, 1))
    assert describes("delay (median)", Value(1.0, 1, "s"))
    assert not describes("Delay tolerance", Value(1.0, 1))


def test_the_lowest_wins_where_less_is_better() -> None:
    class Late(Asked):
        def score(self, streams, emitted, judge=None):  # type: ignore[no-untyped-def]
            said = sum(map(len, emitted.values()))
            return Report({"TimeDiff": Value(9.0 - said, 1, "s")}, {"TimeDiff": Value(math.nan, 0, "s")})

    made = audit(Late(), [stream("s", [[1, "which?", COLOURS, "red"]])])
    best = made.best("TimeDiff", "published")
    assert best is not None
    assert (best.policy, best.value.value) == ('always "A"', 8.0)
    assert math.isnan(best.share)
    assert made.best("TimeDiff", "causal") is None
    assert made.outright("published") == {}


def test_intervals_are_drawn_over_streams() -> None:
    """Two streams of 50 questions each, one all right, one all wrong: any mean of two draws is 0, 50 or 100 %."""
    streams = [stream(name, [[t, "which?", COLOURS, "red"] for t in range(50)]) for name in ("right", "wrong")]
    said = {
        one.id: [say(task, one, "A" if one.id == "right" else "B", SECOND) for task in one.tasks] for one in streams
    }
    report = with_intervals(Asked(), streams, said, resamples=200, seed=1)
    colour = report.causal["colour"]
    assert (colour.value, colour.low, colour.high) == (50.0, 0.0, 100.0)
    assert repr(with_intervals(Asked(), streams, said, resamples=200, seed=1)) == repr(report)
    assert with_intervals(Asked(), streams[:1], said).causal["colour"].low is None
    assert with_intervals(Asked(), streams, said, resamples=0).causal["colour"].low is None


def test_a_figure_of_one_stream_has_no_interval(streams: list[Stream]) -> None:
    only = [streams[0], streams[2], streams[3]]  # the first alone has an alert
    report = with_intervals(Asked(), only, {}, resamples=50)
    assert report.causal["alert"].low is None
    assert report.causal["colour"].low == 0.0


def test_streams_that_were_never_run_stay_missing_in_every_draw() -> None:
    class Seen(Asked):
        def score(self, streams, emitted, judge=None):  # type: ignore[no-untyped-def]
            return Report({"run": Value(100.0 * sum(one.id in emitted for one in streams) / len(streams), 1)}, {})

    streams = [stream(name, [[1, "which?", COLOURS, "red"]]) for name in ("a", "b")]
    run = with_intervals(Seen(), streams, {"a": []}, resamples=100).published["run"]
    assert (run.value, run.low, run.high) == (50.0, 0.0, 100.0)


def test_what_cannot_be_scored() -> None:
    with pytest.raises(ConfigError, match="judged compares texts; give --judge"):
        audit(Judged(), [stream("s", [[1, "which?", COLOURS, "red"]])])
    with pytest.raises(InputError, match="asked: the annotations hold no task"):
        audit(Asked(), [Stream("s", "s", ())])
    twice = [stream("s", [[1, "which?", COLOURS, "red"]])] * 2
    with pytest.raises(InputError, match="hold the stream 's' twice"):
        audit(Asked(), twice)
    assert audit(Judged(), twice[:1], Exact()).judge == "exact"
