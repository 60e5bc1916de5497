from headrace.core.item import SECOND
from headrace.evaluation import blind
from headrace.evaluation.metrics import alerts, timely
from headrace.evaluation.truth import Event, Exchange, Series


def test_events_have_a_row_that_counts_from_the_question():
    asked = [10 * SECOND, 50 * SECOND]
    others = [Event(17 * SECOND, 17 * SECOND), Event(55 * SECOND, 55 * SECOND)]
    delay = blind.delay_prior(others, asked)
    assert delay == 6 * SECOND
    rows = blind.event_rows(60 * SECOND, asked, 30 * SECOND, delay)
    assert list(rows) == ["never", "always", "periodic", "random", "constant delay"]
    assert [one.t_emit // SECOND for one in rows["constant delay"]] == [16, 56]
    outcome = alerts(rows["constant delay"], others, 60 * SECOND, 2 * SECOND, symmetric=True)
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


def test_series_have_the_most_common_value():
    truth = Series((0, 10, 20, 30), (1, 2, 1, 1))
    rows = blind.series_rows([truth], 5, 40)
    values = {name: timely(said, truth, range(0, 40, 10), lambda a, b: a == b).value for name, said in rows.items()}
    assert values == {"never": 0, "prior": 0.75}
    assert blind.series_rows([], 5, 40) == {"never": []}
