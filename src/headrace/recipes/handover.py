"""Handover: two real processes of one model, of which one reads and the other says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from headrace.engine.opening import Ask, Opening
from headrace.engine.pool import WorkerPool, start
from headrace.engine.spec import Spec


@dataclass(frozen=True)
class Handover:
    """What became of a few sessions that moved.

    Attributes:
        equal: share whose answer is, token by token, that of a session that stayed.
        seconds: to save a state in one process and take it up in the other, on average.
        bytes: of a state on its way, on average.
    """

    equal: float
    seconds: float
    bytes: float


def hand_over(model: str = "zoo:tiny-llama", seed: int = 0, units: Sequence[int] = (40, 200, 600)) -> Handover:
    """Read prompts in one process, move them, and say the answers in another.

    Args:
        model: as `headrace serve` takes it.
        seed: of the tokens of the prompts, which mean nothing.
        units: tokens of each prompt.
    """
    return asyncio.run(_hand_over(model, seed, units))


async def _hand_over(model: str, seed: int, units: Sequence[int], outputs: int = 24) -> Handover:
    rng = np.random.default_rng(seed)
    pool = await start(Spec(model), workers=2)
    try:
        vocabulary = int(pool.model["vocabulary"])
        moved = [await _moved(pool, rng.integers(vocabulary, size=n).tolist(), outputs) for n in units]
    finally:
        await pool.close()
    equal, seconds, nbytes = (sum(column) / len(moved) for column in zip(*moved, strict=True))
    return Handover(equal, seconds, nbytes)


async def _moved(pool: WorkerPool, ids: Sequence[int], outputs: int) -> tuple[bool, float, int]:
    """Whether one prompt is answered alike elsewhere, seconds on its way, and bytes."""
    ask, opening = Ask(max_tokens=outputs, ignore_end=True), Opening(share=False)
    goes = await pool.open(opening)
    await goes.push(ids)
    await goes.settle()
    begin = perf_counter()
    state = await goes.snapshot()
    there = await pool.take_up(state, opening)
    seconds = perf_counter() - begin
    said = [one.token async for one in there.say(ask)]
    wanted = [one.token async for one in goes.say(ask)]
    apart = there.remote is not goes.remote
    for session in (goes, there):
        await session.close()
    return apart and said == wanted, seconds, len(state)
