"""A server among clients that come, go, flood, babble and dawdle: nothing of them is left, and nobody else notices."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import random
from pathlib import Path
from typing import Any

import pytest

from tests.server.churn import Churn, Witness, alone, witnessed
from tests.server.watched import Watched, watched

if importlib.util.find_spec("transformers") is None:
    pytest.skip("needs transformers, which the extra hf brings", allow_module_level=True)

#: What must be exactly as it was before.
COUNTED = (
    "tasks", "descriptors", "worker_descriptors", "sessions", "engine_sessions", "running", "requests", "shares",
    "streams", "connections", "calls",
)  # fmt: skip
#: Closed sessions whose beginnings are kept: few, so that they are all there before the first figure is taken.
SPEC = {"prefix_bytes": 4 << 20}
MIB = 1 << 20


async def settled(server: Watched, like: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the server holds once it holds nothing of any client, or no more than `like`."""
    found: dict[str, Any] = {}
    for _ in range(240):
        found = await asyncio.to_thread(server.look)
        if like is None and not any(found[name] for name in ("sessions", "running", "requests", "streams", "calls")):
            return found
        if like is not None and all(found[name] == like[name] for name in COUNTED):
            return found
        await asyncio.sleep(0.25)
    return found


async def churned(server: Watched, clients: int, seconds: float, warm: float, seed: int) -> dict[str, Any]:
    """What a churn left behind."""
    await Churn(server.port, random.Random(seed)).run(clients, warm)
    before = await settled(server)
    churn, going = Churn(server.port, random.Random(seed + 1)), [True]
    witnesses = [Witness() for _ in range(3)]
    testifying = [asyncio.create_task(witnessed(server.port, one, lambda: going[0])) for one in witnesses]
    await churn.run(clients, seconds)
    going[0] = False
    await asyncio.gather(*testifying)
    after = await settled(server, before)
    rounds = max(len(one.said) for one in witnesses)
    truth = await alone(server.port, rounds)
    return {"churn": churn, "before": before, "after": after, "witnesses": witnesses, "truth": truth}


def check(found: dict[str, Any], growth: float) -> None:
    """Nothing is left, nobody was answered by an error of the server, and the witnesses noticed nothing."""
    churn, before, after = found["churn"], found["before"], found["after"]
    grown = {name: [(b - a) / MIB for a, b in zip(_list(before[name]), _list(after[name]), strict=True)]
             for name in ("resident", "worker_resident")}  # fmt: skip
    steps = sum(one.figures.get("steps", 0) for one in found["witnesses"])
    hits = sum(one.figures.get("hits", 0) for one in found["witnesses"])
    print(json.dumps({"counts": churn.counts, "grown_mib": grown, "witness_steps": steps, "witness_hits": hits}))
    assert not churn.faults
    assert {name: after[name] for name in COUNTED} == {name: before[name] for name in COUNTED}
    for witness in found["witnesses"]:
        assert witness.said == found["truth"][: len(witness.said)]
        assert len(witness.said) > 1
        assert witness.numbers == list(range(1, len(witness.numbers) + 1))
    assert steps >= sum(12 * len(one.said) for one in found["witnesses"])
    assert max(grown["resident"] + grown["worker_resident"]) < growth


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_nothing_is_left_of_clients_that_come_and_go_and_nobody_else_notices(tmp_path: Path) -> None:
    with watched(tmp_path, workers=1, spec=SPEC) as server:
        check(asyncio.run(churned(server, clients=32, seconds=8, warm=4, seed=6)), growth=24)


@pytest.mark.soak
@pytest.mark.parametrize(("clients", "seconds", "warm"), [(200, 60, 20), (200, 600, 60)])
def test_two_hundred_clients_churn(tmp_path: Path, clients: int, seconds: float, warm: float) -> None:
    with watched(tmp_path, workers=2, spec=SPEC) as server:
        check(asyncio.run(churned(server, clients, seconds, warm, seed=seconds)), growth=32)
