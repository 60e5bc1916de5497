"""The eight laws over every policy, carried by a transformers Llama and by the probe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from headrace.state import data, fold, keep, place, redo, score
from headrace.state.laws import LAWS, DenseSubject, PolicySubject, law_plain, law_saved, plain_places, worthwhile
from tests.laws.policies import POLICIES, on_probe, subject

LAWFUL = [
    pytest.param(name, law, id=f"{name}-{law}")
    for name, made in zip(POLICIES, on_probe(), strict=True)
    for law in LAWS
    if law not in made.exempt
]
#: What is quick to try on the probe as well: a place of each sort, streams, frames and scores by layer.
QUICK = ("sinks", "absolute", "deny", "frames and words", "attention by layer")
PROBED = [
    pytest.param(*one.values, id=one.id, marks=() if one.values[0] in QUICK else pytest.mark.slow) for one in LAWFUL
]
#: Where the model itself, as transformers runs it, is what a policy comes to while nothing is dropped.
PLAIN = [name for name, case in POLICIES.items() if plain_places(case.policy) and not case.policy.see.whole]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("name", "law"), LAWFUL)
def test_a_policy_on_a_llama_keeps_the_law(name: str, law: int) -> None:
    pytest.importorskip("transformers")
    from tests.laws.carriers import llama

    LAWS[law](subject(name, llama()), 0)


@pytest.mark.parametrize(("name", "law"), PROBED)
def test_a_policy_on_the_probe_keeps_the_law(name: str, law: int) -> None:
    LAWS[law](subject(name), 1)


@pytest.mark.parametrize("name", PLAIN)
def test_while_nothing_is_dropped_a_policy_is_the_untouched_llama(name: str) -> None:
    pytest.importorskip("transformers")
    from tests.laws.carriers import Beside, llama, untouched_llama

    case = POLICIES[name]
    told = {key: value for key, value in case.told.items() if key in ("sources", "unit")}
    law_plain(Beside(name, case.policy, llama(torch.float32), **told, untouched=untouched_llama()), most=1e-4)


def test_frames_that_see_themselves_are_no_plain_model() -> None:
    assert not plain_places(POLICIES["frames that see themselves"].policy)


def test_another_process_goes_on_under_all_policies(tmp_path: Path) -> None:
    law_saved(tmp_path, "tests.laws.policies:on_probe")


@pytest.mark.parametrize("made", on_probe(), ids=list(POLICIES))
def test_a_policy_is_worth_trying(made: PolicySubject) -> None:
    worthwhile(made)
    assert made.capacity <= 32
    part = made.open()
    for one in made.inputs(8 * made.capacity, 0):
        made.step([(part, [one])])
        part.check()
    assert isinstance(made, DenseSubject) or part.evicted > made.capacity
    assert bool(part.folded) == part.policy.fold.into_pins


def test_no_verb_is_forgotten() -> None:
    """Whatever a policy can be made of is tried under some name."""

    def parts(told: Any) -> Iterator[str]:
        if isinstance(told, Mapping):
            yield from [told["is"]] if "is" in told else []
            for value in told.values():
                yield from parts(value)
        elif isinstance(told, list):
            for value in told:
                yield from parts(value)

    rooms = (fold, keep, place, redo, score)
    known = {
        name
        for room in rooms
        for name, kind in vars(room).items()
        if isinstance(kind, type) and kind.__module__ == room.__name__ and hasattr(kind, "__dataclass_fields__")
    }
    tried = {name for case in POLICIES.values() for name in parts(data.to_data(case.policy))}
    assert known - tried == {"Grid", "Room", "Piece"}
    assert {case.policy.grain for case in POLICIES.values()} == {"row", "layer"}
