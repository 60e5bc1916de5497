"""The Python client against a real server: replies, interruption, resumption over lost connections, errors."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import aclosing

import pytest

from headrace.client import AsyncClient, Client
from headrace.client.wire import EventReader, Patience
from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.server.settings import Settings
from tests.server.fake import FakePool
from tests.server.test_realtime import served


def test_a_conversation_from_end_to_end() -> None:
    pool = FakePool()
    with served(pool) as url, Client(f"http://{url}") as client:
        with client.open(budget=64, meanwhile="interrupt") as session:
            assert "".join(session.say("hello", role="user", max_tokens=10)) == "hello"
            assert session.update("hello you") == 0
            assert session.figures()["max_bytes"] > 0
            fork = session.fork()
            again = client.restore(fork.snapshot(), durable=False)
            assert {one.id for one in client.list()} == {session.id, fork.id, again.id}
            assert "".join(client.get(again.id).say("!", stop=["u!"])) == "hello yo"
        with pytest.raises(InputError, match="no session"):
            client.get(session.id)
        fork.close()
        again.close()
        assert not pool.live


def test_leaving_a_reply_takes_back_what_was_not_given() -> None:
    pool = FakePool(delay=0.002)
    with served(pool) as url, Client(f"http://{url}") as client:
        session = client.open()
        got = []
        for text in session.say("0123456789" * 100):
            got.append(text)
            if len(got) == 4:
                break
        assert "".join(map(chr, pool.live[session.id].past[1000:])) == "0123"
        assert "".join(session.say("x", max_tokens=3)) == "012"


def test_events_go_on_behind_the_last_one_when_the_connection_is_cut() -> None:
    """A reader is cut off again and again, since he may be so few events behind; he misses none, and none twice."""
    pool = FakePool(delay=0.001)
    with served(pool, Settings(silent=0.05)) as url, Client(f"http://{url}", patience=5) as client:
        session = client.open()
        session.push("abcdefghij" * 6, reply=True)
        emissions, stream, cuts = [], client.stream, 0

        def cut(path: str, after: int):  # type: ignore[no-untyped-def]
            nonlocal cuts
            cuts += 1
            for count, emission in enumerate(stream(path, after)):
                yield emission
                if count == 9:
                    return

        client.stream = cut  # type: ignore[method-assign]
        for emission in session.events():
            emissions.append(emission)
            if emission.kind == "reply":
                session.close()
        assert [one.number for one in emissions] == list(range(1, 63))
        assert emissions[-1].kind == "closed"
        assert cuts > 4


def test_asyncio_says_the_same() -> None:
    pool = FakePool(delay=0.001)

    async def talk(url: str) -> None:
        async with AsyncClient(f"http://{url}") as client, await client.open() as session:
            assert "".join([text async for text in session.say("hello", role="user")]) == "hello"
            async with aclosing(session.say("abc" * 100)) as texts:
                async for _ in texts:
                    break
            assert len(pool.live[session.id].past) == len("<user>hello<assistant>hello") + 1 + 300 + 1
            fork = await session.fork(seed=3)
            assert await fork.update("x") == 0
            assert len(await client.list()) == 2
            await (await client.get(fork.id)).close()
            back = await client.restore(await session.snapshot())
            await back.close()
            with pytest.raises(InputError):
                await session.push("a", kind="video")

    with served(pool) as url:
        asyncio.run(asyncio.wait_for(talk(url), 20))
        assert not pool.live


def test_what_goes_wrong_is_raised_as_headrace_s_own_errors() -> None:
    with served(FakePool(most=1)) as url, Client(f"http://{url}") as client:
        session = client.open()
        with pytest.raises(CapacityError, match="no more fit"):
            client.open()
        with pytest.raises(InputError, match="budget"):
            client.open(budget=-1)
        with pytest.raises(StateError, match="NaN"):
            list(session.say("\u0001fail"))
        with pytest.raises(InputError):
            list(session.events(after=99))
    with Client("http://127.0.0.1:9", timeout=1) as nobody, pytest.raises(StateError, match="cannot be reached"):
        nobody.open()


def test_keys() -> None:
    from fastapi.testclient import TestClient

    from headrace.client.wire import answer
    from headrace.server.app import create_app
    from headrace.server.keys import Keys

    with (
        TestClient(create_app(FakePool(), keys=Keys(["some-secret"]))) as http,
        pytest.raises(ConfigError, match="API key"),
    ):
        answer(http.get("/v1/sessions"))  # type: ignore[arg-type]


def test_patience_ends_with_the_reason_and_waits_longer_each_time() -> None:
    patience = Patience(1000.0)
    waits = [patience.wait(StateError("gone")) for _ in range(8)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1] <= 2.0
    patience = Patience(-1.0)
    with pytest.raises(StateError, match="gone"):
        patience.wait(StateError("gone"))


def test_events_are_put_together_from_lines() -> None:
    reader = EventReader()
    lines = [": keep-alive", "", "retry: 1000", "", "id: 3", "event: gap",
             'data: {"number": 3, "id": "a", "kind": "gap", "lost": [1, 3], "unknown": 1}']  # fmt: skip
    assert [reader.feed(line) for line in lines] == [None] * 7
    emission = reader.feed("")
    assert emission is not None
    assert (emission.number, emission.lost) == (3, (1, 3))
    reader.feed('data: {"error": {"message": "it failed"}}')
    with pytest.raises(StateError, match="it failed"):
        reader.feed("")


def test_it_loads_no_torch_and_no_server() -> None:
    code = "import sys, headrace.client; assert not {'torch', 'fastapi', 'headrace.server'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
