"""Pruner, cacher and their chain."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.understanding.gates.blind import Drawn, Thinned
from headrace.understanding.gates.cacher import KEYS, Cacher
from headrace.understanding.gates.chain import Chain
from headrace.understanding.gates.everything import AdmitAll
from headrace.understanding.gates.pruner import Pruner
from headrace.understanding.gates.tokendrop import TokenDrop
from tests.laws.gates import item, stream, unit

DRAW = np.random.default_rng(12)
SCENE = unit(DRAW.normal(size=16))


def picture(*odd: tuple[int, np.ndarray]) -> np.ndarray:
    """Twelve tokens of one scene under a little noise, but for the odd ones."""
    features = unit(SCENE + 0.05 * DRAW.normal(size=(12, 16)))
    for place, feature in odd:
        features[place] = feature
    return features.reshape(3, 4, 16)


def test_the_pruner_keeps_what_is_unlike_the_picture() -> None:
    odd = unit(DRAW.normal(size=(2, 16)))
    admitted = Pruner(2 / 12).admit(item(picture((3, odd[0]), (7, odd[1])), 0)).admitted
    assert np.flatnonzero(admitted).tolist() == [3, 7]


@pytest.mark.parametrize(("there", "here"), [(3, 7), (7, 3)])
def test_the_pruner_keeps_what_is_unlike_the_past(there: int, here: int) -> None:
    """Of two things the old one is less like the picture, and yet the new one stays when only one may."""
    draw = np.random.default_rng(31)
    old, new = unit(draw.normal(size=16)), unit(SCENE + 1.2 * unit(draw.normal(size=16)))
    shown = item(picture((there, old), (here, new)), 10)
    gate = Pruner(1 / 12)
    assert np.flatnonzero(gate.admit(shown).admitted).tolist() == [there]
    gate.reset()
    for tick in range(10):
        gate.admit(item(np.tile(old, (3, 4, 1)), tick))
    assert np.flatnonzero(gate.admit(shown).admitted).tolist() == [here]


def test_the_share_of_the_pruner_is_what_enters() -> None:
    assert Pruner().admit(item(unit(DRAW.normal(size=(14, 14, 8))), 0)).admitted.sum() == 60
    assert Pruner(0.01).admit(item(picture(), 0)).admitted.sum() == 1


def test_the_pruner_remembers_one_mean_of_all_pictures() -> None:
    gate, shown = Pruner(), [one for one in stream() if one.data.sense == "sight"]
    sizes = set()
    for one in shown:
        gate.admit(one)
        sizes.add(gate.nbytes())
    mean = np.mean([one.data.features.mean(axis=(0, 1), dtype=float) for one in shown], axis=0)
    assert gate.memory["history"] == pytest.approx(mean, abs=1e-12)
    assert len(sizes) == 1


def test_only_the_calm_half_of_the_channels_is_compared() -> None:
    features = np.zeros((1, 4, 4), np.float32)
    features[..., :2] = [[0.1, 0], [0, 0.1], [0.1, 0.1], [0.3, 0.3]]  # calm, token 3 stands out
    features[..., 2:] = [[9, -9], [-9, 9], [0, 0], [0, 0]]  # restless
    assert Pruner(0.25).admit(item(features, 0)).admitted.tolist() == [[False, False, False, True]]


def test_the_cacher_computes_every_second_picture_whole_and_a_quarter_of_the_others() -> None:
    before, now, later = picture(), unit(DRAW.normal(size=(3, 4, 16))).astype(np.float32), picture()
    now[1:] = before[1:]  # four of twelve are other ones, a quarter is three
    now[0, 2] = unit(before[0, 2] + 0.1 * now[0, 2])
    gate = Cacher()
    first, second, third = (gate.admit(item(one, k)) for k, one in enumerate((before, now, later)))
    assert (first.computed, third.computed) == (1, 1)
    assert second.computed == pytest.approx(KEYS + (1 - KEYS) / 4)
    assert (third.tokens.features == later.astype(np.float32)).all()
    expected = before.astype(np.float32)
    expected[0, [0, 1, 3]] = now[0, [0, 1, 3]]
    assert (second.tokens.features == expected).all()
    assert second.admitted.all()


def test_the_interval_of_the_cacher() -> None:
    gate = Cacher(interval=3, share=0.0)
    computed = [gate.admit(item(picture(), k)).computed for k in range(7)]
    assert computed == [1, KEYS, KEYS, 1, KEYS, KEYS, 1]


def test_a_chain_lets_in_what_all_let_in_of_what_the_first_left() -> None:
    odd = unit(DRAW.normal(size=(1, 16)))[0]
    shown = [item(picture(), 0), item(picture((5, odd)), 1)]
    chain = Chain(Cacher(share=0.0), TokenDrop(0.9))
    said = [chain.admit(one) for one in shown]
    assert said[0].admitted.all()
    assert not said[1].admitted.any()  # the cacher used the old token again
    assert said[1].computed == KEYS
    both = Chain(AdmitAll(), TokenDrop(0.9))
    assert [np.flatnonzero(both.admit(one).admitted).tolist() for one in shown] == [list(range(12)), [5]]
    assert Chain(Pruner(1 / 12), AdmitAll()).admit(shown[0]).admitted.sum() == 1
    assert chain.nbytes() == sum(gate.nbytes() for gate in chain.gates)


def test_blind_gates_let_in_their_share() -> None:
    shown = [item(picture(), k) for k in range(200)]
    thinned, drawn = Thinned(0.3), Drawn(0.3, seed=1)
    whole = [thinned.admit(one).share for one in shown]
    assert whole[:8] == [1, 0, 0, 0, 1, 0, 0, 1]
    assert sum(whole) == 60
    shares = [drawn.admit(one).share for one in shown]
    assert np.mean(shares) == pytest.approx(0.3, abs=0.04)
    assert len(set(shares)) > 4


@pytest.mark.parametrize(
    "make",
    [
        lambda: Pruner(0),
        lambda: Pruner(1.1),
        lambda: Cacher(interval=0),
        lambda: Cacher(share=2),
        lambda: Drawn(0),
        lambda: Thinned(2),
        Chain,
    ],
)
def test_settings_out_of_range_are_refused(make: object) -> None:
    with pytest.raises(ConfigError):
        make()  # type: ignore[operator]
