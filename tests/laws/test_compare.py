"""What the laws call equal and how far they call apart."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np
import pytest
import torch

from headrace.core.stateful import Snapshot
from headrace.state.laws import first_change, marks, relative
from headrace.state.laws.compare import altered, distance

BF16 = torch.tensor([1.0, 2.0], dtype=torch.bfloat16)


@pytest.mark.parametrize(
    ("outputs", "expected", "far", "at"),
    [
        ([], [], 0.0, 0),
        ([1.0, 2.0, 3.3], [1.0, 2.0, 3.0], 0.1, 2),
        ([np.array([1.0, -4.0])], [torch.tensor([2.0, -4.0])], 0.25, 0),
        ([BF16], [BF16 + 0.5], 0.2, 0),
        ([{"a": 1.0, "b": 100.0}], [{"a": 2.0, "b": 100.0}], 0.5, 0),
        ([1.0, 1000.0], [2.0, 1000.0], 0.001, 0),
        ([1.0, 2.0], [1.0], inf, 1),
        ([np.zeros(2)], [np.zeros(3)], inf, 0),
        ([{"a": 1.0}], [{"b": 1.0}], inf, 0),
        ([1.0, nan], [1.0, 2.0], inf, 1),
        ([nan, inf, 1.0], [nan, inf, 1.0], 0.0, 0),
        ([-inf], [inf], inf, 0),
        ([0.0], [0.0], 0.0, 0),
        ([1e-300], [0.0], inf, 0),
        ([7, "text", None, True], [7, "text", None, True], 0.0, 0),
        ([7, 8], [7, 9], inf, 1),
        ([np.array([1, 2])], [np.array([1, 3])], inf, 0),
        ([True], [1], inf, 0),
        ([1j], [1j], 0.0, 0),
        ([np.array([1 + 1j])], [np.array([1 + 2j])], 1 / 5**0.5, 0),
    ],
)
def test_how_far_outputs_are_apart(outputs: list[Any], expected: list[Any], far: float, at: int) -> None:
    found, place = relative(outputs, expected)
    assert found == pytest.approx(far, rel=1e-6)
    assert place == at


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (1, 1.0),
        (1, True),
        (np.zeros(2), np.zeros(2, np.float32)),
        (np.zeros((1, 2)), np.zeros((2, 1))),
        (BF16, BF16.half()),
        ([1, [2]], [[1], 2]),
        ({"a": 1}, {"b": 1}),
        ("1", 1),
        (None, "None"),
        (1.0, 1.0 + 2**-52),
    ],
)
def test_what_is_not_the_same_bits(one: Any, other: Any) -> None:
    assert first_change([0, one], [0, other]) == 1
    assert first_change([one, other], [one, other]) is None
    assert first_change([one], [one, other]) == 1


def test_marks_name_what_changed() -> None:
    one = Snapshot("x", {"own": {"count": 1, "list": [1, 2]}}, {"a": np.zeros(2), "b": np.ones(1)})
    other = Snapshot("x", {"own": {"count": 1, "list": [1, 3]}}, {"a": np.zeros(2), "b": np.ones(1)})
    assert altered(marks(one), marks(one)) is None
    assert altered(marks(one), marks(other)) == "meta own.list"
    assert altered(marks(one), marks(Snapshot("y", one.meta, one.arrays))) == "kind"
    assert altered(marks(one), marks(Snapshot("x", one.meta, {"a": np.zeros(2)}))) == "array b"
    assert distance(one, other) == (inf, "meta own.list")
    assert distance(one, Snapshot("x", one.meta, {"a": np.zeros(2)})) == (inf, "array b")
    near = Snapshot("x", one.meta, {"a": np.zeros(2), "b": np.full(1, 1.25)})
    assert distance(one, near) == (0.2, "array b")
