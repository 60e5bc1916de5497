"""DropRatioDip: it speaks once where much enters, whatever gate let it in."""

from __future__ import annotations

import numpy as np

from headrace.core.item import SECOND
from headrace.understanding.admission import Admission
from headrace.understanding.dip import DropRatioDip
from headrace.understanding.gates.tokendrop import TokenDrop
from headrace.understanding.trigger import Respond
from tests.laws.gates import item, unit


def admission(entering: int, tick: int) -> Admission:
    """Of ten cells."""
    return Admission(admitted=np.arange(10).reshape(2, 5) < entering, tick=tick)


def spoken(trigger: DropRatioDip, entering: list[int]) -> list[int]:
    """Ticks at which it speaks."""
    return [tick for tick, count in enumerate(entering) if trigger.decide(tick, admission(count, tick))]


def test_the_first_of_a_run_of_dips_speaks() -> None:
    assert spoken(DropRatioDip(), [0] * 15 + [6, 7, 6] + [0] * 10 + [9] + [0] * 5) == [15, 28]


def test_it_says_when_and_why() -> None:
    trigger = DropRatioDip()
    for tick in range(12):
        assert trigger.decide(tick, admission(1, tick)) == ()
    (said,) = trigger.decide(12 * SECOND, admission(6, 12))
    assert said == Respond("", 12 * SECOND, 12 * SECOND, (0.4,))
    assert said.latency == 0


def test_it_needs_some_ratios_first() -> None:
    assert spoken(DropRatioDip(), [0] * (DropRatioDip.WARM - 1) + [9]) == []
    assert spoken(DropRatioDip(), [0] * DropRatioDip.WARM + [9]) == [DropRatioDip.WARM]


def test_it_hears_a_gate_on_tokens() -> None:
    draw = np.random.default_rng(8)
    scenes = [draw.normal(size=(3, 4, 16)) for _ in range(3)]
    pictures = [unit(scene + 0.05 * draw.normal(size=scene.shape)) for scene in scenes for _ in range(20)]
    gate, trigger = TokenDrop(), DropRatioDip()
    said = [k for k, one in enumerate(pictures) if trigger.decide(k, gate.admit(item(one, k)))]
    assert said == [20, 40]
