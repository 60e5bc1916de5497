"""Rows of one input each read as one batch: the same numbers, and at equal size the same bits whoever else is there."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from headrace.state import Container, Layout, Policy, Rotary, Site, Tick, absolute, cache, none, pin, recent
from headrace.state.place import Place

KV_HEADS, GROUP, DIM, BLOCK = 2, 3, 10, 4
ROTARY = Rotary(torch.tensor([0.9, 0.31, 0.07], dtype=torch.float64), DIM)


def layout(dtype: torch.dtype) -> Layout:
    site = Site("one", KV_HEADS * GROUP, KV_HEADS, DIM, DIM + 2, ROTARY)
    return Layout((site, Site("other", KV_HEADS * GROUP, KV_HEADS, DIM, DIM, None)), dtype)


def rows(on: Layout, ages: list[int], places: list[Place], draw: torch.Generator) -> list[Container]:
    """Containers of different age, all finite."""
    made = []
    for age, place in zip(ages, places, strict=True):
        row = Container(on, Policy(pin(tokens=2) + recent(tokens=10), place=place, block=BLOCK))
        for _ in range(age):
            row.begin(1)
            attend([row], 0, numbers(on, 0, 1, draw))
            attend([row], 1, numbers(on, 1, 1, draw))
            row.commit()
        made.append(row)
    return made


def numbers(on: Layout, site: int, n: int, draw: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of n inputs."""
    at = on.sites[site]
    shapes = (at.heads, n, at.key_dim), (at.kv_heads, n, at.key_dim), (at.kv_heads, n, at.value_dim)
    q, k, v = (torch.randn(shape, generator=draw, dtype=torch.float64).to(on.dtype) for shape in shapes)
    return q, k, v


def attend(rows: list[Container], site: int, given: tuple[Tensor, Tensor, Tensor], window: int | None = None) -> Tensor:
    return Tick(rows).attend(site, *given, scaling=0.3, window=window)


def turned(row: Container, on: Layout, q: Tensor) -> Tensor:
    """Queries [heads, 1, dim] as `Container.read` takes them."""
    q = q * 0.3
    if row.turns(0):
        wide = torch.complex128 if on.dtype == torch.float64 else torch.complex64
        q = ROTARY.pair(q) * ROTARY.turn(row.steps).to(wide)
    return q.reshape(KV_HEADS, GROUP, -1)


@pytest.mark.parametrize("window", [None, 5])
@pytest.mark.parametrize(("dtype", "most"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 0.03)])
def test_what_they_read_is_what_each_reads_alone(dtype: torch.dtype, most: float, window: int | None) -> None:
    draw, on = torch.Generator().manual_seed(3), layout(dtype)
    made = rows(on, [1, 3, 9, 14, 15, 30], [cache(), absolute(), none(), cache(), none(), absolute()], draw)
    given = numbers(on, 0, len(made), draw)
    for row in made:
        row.begin(1)
    whole = attend(made, 0, given, window)
    for number, row in enumerate(made):
        alone = row.read(0, turned(row, on, given[0][:, number : number + 1]), window=window)
        alone = alone.view(KV_HEADS * GROUP, -1)
        assert float((whole[number] - alone).abs().max() / alone.abs().max()) <= most


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_no_bit_of_a_row_depends_on_the_others(dtype: torch.dtype) -> None:
    draw, on = torch.Generator().manual_seed(5), layout(dtype)
    places: list[Place] = [cache(), cache(), none(), cache(), cache(), absolute()]
    made = rows(on, [2, 3, 13, 14, 15, 29], places, draw)
    given = numbers(on, 0, len(made), draw)

    def read(order: list[int]) -> Tensor:
        """Row i of the batch is made[order[i]], with inputs of its own place."""
        forks = [made[number].fork() for number in order]
        for fork in forks:
            fork.begin(1)
        return attend(forks, 0, given)

    whole = read([0, 1, 2, 3, 4, 5])
    for order in ([0, 2, 2, 2, 2, 2], [5, 5, 5, 3, 5, 5], [3, 1, 3, 4, 2, 2], [1, 0, 2, 5, 4, 0], [2, 2, 2, 2, 2, 5]):
        found = read(order)
        for at, number in enumerate(order):
            assert at != number or torch.equal(found[at], whole[at]), (order, at)


def test_what_is_not_finite_stays_in_its_row() -> None:
    draw, on = torch.Generator().manual_seed(7), layout(torch.float32)
    made = rows(on, [5, 6, 7], [cache()] * 3, draw)
    q, k, v = numbers(on, 0, 3, draw)
    spoilt = tuple(part.clone() for part in (q, k, v))
    for part in spoilt:
        part[:, 1] = float("nan")
    found = []
    for given in ((q, k, v), spoilt):
        forks = [row.fork() for row in made]
        for fork in forks:
            fork.begin(1)
        found.append(attend(forks, 0, given))
    assert torch.equal(found[0][[0, 2]], found[1][[0, 2]])
    assert bool(found[1][1].isnan().all())


def test_rows_of_one_input_and_of_several_share_a_tick() -> None:
    draw, on = torch.Generator().manual_seed(11), layout(torch.float64)
    made = rows(on, [5, 5, 6, 4], [cache(), cache(), absolute(), none()], draw)
    counts = [1, 3, 1, 2]
    given = numbers(on, 1, sum(counts), draw)
    start, alone = 0, []
    for row, n in zip(made, counts, strict=True):
        fork = row.fork()
        fork.begin(n)
        alone.append(attend([fork], 1, tuple(part[:, start : start + n] for part in given)))  # type: ignore[arg-type]
        start += n
    for row, n in zip(made, counts, strict=True):
        row.begin(n)
    torch.testing.assert_close(attend(made, 1, given), torch.cat(alone), rtol=1e-12, atol=1e-12)


class Softmaxes(TorchDispatchMode):
    """Counts them."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += "softmax" in str(func)
        return func(*args, **(kwargs or {}))


def test_rows_of_equal_shape_share_one_softmax() -> None:
    draw, on = torch.Generator().manual_seed(13), layout(torch.float64)
    made = rows(on, [9] * 8 + [2], [cache()] * 9, draw)
    for row in made:
        row.begin(1)
    with Softmaxes() as counted:
        attend(made, 0, numbers(on, 0, 9, draw))
    assert counted.count == 2
