"""Standing questions: asked on a fork after what was read, said only when they are news, one check at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from headrace.engine.opening import Opening
from headrace.server.keys import Keys
from headrace.server.live.log import Log
from headrace.server.live.speaker import Speaker
from headrace.server.live.standing import Standing, Watcher
from tests.server.fake import FakeLive, FakePool
from tests.server.test_live import opened, push, run, serving


async def watched(pool: FakePool, **question: Any) -> tuple[FakeLive, Log, Watcher]:
    live = await pool.open(Opening())
    log = Log(live.id, 100, 4)
    standing = Standing(**{"id": "q", "ask": "?", "max_tokens": 100, **question})
    return live, log, Watcher(standing, live, Speaker(live, log), log)


def said(log: Log) -> list[str]:
    return [one.text for one in log.after(0)]


async def checked(watcher: Watcher) -> None:
    watcher.wake()
    while watcher._task is not None:
        await asyncio.sleep(0.001)


def test_only_news_is_said_and_the_session_never_sees_the_question() -> None:
    async def body() -> None:
        pool = FakePool(roles=())
        live, log, watcher = await watched(pool, silent="No")
        for text, want in (("no", []), ("\0fire", None), ("", None)):
            await live.push(text)
            await checked(watcher)
            if want is not None:
                assert said(log) == want
        assert said(log) == ["fire?"] or len(said(log)) <= 1
        assert "?" not in "".join(map(chr, live.past))
        assert list(pool.live) == [live.id]

    run(body)


@pytest.mark.parametrize(
    ("answer", "before", "news"),
    [("yes", None, True), ("yes", "yes", False), ("yes.", "yes", True), ("no", None, False), (" NO way", None, False),
     ("", None, False), ("  ", "yes", False)],
)  # fmt: skip
def test_news(answer: str, before: str | None, news: bool) -> None:
    assert Standing("q", "?", silent="no").news(answer, before) is news


def test_an_answer_is_said_once_and_again_when_it_changes() -> None:
    async def body() -> None:
        async with serving(FakePool()) as client:
            name = await opened(client, standing=[{"id": "q", "ask": "same", "role": "user"}])
            for at in range(3):
                await push(client, name, f"frame {at}", role="user")
                while (await client.get(f"/v1/sessions/{name}")).json()["standing"][0]["checks"] <= at:
                    await asyncio.sleep(0.002)
            figures = (await client.get(f"/v1/sessions/{name}")).json()
            assert (figures["emissions"], figures["standing"][0]["answer"]) == (1, "same")

    run(body)


def test_one_check_at_a_time_and_the_newest_input_is_the_last_that_is_looked_at() -> None:
    async def body() -> None:
        pool = FakePool(delay=0.002, roles=())
        live, log, watcher = await watched(pool)
        most = 0
        for at in range(20):
            await live.push(str(at % 10))
            watcher.wake()
            await asyncio.sleep(0.003)
            most = max(most, len(pool.live))
        await checked(watcher)
        assert most == 2  # the session and one fork
        assert watcher.checks < 20
        assert said(log)[-1] == "01234567890123456789?"

    run(body)


def test_a_check_that_takes_too_long_is_given_up_and_its_fork_is_closed() -> None:
    async def body() -> None:
        pool = FakePool(delay=0.05)
        live, log, watcher = await watched(pool, within=10_000_000)
        await live.push("abc")
        await checked(watcher)
        assert (watcher.late, watcher.checks, said(log)) == (1, 0, [])
        assert list(pool.live) == [live.id]

    run(body)


def test_a_check_that_cannot_be_made_says_why_and_the_next_one_is() -> None:
    async def body() -> None:
        pool = FakePool(most=1)
        live, log, watcher = await watched(pool)
        await live.push("abc")
        await checked(watcher)
        assert (watcher.failed, "no more fit" in watcher.why) == (1, True)
        pool.most = 2
        await checked(watcher)
        assert said(log) == ["abc?"]

    run(body)


def test_closing_ends_a_check_under_way_and_its_fork() -> None:
    async def body() -> None:
        pool = FakePool(delay=0.05)
        live, _, watcher = await watched(pool)
        await live.push("abc")
        watcher.wake()
        while len(pool.live) < 2:
            await asyncio.sleep(0.001)
        await watcher.close()
        assert list(pool.live) == [live.id]

    run(body)


def test_the_questions_of_a_session_take_turns_and_all_are_asked() -> None:
    async def body() -> None:
        pool = FakePool(delay=0.0005)
        async with serving(pool) as client:
            questions = [{"id": f"q{at}", "ask": f"Is it {at}?", "role": "user", "max_tokens": 256} for at in range(8)]
            name = await opened(client, standing=questions)
            await push(client, name, "frame", role="user")
            most, checks = 0, 0
            while checks < 8:
                await asyncio.sleep(0.001)
                most = max(most, len(pool.live))
                figures = (await client.get(f"/v1/sessions/{name}")).json()
                checks = sum(one["checks"] for one in figures["standing"])
            assert most == 2  # the session and one fork
            assert figures["emissions"] == 8

    run(body)


def test_a_fork_for_a_question_counts_among_the_sessions_of_its_key() -> None:
    async def body() -> None:
        keys = Keys(["first-key sessions=2"])
        async with serving(FakePool(), keys=keys) as client:
            client.headers["authorization"] = "Bearer first-key"
            name, other = await opened(client, standing=[{"id": "q", "ask": "?"}]), await opened(client)

            async def asked(what: str, least: int) -> dict[str, Any]:
                await push(client, name, "abc")
                while True:
                    (one,) = (await client.get(f"/v1/sessions/{name}")).json()["standing"]
                    if one[what] >= least:
                        return dict(one)
                    await asyncio.sleep(0.002)

            assert "2 live sessions" in (await asked("failed", 1))["why"]
            await client.delete(f"/v1/sessions/{other}")
            assert (await asked("checks", 1))["answer"] == "abcabc?"
            await opened(client)  # the fork's place is free again

    run(body)
