"""Presence: what enters is what has come to rest, and that it has gone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.evaluation.millrace import World
from headrace.understanding.gates.presence import GONE, Presence
from headrace.understanding.tokens import Tokens
from headrace.understanding.tokens.patches import PatchEncoder
from tests.laws.gates import item, stream, unit

DRAW = np.random.default_rng(11)
A, B, C = unit(DRAW.normal(size=(3, 24)))
RESTLESS = unit(DRAW.normal(size=(30, 24)))


def entered(shown: list[np.ndarray], gate: Presence | None = None) -> dict[int, np.ndarray]:
    """By picture of one cell at which something enters, what does."""
    gate, found = gate or Presence(), {}
    for tick, one in enumerate(shown):
        said = gate.admit(item(one[None, None], tick))
        if said.admitted.any():
            found[tick] = said.rows().features[0]
    return found


def fade(steps: int) -> list[np.ndarray]:
    """From A, which stands for 6 pictures, to B, which stands for 9."""
    return [A] * 6 + [unit((1 - k / steps) * A + k / steps * B) for k in range(1, steps)] + [B] * 9


def grain(sigma: float, *looks: tuple[np.ndarray, int], seed: int = 5) -> list[np.ndarray]:
    """Each look for so many pictures, under noise of length `sigma`."""
    draw = np.random.default_rng(seed)
    return [unit(look + sigma / 24**0.5 * draw.normal(size=24)) for look, count in looks for _ in range(count)]


def test_what_rests_enters_once_with_its_third_picture() -> None:
    assert list(entered([A] * 40)) == [2]
    assert list(entered([A, A])) == []


def test_what_comes_enters_and_so_does_what_was_there_before() -> None:
    """A visit, and the ground after it."""
    found = entered([A] * 5 + [B] * 6 + [A] * 6)
    assert list(found) == [2, 7, 13]
    assert [round(float(one @ B), 2) for one in found.values()] == [round(float(A @ B), 2), 1, round(float(A @ B), 2)]


def test_a_change_of_colour_within_a_visit_enters() -> None:
    near = unit(A + 0.75 * unit(B - (B @ A) * A))
    assert near @ A == pytest.approx(0.8)
    assert list(entered([A] * 6 + [near] * 6)) == [2, 8]
    nearer = unit(A + 0.4 * unit(B - (B @ A) * A))  # differs by 0.07
    assert list(entered([A] * 6 + [nearer] * 6)) == [2]


@pytest.mark.parametrize("steps", [8, 20])
def test_a_fade_enters_when_it_is_over(steps: int) -> None:
    """On its way nothing rests: once it is told that A has gone, and then nothing until B stands."""
    found = entered(fade(steps))
    first, gone, came = found
    assert first == 2
    assert 6 + GONE <= gone < came
    assert 6 + steps - 1 <= came <= 6 + steps + 2
    assert found[came] @ B > 0.995


def test_without_regard_to_drift_a_fade_enters_on_its_way() -> None:
    found = entered(fade(20), Presence(drift=9.0))
    assert max(found) < 6 + 19
    assert found[max(found)] @ B < 0.99


@pytest.mark.parametrize("sigma", [0.02, 0.2, 0.4, 0.6])
def test_noise_is_no_news_and_a_guest_is(sigma: float) -> None:
    found = entered(grain(sigma, (A, 150), (B, 50)))
    first, came = found
    assert first <= 6
    assert 152 <= came <= 156
    assert found[came] @ B > 0.9


def test_every_cell_has_a_noise_of_its_own() -> None:
    """The same small change is news in the clear cell and none in the grainy one."""
    near = unit(A + 0.75 * unit(B - (B @ A) * A))
    looks = ((A, 60), (near, 40))
    pictures = np.stack([grain(0.01, *looks), grain(0.6, *looks)], axis=1)[:, None]
    gate = Presence()
    said = [gate.admit(item(one, tick)).admitted[0] for tick, one in enumerate(pictures)]
    assert np.array(said)[30:].sum(axis=0).tolist() == [1, 0]
    careless = Presence(noises=0.0)
    said = [careless.admit(item(one, tick)).admitted[0] for tick, one in enumerate(pictures)]
    assert np.array(said)[:60].sum(axis=0)[1] > 3


def test_what_enters_is_a_mean_and_clearer_than_a_picture() -> None:
    shown = grain(0.5, (A, 12))
    found = entered(shown)
    (tick,) = found
    assert found[tick] == pytest.approx(unit(np.sum(shown[tick - 2 : tick + 1], axis=0)), abs=1e-5)
    assert found[tick] @ A > max(float(one @ A) for one in shown)


def test_what_leaves_into_restlessness_is_told_once() -> None:
    found = entered([A] * 5 + list(RESTLESS) + [A] * 6)
    assert list(found) == [2, 4 + GONE, 37]
    assert found[4 + GONE] == pytest.approx(RESTLESS[GONE - 1], abs=1e-6)


def test_what_is_hidden_for_a_moment_has_not_gone() -> None:
    assert list(entered([A] * 5 + list(RESTLESS[: GONE - 1]) + [A] * 9)) == [2]


def test_what_never_stops_moving_never_enters() -> None:
    assert entered(list(unit(np.random.default_rng(3).normal(size=(400, 24))))) == {}


def test_in_the_stream_of_the_laws_guests_enter_and_the_restless_cell_does_not() -> None:
    gate, told = Presence(), Counter[tuple[int, int]]()
    for one in stream():
        said = gate.admit(one)
        if one.data.sense == "sight":
            told.update((int(row), int(column)) for row, column in np.argwhere(said.admitted))
    assert told[0, 0] == 0
    assert len(told) == 11
    assert max(told.values()) > 2


@pytest.mark.parametrize("regime", ["calm", "noisy", "busy", "cut", "flicker"])
def test_on_millrace_every_visit_enters_and_little_else(regime: str) -> None:
    """Of a development stream of 5,760 tokens."""
    world, told = World(2, regime, 120), watched(World(2, regime, 120))
    times = [sum(at == visit.cell and visit.start <= t < visit.end for t, at in told) for visit in world.visits]
    assert len(times) == 10
    assert set(times) <= ({1, 2} if regime == "flicker" else {1})
    assert not any(at in world.plan.moving for _, at in told)
    assert len(told) < (400 if regime == "cut" else 60)


def test_on_millrace_fades_enter_when_they_are_over() -> None:
    """Half seen, it is wholly there; what has faded out is told, too."""
    world = World(2, "fade", 120)
    told = watched(world)
    for visit in world.visits:
        if visit.end < world.duration - visit.fade:
            came = [t for t, at in told if at == visit.cell and visit.trace[0] <= t < visit.end]
            left = [t for t, at in told if at == visit.cell and visit.end <= t <= visit.trace[1] + 2_000_000_000]
            assert 1 <= len(came) <= 2
            assert came[-1] >= visit.start - visit.fade // 2
            assert left


def watched(world: World) -> list[tuple[int, tuple[int, int]]]:
    """Time and cell of all that enters."""
    gate, encoder, found = Presence(), PatchEncoder(), []
    for one in world.items(sound=False):
        said = gate.admit(one.derive(Tokens(encoder.encode(one.data)), "tokens"))
        found += [(one.pts, (int(row), int(column))) for row, column in np.argwhere(said.admitted)]
    return found


@pytest.mark.parametrize(
    "settings",
    [{"change": 0.0}, {"change": 2.1}, {"noises": -1.0}, {"restless": 0.0}, {"drift": 0.9}, {"change": float("nan")}],
)
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="presence: use"):
        Presence(**settings)
