"""Live sessions from an event loop: many at once, left in the middle, and taken up again after a crash."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import CapacityError, InputError, StateError
from headrace.engine.opening import Ask, Opening, Said
from headrace.engine.pool import WorkerPool, start
from headrace.engine.spec import Spec
from tests.engine.live import SMALL, alone, ids, model

pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def _one_model(monkeypatch: Any) -> None:
    """Workers that are threads share the model of these tests."""
    lm = model()
    monkeypatch.setattr(sys.modules["headrace.models.hf.load"], "load", lambda *_, **__: lm)


def played(story: Callable[[WorkerPool], Coroutine[Any, Any, None]], workers: int = 1, **spec: Any) -> None:
    async def play() -> None:
        pool = await start(Spec("zoo:tiny-llama", **spec), workers=workers, kind="thread")
        try:
            await asyncio.wait_for(story(pool), 60)
        finally:
            await pool.close()

    asyncio.run(play())


async def heard(reply: AsyncIterator[Said]) -> list[Said]:
    return [one async for one in reply]


def tokens(said: list[Said]) -> list[int]:
    return [one.token for one in said if one.token is not None]


def ask(n: int) -> Ask:
    return Ask(n, ignore_end=True)


def test_many_sessions_at_once_say_what_they_say_alone() -> None:
    async def story(pool: WorkerPool) -> None:
        async def one(number: int) -> None:
            live = await pool.open(Opening(policy=SMALL))
            assert await live.push(ids(9 + number, number)) == 9 + number
            await live.settle()
            said = tokens(await heard(live.say(ask(6))))
            assert said == alone([ids(9 + number, number), 6], policy=SMALL).said
            assert (await live.figures())["waiting"] == 0
            await live.close()
            await live.close()
            with pytest.raises(StateError, match="closed"):
                await live.push([5])

        await asyncio.gather(*(one(number) for number in range(12)))
        assert not pool.sessions()

    played(story, workers=2)


def test_who_leaves_a_reply_ends_it_and_the_next_one_is_whole() -> None:
    async def story(pool: WorkerPool) -> None:
        live = await pool.open(Opening(policy=SMALL))
        await live.push(ids(20))
        reply = live.say(ask(4000))
        before = [await anext(reply) for _ in range(3)]
        await reply.aclose()
        after = await heard(live.say(ask(5)))
        assert [one.ended for one in after] == ["", "", "", "", "length"]
        assert after[0].number > before[-1].number
        assert [one.number for one in after] == list(range(after[0].number, after[0].number + 5))
        task = asyncio.ensure_future(heard(live.say(ask(4000))))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(await heard(live.say(ask(2)))) == 2
        assert not live.talking

    played(story)


def test_who_is_cancelled_before_it_began_leaves_nothing_behind() -> None:
    async def story(pool: WorkerPool) -> None:
        live = await pool.open(Opening(policy=SMALL))
        await live.push(ids(20))
        for _ in range(5):
            task = asyncio.ensure_future(heard(live.say(ask(4000))))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert len(await heard(live.say(ask(3)))) == 3

    played(story)


def test_replies_that_wait_come_in_order_and_end_with_the_one_that_is_interrupted() -> None:
    async def story(pool: WorkerPool) -> None:
        live = await pool.open(Opening(policy=SMALL))
        await live.push(ids(20))
        first, second = await asyncio.gather(heard(live.say(ask(4))), heard(live.say(ask(3))))
        assert tokens(first) + tokens(second) == alone([ids(20), 7], policy=SMALL).said
        replies = [asyncio.ensure_future(heard(live.say(ask(4000)))) for _ in range(3)]
        await asyncio.sleep(0.1)
        await live.interrupt()
        ended = [one[-1].ended for one in await asyncio.gather(*replies)]
        assert ended == ["interrupted"] * 3

    played(story)


def test_a_reply_that_is_refused_leaves_nothing_behind() -> None:
    async def refused(pool: WorkerPool) -> None:
        live = await pool.open(Opening(policy=SMALL))
        await live.push(ids(20))
        with pytest.raises(Exception, match="min_tokens"):
            await heard(live.say(Ask(3, min_tokens=9)))
        assert not live.talking
        assert len(await heard(live.say(ask(3)))) == 3

    played(refused)


def test_close_while_it_speaks() -> None:
    async def story(pool: WorkerPool) -> None:
        live = await pool.open(Opening(policy=SMALL))
        await live.push(ids(20))
        reply = asyncio.ensure_future(heard(live.say(ask(4000))))
        await asyncio.sleep(0.05)
        await live.close()
        with pytest.raises(StateError, match="closed"):
            await reply
        assert not pool.sessions()

    played(story)


def test_forks_snapshots_and_updates() -> None:
    async def story(pool: WorkerPool) -> None:
        live = await pool.open(Opening(policy=SMALL))
        await live.push(ids(20))
        await live.settle()
        fork = await live.fork(seed=1)
        taken = await pool.take_up(await live.snapshot(), Opening(policy=SMALL))
        assert await live.update([*ids(10), *ids(4, 1)]) >= 0
        said = await asyncio.gather(*(heard(one.say(ask(5))) for one in (live, fork, taken)))
        assert tokens(said[1]) == tokens(said[2]) == alone([ids(20), 5], policy=SMALL).said
        assert tokens(said[0]) == alone([[*ids(10), *ids(4, 1)], 5], policy=SMALL).said
        assert pool.get(fork.id) is fork
        with pytest.raises(InputError, match="no session"):
            pool.get("x")

    played(story)


def test_settle_waits_for_what_is_held() -> None:
    async def story(pool: WorkerPool) -> None:
        live = await pool.open(Opening(policy=SMALL, meanwhile="queue"))
        await live.push(ids(20))
        reply = live.say(ask(100))
        await anext(reply)
        assert await live.push(ids(7, 1)) == 0
        rest, _ = await asyncio.gather(heard(reply), live.settle())
        assert len(rest) == 99
        figures = await live.figures()
        assert (figures["waiting"], figures["tokens_read"]) == (0, 28)

    played(story)


def test_drain_lets_replies_end_and_admits_nobody() -> None:
    async def story(pool: WorkerPool) -> None:
        live, other = await pool.open(Opening(policy=SMALL)), await pool.open(Opening(policy=SMALL))
        for one in (live, other):
            await one.push(ids(20))
        short = asyncio.ensure_future(heard(live.say(ask(5))))
        long = asyncio.ensure_future(heard(other.say(ask(100_000))))
        await asyncio.sleep(0.02)
        assert await pool.drain(0.3) == 1
        assert (await short)[-1].ended == "length"
        assert (await long)[-1].ended == "interrupted"
        with pytest.raises(CapacityError, match="going down"):
            await pool.open(Opening())

    played(story)


def test_all_workers_are_asked_before_anybody_is_refused() -> None:
    async def story(pool: WorkerPool) -> None:
        lives = [await pool.open(Opening(policy=SMALL)) for _ in range(4)]
        assert [len(one.sessions) for one in pool.remotes] == [2, 2]
        with pytest.raises(CapacityError, match="4 of 4 sessions are open"):
            await pool.open(Opening(policy=SMALL))
        await lives[1].close()
        await pool.open(Opening(policy=SMALL))

    played(story, workers=2, sessions=4)


def test_a_pool_that_is_closed_tells_everybody(tmp_path: Path) -> None:
    async def play() -> None:
        pool = await start(Spec("zoo:tiny-llama", folder=str(tmp_path)), kind="thread")
        live = await pool.open(Opening(policy=SMALL, durable=True))
        await live.push(ids(20))
        reply = asyncio.ensure_future(heard(live.say(ask(4000))))
        await asyncio.sleep(0.05)
        await pool.close()
        with pytest.raises(StateError, match="stopped"):
            await asyncio.wait_for(reply, 10)
        with pytest.raises(StateError, match="stopped"):
            await asyncio.wait_for(live.push([5]), 10)

        again = await start(Spec("zoo:tiny-llama", folder=str(tmp_path)), kind="thread")
        assert again.sessions() == [live.id]
        assert len(await asyncio.wait_for(heard(again.get(live.id).say(ask(3))), 10)) == 3
        await again.close()

    asyncio.run(play())


@pytest.mark.parametrize("kind", ["thread", pytest.param("process", marks=pytest.mark.slow)])
def test_a_worker_that_is_killed_in_mid_reply(kind: str, tmp_path: Path) -> None:
    async def play() -> None:
        pool = await start(Spec("zoo:tiny-llama", folder=str(tmp_path)), kind=kind)
        try:
            live, other = await pool.open(Opening(policy=SMALL, durable=True)), await pool.open(Opening(policy=SMALL))
            await live.push(ids(20))
            said = tokens(await heard(live.say(ask(5))))
            await other.push(ids(5))
            async for one in live.say(ask(30)):
                said += tokens([one])
                if len(said) == 12:
                    pool.remotes[0].kill()
            assert said == alone([ids(20), 35], policy=SMALL).said
            with pytest.raises(StateError, match="not durable"):
                await other.push([5])
        finally:
            await pool.close()

    asyncio.run(play())


def test_leaving_a_reply_that_waits_leaves_the_one_under_way() -> None:
    async def story(pool: WorkerPool) -> None:
        live = await pool.open(Opening(policy=SMALL))
        await live.push(ids(20))
        first = live.say(ask(120))
        found = [await anext(first)]
        second = asyncio.ensure_future(heard(live.say(ask(5))))
        third = asyncio.ensure_future(heard(live.say(ask(6))))
        await live.figures()
        second.cancel()
        found += await heard(first)
        assert len(found) == 120
        assert found[-1].ended == "length"
        assert len(await third) == 6

    played(story)
