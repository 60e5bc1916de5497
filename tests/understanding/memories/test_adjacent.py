"""AdjacentMerge against the same thing written with lists."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from headrace.core.item import SECOND
from headrace.understanding.memories.adjacent import AdjacentMerge
from headrace.understanding.tokens import Cue
from tests.understanding.memories.every import SMALL, admission


@dataclass
class Link:
    feature: np.ndarray
    weight: int
    first: int
    last: int


def cosine(one: Link, two: Link) -> float:
    a, b = one.feature, two.feature
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def chains(count: int, length: int) -> dict[tuple[int, int], list[Link]]:
    made: dict[tuple[int, int], list[Link]] = {}
    for i in range(count):
        one = admission(i)
        for row, column in np.argwhere(one.admitted):
            chain = made.setdefault((int(row), int(column)), [])
            chain.append(Link(one.tokens.features[row, column].astype(float), 1, one.pts, one.pts))
            if len(chain) > length:
                at = int(np.argmax([cosine(*pair) for pair in pairwise(chain)]))
                a, b = chain[at : at + 2]
                weight = a.weight + b.weight
                mean = (a.feature * a.weight + b.feature * b.weight) / weight
                chain[at : at + 2] = [Link(mean, weight, a.first, b.last)]
    return made


@pytest.mark.parametrize("budget", [6, 12, 40])
def test_it_is_what_lists_give(budget: int) -> None:
    memory = AdjacentMerge(SMALL, budget)
    for i in range(80):
        memory.write(admission(i))
    rows = memory.read(Cue(), 80 * SECOND).rows
    expected = chains(80, budget // 6)
    for cell, chain in expected.items():
        mine = rows[(rows.place == cell).all(axis=1)]
        assert mine.first.tolist() == [link.first for link in chain]
        assert mine.last.tolist() == [link.last for link in chain]
        assert mine.weight.tolist() == [link.weight for link in chain]
        assert np.allclose(mine.features, [link.feature for link in chain], atol=1e-4)
    assert sum(map(len, expected.values())) == len(rows)
    assert memory.forgotten == 0
