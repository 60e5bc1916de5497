"""Policies as values: what they refuse, and that they come back from JSON as they went in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from headrace.core.errors import ConfigError, HeadraceError, StateError
from headrace.state import (
    Container,
    Keep,
    Policy,
    Segment,
    attention,
    causal,
    deny,
    everything,
    pin,
    policy_from_data,
    recent,
    to_data,
    top,
    whole,
)
from headrace.state.probe import Probe
from tests.laws.policies import POLICIES

PROBE = Probe(layers=1)
KEEP = to_data(recent(tokens=4))
SINKS = pin(tokens=4) + recent(tokens=8)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_comes_back(name: str) -> None:
    policy = POLICIES[name].policy
    data = json.loads(json.dumps(to_data(policy)))
    back = policy_from_data(data)
    assert back == policy
    assert to_data(back) == data
    assert (back.by_kind, back.by_stream, back.queries) == (policy.by_kind, policy.by_stream, policy.queries)


def test_pairs_that_are_denied_come_back_in_any_order() -> None:
    one = Policy(recent(tokens=4), see=deny("b", "a") & deny("a", "b") & whole)
    other = Policy(recent(tokens=4), see=whole & deny("a", "b") & deny("b", "a"))
    assert to_data(one) == to_data(other)
    assert policy_from_data(to_data(one)).see == one.see
    assert to_data(one)["see"] == {"is": "See", "denied": [["a", "b"], ["b", "a"]], "whole": True}


@pytest.mark.parametrize("name", POLICIES)
def test_two_policies_of_the_list_are_never_the_same_data(name: str) -> None:
    same = [other for other, case in POLICIES.items() if to_data(case.policy) == to_data(POLICIES[name].policy)]
    assert same == [name]


@dataclass(frozen=True)
class Mine:
    """A place of somebody else."""

    rotates = True
    by_stream = False
    by_kind = False

    def bases(self, segments: Sequence[Segment]) -> list[int]:
        return [0] * len(segments)


def test_a_part_of_somebody_else_is_named() -> None:
    data = to_data(Policy(recent(tokens=4), place=Mine()))
    with pytest.raises(StateError, match=r"Mine' is no part of headrace; give the policy to restore\(\) as well"):
        policy_from_data(data)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        "Policy",
        {"is": "Drop"},
        {"is": ["Policy"]},
        {"is": "Policy"},
        {"is": "Policy", "keep": None},
        {"is": "Policy", "keep": KEEP, "colour": 1},
        {"is": "Policy", "keep": {"is": "Drop"}},
        {"is": "Policy", "keep": {"is": "Keep", "terms": 3}},
        {"is": "Policy", "keep": {"is": "Keep", "terms": [{"is": "Recent", "items": 4}]}},
        {"is": "Policy", "keep": KEEP, "block": "4"},
        {"is": "Policy", "keep": KEEP, "see": {"is": "See", "whole": False}},
        {"is": "Policy", "keep": KEEP, "see": {"is": "See", "denied": 3}},
        {"is": "Policy", "keep": KEEP, "fold": {"is": "Ema"}},
    ],
)
def test_damaged_data_is_refused(data: Any) -> None:
    with pytest.raises(StateError, match=r"^policy: "):
        policy_from_data(data)


SENSELESS = {
    "no term": {"keep": {"is": "Keep", "terms": []}},
    "no kind": {"keep": {}},
    "block 0": {"keep": KEEP, "block": 0},
    "head": {"keep": KEEP, "grain": "head"},
    "fold without pins": {"keep": KEEP, "fold": {"is": "Ema", "alpha": 0.5}},
}
#: Parts of the wrong sort.
WRONG = {
    "place": {"keep": KEEP, "place": {"is": "Drop"}},
    "place by name": {"keep": KEEP, "place": "cache"},
    "half a block": {"keep": KEEP, "block": 4.5},
}
#: The same within keep and see.
UNSEEN = {
    "term": {"keep": {"is": "Keep", "terms": [3]}},
    "less than nothing": {"keep": {"is": "Keep", "terms": [{"is": "Recent", "tokens": -5}]}},
    "half a pair": {"keep": KEEP, "see": {"is": "See", "denied": [["a"]]}},
}


@pytest.mark.parametrize("name", SENSELESS)
def test_data_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(HeadraceError, match=r"^policy: "):
        policy_from_data({"is": "Policy"} | SENSELESS[name])


@pytest.mark.parametrize("name", WRONG)
def test_parts_of_the_wrong_sort_are_refused(name: str) -> None:
    with pytest.raises(HeadraceError, match=r"^policy: "):
        policy_from_data({"is": "Policy"} | WRONG[name])


@pytest.mark.parametrize("name", UNSEEN)
def test_so_are_their_parts(name: str) -> None:
    with pytest.raises(HeadraceError, match=r"^policy: "):
        policy_from_data({"is": "Policy"} | UNSEEN[name])


# -- what a policy refuses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"keep": Keep()}, "keep is empty; say what stays"),
        ({"keep": {}}, "keep is empty"),
        ({"keep": {"text": recent(tokens=4), "video": Keep()}}, "keep is empty"),
        ({"keep": recent(tokens=4), "block": 0}, "block=0"),
        ({"keep": recent(tokens=4), "grain": "head"}, "grain 'head' is unknown; use 'row' or 'layer'"),
        ({"keep": everything()}, "grows without end; say bounded=False and max_bytes="),
        ({"keep": {"a": recent(tokens=4), "b": everything()}}, "grows without end"),
        ({"keep": recent(tokens=4), "bounded": False}, "bounded=False needs max_bytes"),
        ({"keep": top(tokens=4, score=attention(queries=65))}, "a score of 65 queries needs block >= 65, not 64"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict, told: str) -> None:
    with pytest.raises(ConfigError, match=f"^policy: .*{told}"):
        Policy(**options)


def test_frames_need_their_size() -> None:
    for policy in (Policy(recent(frames=2)), Policy({"video": recent(frames=1), "text": recent(tokens=4)})):
        with pytest.raises(ConfigError, match="say tokens_per_unit, the entries of a frame at most"):
            policy.bind(PROBE.layout)
        assert policy.bind(PROBE.layout, 5).slots > 0
    with pytest.raises(ConfigError, match="tokens_per_unit"):
        Policy(recent(tokens=4), see=whole).bind(PROBE.layout)


def test_a_kind_without_a_budget_is_named() -> None:
    policy = Policy({"text": recent(tokens=4), "video": recent(tokens=4)})
    with pytest.raises(ConfigError, match="no budget for input of kind 'sound'; it has 'text', 'video'"):
        policy.group("sound")
    assert replace(policy, keep={**policy.keeps, "*": pin(tokens=4)}).group("sound") == "*"


@pytest.mark.parametrize("keep", [SINKS, everything(), recent(frames=2)])
def test_a_limit_below_the_pins_is_refused_when_it_is_bound(keep: Keep) -> None:
    policy = Policy(keep, block=4, bounded=not keep.unbounded, max_bytes=5000)
    with pytest.raises(ConfigError, match=r"max_bytes=5000 is less than the \d+ bytes that it is to keep"):
        Container(PROBE.layout, policy, tokens_per_unit=5)
    if not keep.unbounded:
        needed = replace(policy, max_bytes=None).bind(PROBE.layout, 5).max_bytes
        assert replace(policy, max_bytes=needed).bind(PROBE.layout, 5).max_bytes == needed
        with pytest.raises(ConfigError, match=f"the {needed} bytes"):
            replace(policy, max_bytes=needed - 1).bind(PROBE.layout, 5)


def test_policies_are_values() -> None:
    assert Policy(SINKS) == Policy(pin(tokens=4) + recent(tokens=8), see=causal)
    assert Policy(SINKS) != Policy(SINKS, block=32)
    with pytest.raises(AttributeError):
        Policy(SINKS).block = 4
