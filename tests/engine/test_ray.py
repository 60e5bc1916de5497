"""Workers as actors of Ray: two of them, sessions on both, one killed."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.opening import Ask, Opening
from headrace.engine.pool import WorkerPool, start
from headrace.engine.spec import Spec

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'headrace[ray]'")

TEXT = "The river is"


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    yield
    ray.shutdown()


async def said(live: Any, tokens: int, begun: asyncio.Event | None = None) -> list[tuple[int, int | None]]:
    found = []
    async for one in live.say(Ask(tokens, ignore_end=True)):
        found.append((one.number, one.token))
        if begun is not None and len(found) == 5:
            begun.set()
    return found


def pid(pool: WorkerPool, number: int) -> int:
    """Process of the actor of a worker."""
    link: Any = pool.remotes[number].link
    return int(ray.get(link.actor.pid.remote()))


def test_a_killed_workers_sessions_resume_and_state_is_handed_over(cluster: None, tmp_path: Path) -> None:
    async def main() -> None:
        pool = await start(Spec("zoo:tiny-llama", folder=str(tmp_path)), workers=2, kind="ray")
        lives = [await pool.open(Opening(budget=128, durable=True)) for _ in range(4)]
        assert sorted(len(remote.sessions) for remote in pool.remotes) == [2, 2]
        for live in lives:
            await live.push(TEXT)
        begun = asyncio.Event()
        replies = [asyncio.ensure_future(said(live, 200, begun)) for live in lives]
        await begun.wait()
        os.kill(pid(pool, 0), signal.SIGKILL)
        found = await asyncio.gather(*replies)
        alone = await pool.open(Opening(budget=128))
        await alone.push(TEXT)
        expected = await said(alone, 200)
        for one in found:
            assert [token for _, token in one] == [token for _, token in expected]
            assert [number for number, _ in one] == list(range(1, 201))
        await hand_over(pool)
        await pool.close()

    asyncio.run(main())


async def hand_over(pool: WorkerPool) -> None:
    """State that one worker has read is said by another."""
    reader = await pool.open(Opening(budget=128))
    await reader.push(TEXT)
    await reader.settle()
    speaker = await pool.take_up(await reader.snapshot(), Opening(budget=128))
    assert speaker.remote is not reader.remote
    assert [token for _, token in await said(speaker, 20)] == [token for _, token in await said(reader, 20)]
