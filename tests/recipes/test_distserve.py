"""What DistServe's check makes of the rates it finds, without the minute that finding them takes."""

import pytest

import headrace.recipes.handover
from headrace.engine.simulator.placement import Apart
from headrace.engine.simulator.search import Promise
from headrace.recipes.distserve import DistServe
from headrace.recipes.handover import Handover, hand_over

KINDS = ("apart", "together, prefill first", "together, split and fused", "together, vLLM's engine")


def checked(monkeypatch, rates, equal=1.0):
    monkeypatch.setattr(
        DistServe, "_rates", lambda self, published, promise, seed: dict(zip(KINDS, rates, strict=True))
    )
    monkeypatch.setattr(headrace.recipes.handover, "hand_over", lambda seed: Handover(equal, 0.02, 1e6))
    monkeypatch.setattr("headrace.engine.simulator.search.best_rate", lambda *_, **__: Rate)
    return DistServe().check()


class Rate:
    rate = 1.875


def test_it_builds_the_published_placement():
    built = DistServe().build()
    assert isinstance(built, Apart)
    assert (built.reading.degree, built.saying.degree, built.gpus) == (2, 1, 3)
    assert built.transfer.seconds(780) == pytest.approx(780 * 819_200 / 300e9)


@pytest.mark.parametrize(
    ("rates", "equal", "holds"),
    [
        ((3.0, 2.0, 2.5, 1.5), 1.0, True),
        ((2.5, 2.0, 2.5, 1.0), 1.0, False),
        ((2.9, 2.0, 2.5, 1.5), 1.0, False),
        ((3.0, 2.0, 2.5, 1.5), 0.9, False),
    ],
)
def test_it_holds_only_if_both_gains_and_the_handover_do(monkeypatch, rates, equal, holds):
    check = checked(monkeypatch, rates, equal)
    assert check.holds is holds
    assert check.measured["gain_200_100ms"] == pytest.approx(rates[0] / 2.5)
    assert check.measured["gain_over_vllm_200_100ms"] == pytest.approx(rates[0] / rates[3])
    assert check.baselines["published"] == {"published_search": 1.56}
    assert "simulated" in check.note


def test_a_rate_of_nothing_counts_as_the_least_that_the_search_tells_from_it(monkeypatch):
    assert checked(monkeypatch, (1.0, 2.0, 2.5, 0.0)).measured["gain_over_vllm_200_100ms"] == 4.0


@pytest.mark.slow
def test_a_placement_is_found_together_and_apart():
    from headrace.engine.simulator.published import Published

    found = DistServe()._rates(Published.load(), Promise(0.4, 0.1), 0)
    assert set(found) == set(KINDS)
    assert all(rate > 1.0 for rate in found.values())


@pytest.mark.slow
def test_a_session_that_moves_between_processes_answers_as_one_that_stays():
    moved = hand_over(units=(40,))
    assert moved.equal == 1.0
    assert moved.bytes > 1000
