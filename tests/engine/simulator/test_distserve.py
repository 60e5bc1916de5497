"""The simulator against what DistServe's authors published of OPT-13B on A100 GPUs. All rates are simulated."""

from statistics import median

import pytest

from headrace.core.errors import ConfigError
from headrace.engine.simulator.placement import Apart, Transfer
from headrace.engine.simulator.published import TOKEN_BYTES, Published, requests
from headrace.engine.simulator.search import Promise, best_placement, times

#: 200 ms to the first token and 100 ms a token for 90 % of the requests.
PROMISE = Promise(0.2, 0.1)
NVLINK = Transfer(TOKEN_BYTES, 300e9)


@pytest.fixture(scope="module")
def published():
    return Published.load()


def apart(published: Published, reading: int, saying: int) -> Apart:
    return Apart(published.fleet(reading), published.fleet(saying), NVLINK)


def test_costs_are_the_published_fits(published):
    cost = published.cost(1)
    read = 18.10254647486372 + 0.1019122572698738 * 150 + 7.122264314252114e-06 * (100**2 + 50**2)
    assert cost.seconds([(100, 0), (50, 0)]) * 1e3 == pytest.approx(read + 1 + 2 + 1e-4 * 150)
    say = 19.934702624895458 + 0.0006269356524350583 * (94 * 301) + 0.03850697740828398 * 94
    assert cost.seconds([(1, 300)] * 94) * 1e3 == pytest.approx(say + 2 + 1e-4 * 94 * 300)
    many = 7.1661889468253595 + 0.0005798000403396046 * (95 * 301) + 0.15831096191764046 * 95
    assert cost.seconds([(1, 300)] * 95) * 1e3 == pytest.approx(many + 2 + 1e-4 * 95 * 300)
    assert published.cost(4).seconds([(900, 0)]) < published.cost(2).seconds([(900, 0)]) < cost.seconds([(900, 0)])


def test_lengths_are_those_of_the_published_requests(published):
    lengths = published.lengths()
    assert len(lengths) == 1600
    assert max(units + outputs for units, outputs in lengths) < 2048
    assert published.load_at(2.0)[1].arrival == pytest.approx(published.load_at(1.0)[1].arrival / 2, abs=1)


@pytest.mark.parametrize("rate", [3.0, pytest.param(4.5, marks=pytest.mark.slow)])
def test_a_measured_run_is_simulated_to_a_few_percent(published, rate):
    seen = published.seen(rate)
    sent = requests([(one.units, one.outputs) for one in seen], [one.arrival / 1e3 for one in seen])
    served = apart(published, 2, 1).serve(sent)
    measured = sum(one.first <= 200 and one.every <= 100 for one in seen) / len(seen)
    assert PROMISE.kept(served) == pytest.approx(measured, abs=0.02)
    first, every = zip(*map(times, served), strict=True)
    assert median(first) * 1e3 == pytest.approx(median(one.first for one in seen), rel=0.1)
    assert median(every) * 1e3 == pytest.approx(median(one.every for one in seen), rel=0.12)


def test_the_published_placement_keeps_its_promise_at_the_published_rate_and_not_far_above(published):
    placed = apart(published, 2, 1)
    assert placed.gpus == 3
    kept = {rate: PROMISE.kept(placed.serve(published.load_at(rate * placed.gpus))) for rate in (1.5625, 2.1875)}
    assert kept[1.5625] >= 0.9
    assert kept[2.1875] < 0.9


@pytest.mark.slow
def test_the_published_search_finds_the_published_placement(published):
    """Published: reading on 2 GPUs, saying on 1, 1.56 requests a second and GPU."""
    shapes = [(1, 1), (1, 2), (2, 1), (2, 2)]
    found = best_placement([apart(published, *shape) for shape in shapes], published.load_at, PROMISE)
    best = found[0].placement
    assert (best.reading.degree, best.saying.degree) == (2, 1)
    assert found[0].rate == 1.875


def test_what_was_not_published_is_refused(published):
    with pytest.raises(ConfigError, match=r"3 GPUs a replica; use one of \[1, 2, 4\]"):
        published.cost(3)
    with pytest.raises(ConfigError, match="engine 'sglang'"):
        published.cost(1, "sglang")
    with pytest.raises(ConfigError, match="no published log at 5"):
        published.seen(5.0)
