from headrace.core.item import SECOND
from headrace.evaluation import blind
from headrace.evaluation.baselines import constant_delay
from headrace.evaluation.metrics import alerts
from headrace.evaluation.truth import Event, Exchange


def test_the_prior_of_a_delay_counts_from_the_question():
    asked = [10 * SECOND, 50 * SECOND]
    others = [Event(17 * SECOND, 17 * SECOND), Event(55 * SECOND, 55 * SECOND)]
    delay = blind.delay_prior(others, asked)
    assert delay == 6 * SECOND
    said = constant_delay(asked, delay, 60 * SECOND)
    assert [one.t_emit // SECOND for one in said] == [16, 56]
    outcome = alerts(said, others, 60 * SECOND, 2 * SECOND, symmetric=True)
    assert outcome.score.f1 == 1
    assert blind.delay_prior([], []) == 0


def test_exchanges_have_the_prior_answer():
    talks = [
        Exchange(0, 5 * SECOND, 9 * SECOND, answer="yes"),
        Exchange(10 * SECOND, 11 * SECOND, 20 * SECOND, answer="yes"),
    ]
    rows = blind.exchange_rows(talks, talks)
    assert [(one.t_emit, one.content["text"]) for one in rows["prior"]] == [(3 * SECOND, "yes"), (13 * SECOND, "yes")]
    assert len(rows["always"]) == 19
    assert "prior" not in blind.exchange_rows(talks)
