"""Live sessions over HTTP: emissions by number, resumption, interruption, limits, and what outlives the server."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from headrace.server.app import create_app
from headrace.server.keys import Keys
from headrace.server.live import sessions as live_sessions
from headrace.server.settings import Settings
from tests.server.fake import FakePool

Client = httpx.AsyncClient


@asynccontextmanager
async def serving(pool: FakePool, settings: Settings | None = None, keys: Keys | None = None) -> AsyncIterator[Client]:
    """A client of a server in this process; events are read from its log, since the transport reads whole bodies."""
    app = create_app(pool, settings, keys)
    here = Client(transport=httpx.ASGITransport(app), base_url="http://here")
    async with app.router.lifespan_context(app), here as client:
        yield client


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), 20))


async def opened(client: Client, **body: Any) -> str:
    answer = await client.post("/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def push(client: Client, name: str, text: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/sessions/{name}/push", json={"text": text, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def emitted(client: Client, name: str, after: int = 0, until: int = 0, **how: Any) -> list[dict[str, Any]]:
    """Emissions behind a number until the session is closed; `until` closes it when that many are there."""
    reading = asyncio.create_task(client.get(f"/v1/sessions/{name}/events", params={"after": after}, **how))
    figures = {"emissions": -1}
    while not reading.done() and (figures["emissions"] < until or not figures["listeners"]):
        await asyncio.sleep(0.002)
        figures = (await client.get(f"/v1/sessions/{name}")).json()
    await client.delete(f"/v1/sessions/{name}")
    answer = await reading
    assert answer.status_code == 200, answer.text
    events = []
    for block in answer.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in lines:
            events.append(json.loads(lines["data"]))
            assert (lines["id"], lines["event"]) == (str(events[-1]["number"]), events[-1]["kind"])
    return events


def test_a_reply_is_emitted_token_by_token_and_whole_by_number() -> None:
    async def body() -> None:
        async with serving(FakePool()) as client:
            name = await opened(client, budget=64, deadline_ms={"first": 100, "every": 20})
            pushed = await push(client, name, "abc", role="user", reply={"max_tokens": 9})
            assert pushed["tokens"] == len("<user>abc")
            events = await emitted(client, name, until=4)
            assert [(event["number"], event["kind"], event["text"]) for event in events] == [
                (1, "token", "a"),
                (2, "token", "b"),
                (3, "token", "c"),
                (4, "reply", "abc"),
                (5, "closed", "its client closed it"),
            ]
            assert [event["said"] for event in events[:3]] == [1, 2, 3]
            assert {event["cause"] for event in events[:4]} == {pushed["reply"]}
            assert (events[3]["ended"], events[3]["cancelled"]) == ("end", False)
            assert len({event["id"] for event in events}) == 5

    run(body)


def test_listening_goes_on_exactly_behind_a_number_and_a_gap_names_what_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_sessions, "KEPT", 4)

    async def body() -> None:
        async with serving(FakePool()) as client:
            for after, header, want in ((6, None, [7, 8, 9]), (0, "6", [7, 8, 9]), (2, None, ["3-4", 5, 6, 7, 8, 9])):
                name = await opened(client)
                await push(client, name, "abcdefg", reply=True)
                while (await client.get(f"/v1/sessions/{name}")).json()["emissions"] < 8:
                    await asyncio.sleep(0.002)
                headers = {"last-event-id": header} if header else {}
                events = await emitted(client, name, after, headers=headers)
                got = ["{}-{}".format(*event["lost"]) if event["lost"] else event["number"] for event in events]
                assert got == want
            name = await opened(client)
            for bad in ({"params": {"after": 1}}, {"headers": {"last-event-id": "x"}}, {"params": {"after": -1}}):
                assert (await client.get(f"/v1/sessions/{name}/events", **bad)).status_code == 400

    run(body)


def test_several_listen_to_one_session_and_all_see_all() -> None:
    async def body() -> None:
        async with serving(FakePool(delay=0.001)) as client:
            name = await opened(client)
            readers = [asyncio.create_task(client.get(f"/v1/sessions/{name}/events")) for _ in range(3)]
            await push(client, name, "abc", reply=True)
            events = await emitted(client, name, until=4)
            for reader in readers:
                assert reader.done() or await reader
                assert reader.result().text.count("event: token") == 3 == sum(one["kind"] == "token" for one in events)

    run(body)


def test_interruption_takes_back_what_was_not_heard() -> None:
    async def body() -> None:
        pool = FakePool(delay=0.002)
        async with serving(pool) as client:
            name = await opened(client)
            await push(client, name, "0123456789" * 20, reply=True)
            await push(client, name, "x", reply=True)
            while pool.live[name].said < 8:
                await asyncio.sleep(0.001)
            answer = await client.post(f"/v1/sessions/{name}/interrupt", json={"said": 5})
            assert answer.json() == {"said": 5}
            events = await emitted(client, name, until=pool.live[name].said + 2)
            replies = [event for event in events if event["kind"] == "reply"]
            assert sorted((event["text"], event["cancelled"], event["ended"]) for event in replies) == [
                ("", True, "interrupted"), ("01234", True, "interrupted"),
            ]  # fmt: skip

    run(body)


def test_update_fork_snapshot_and_restore() -> None:
    async def body() -> None:
        pool = FakePool()
        async with serving(pool) as client:
            name = await opened(client)
            await push(client, name, "abcd")
            answer = await client.put(f"/v1/sessions/{name}/input", json={"text": "abxyz"})
            assert answer.json() == {"kept": 2}
            fork = (await client.post(f"/v1/sessions/{name}/fork", json={})).json()["id"]
            octets = await client.get(f"/v1/sessions/{name}/snapshot")
            assert octets.headers["content-type"] == "application/octet-stream"
            back = await client.post("/v1/sessions/restore", content=octets.content)
            assert (back.status_code, pool.opened[-1].program) == (201, "")
            for other in (fork, back.json()["id"]):
                await push(client, other, "!", reply=True)
                assert (await emitted(client, other, until=7))[-2]["text"] == "abxyz!"
            assert {one["id"] for one in (await client.get("/v1/sessions")).json()["data"]} == {name}
            bad = await client.post("/v1/sessions/restore", content=b"\0junk")
            assert (bad.status_code, bad.json()["error"]["code"]) == (400, "bad_snapshot")

    run(body)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", {"budget": -1}, 400),
        ("", {"meanwhile": "never"}, 400),
        ("", {"sampling": {"temperature": "x"}}, 400),
        ("", {"policy": {"kind": 1}, "budget": 3}, 400),
        ("", {"policy": {}}, 400),
        ("", {"nonsense": 1}, 400),
        ("", {"deadline_ms": {"every": 5}}, 400),
        ("", {"deadline_ms": {"first": 0}}, 400),
        ("", {"durable": True}, 400),
        ("", {"seed": 1 << 70}, 400),
        ("", {"standing": [{"id": "a", "ask": "b"}] * 2}, 400),
        ("", {"standing": [{"id": f"q{at}", "ask": "b"} for at in range(9)]}, 400),
        ("", {"standing": [{"id": "a", "ask": "b", "max_tokens": 257}]}, 400),
        ("", {"standing": [{"id": "a", "ask": "b" * 2001}]}, 400),
        ("", {"budget": True}, 400),
        ("/{id}/push", {}, 400),
        ("/{id}/push", {"text": "a", "tokens": [1]}, 400),
        ("/{id}/push", {"tokens": [-1]}, 400),
        ("/{id}/push", {"tokens": [1 << 25]}, 400),
        ("/{id}/push", {"text": "a", "role": "wizard"}, 400),
        ("/{id}/push", {"text": "a", "kind": "video"}, 415),
        ("/{id}/push", {"text": "a", "reply": {"max_tokens": 0}}, 400),
        ("/{id}/push", {"text": "a", "reply": {"stop": [""]}}, 400),
        ("/{id}/push", {"text": "a" * 70_000}, 429),
        ("/{id}/interrupt", {"said": 3}, 400),
        ("/{id}/push", {"text": "a", "pts_ms": 1e300}, 400),
        ("/0123/push", {"text": "a"}, 404),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(path: str, body: dict[str, Any], status: int) -> None:
    async def check() -> None:
        async with serving(FakePool()) as client:
            name = await opened(client)
            answer = await client.post("/v1/sessions" + path.replace("{id}", name), json=body)
            assert (answer.status_code, bool(answer.json()["error"]["message"])) == (status, True), answer.text
            await push(client, name, "still here")

    run(check)


def test_bodies_that_are_no_json_or_no_text_are_no_fault_of_the_server() -> None:
    async def check() -> None:
        async with serving(FakePool()) as client:
            name = await opened(client)
            for raw in (
                b"{",
                b"\xff",
                b'{"text": "\\ud800"}',
                b'{"text": NaN}',
                b"[]",
                b"null",
                b'{"pts_ms": Infinity, "text": "a"}',
            ):
                answer = await client.post(
                    f"/v1/sessions/{name}/push", content=raw, headers={"content-type": "application/json"}
                )
                assert answer.status_code == 400, (raw, answer.text)

    run(check)


def test_sessions_belong_to_the_key_that_opened_them_and_are_counted() -> None:
    async def body() -> None:
        async with serving(FakePool(), keys=Keys(["first-key sessions=2", "second-key"])) as client:
            client.headers["authorization"] = "Bearer first-key"
            name, _ = await opened(client), await opened(client)
            third = await client.post("/v1/sessions", json={})
            assert (third.status_code, third.headers["retry-after"]) == (429, "1")
            client.headers["authorization"] = "Bearer second-key"
            for method, path in (
                ("GET", ""),
                ("DELETE", ""),
                ("GET", "/snapshot"),
                ("GET", "/events"),
                ("POST", "/fork"),
            ):
                answer = await client.request(
                    method, f"/v1/sessions/{name}{path}", json={} if method == "POST" else None
                )
                assert answer.status_code == 404
            assert (await client.get("/v1/sessions")).json() == {"data": [], "absent": []}
            client.headers["authorization"] = "Bearer first-key"
            assert (await client.delete(f"/v1/sessions/{name}")).status_code == 204
            await opened(client)
            client.headers["authorization"] = "Bearer unknown-key"
            assert (await client.get("/v1/sessions")).status_code == 401

    run(body)


def test_idle_sessions_are_closed_and_used_ones_stay() -> None:
    async def body() -> None:
        pool = FakePool()
        async with serving(pool, Settings(idle=0.2)) as client:
            idle, listened = await opened(client), await opened(client)
            reading = asyncio.create_task(client.get(f"/v1/sessions/{listened}/events"))
            while idle in pool.live:
                await asyncio.sleep(0.02)
            assert (await client.get(f"/v1/sessions/{idle}")).status_code == 404
            assert listened in pool.live
            await client.delete(f"/v1/sessions/{listened}")
            await reading

    run(body)


def test_nothing_is_left_when_the_server_ends() -> None:
    async def body() -> None:
        pool = FakePool(delay=0.01)
        before = len(asyncio.all_tasks())
        async with serving(pool) as client:
            for _ in range(5):
                name = await opened(client, standing=[{"id": "q", "ask": "why"}])
                await push(client, name, "abcdef", reply={"max_tokens": 1000, "ignore_end": True})
        assert not pool.live
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == before

    run(body)


def test_a_durable_session_goes_on_behind_its_last_emission_after_a_crash(tmp_path: Path) -> None:
    kept: dict[str, bytes] = {}
    settings = Settings(folder=str(tmp_path))

    async def first() -> str:
        pool = FakePool(kept=kept)
        app = create_app(pool, settings)  # nobody ends it: the process is killed
        async with Client(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            name = await opened(client, durable=True, standing=[{"id": "q", "ask": "?", "silent": "no"}])
            await push(client, name, "abc", reply=True)
            while (await client.get(f"/v1/sessions/{name}")).json()["emissions"] < 5:
                await asyncio.sleep(0.002)
        return name

    async def second(name: str) -> None:
        async with serving(FakePool(kept=kept), settings) as client:
            assert (await client.get(f"/v1/sessions/{name}")).json()["standing"][0]["answer"] == "abcabc ?"
            await push(client, name, "d", reply=True)
            events = await emitted(client, name, after=4, until=8)
            assert [event["number"] for event in events] == list(range(5, 5 + len(events)))
            assert events[0]["text"] == "abcabc ?"
            assert not list((tmp_path / "sessions").iterdir())

    name = asyncio.run(first())
    (path,) = (tmp_path / "sessions").glob("*.json")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()} == {0o600}
    with path.with_suffix(".jsonl").open("ab") as file:
        file.write(b'{"emission": {"numb')  # a line that the crash cut
    asyncio.run(second(name))


def test_a_journal_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sessions, "KEPT", 16)

    async def body() -> None:
        async with serving(FakePool(kept={}), Settings(folder=str(tmp_path))) as client:
            name = await opened(client, durable=True)
            for _ in range(8):
                await push(client, name, "abcdefgh", role="user", reply={"max_tokens": 8, "role": "assistant"})
            while (await client.get(f"/v1/sessions/{name}")).json()["replies_waiting"]:
                await asyncio.sleep(0.002)
            (path,) = tmp_path.glob("sessions/*.jsonl")
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            assert len(lines) <= 2 * 16 + 8
            numbers = [line["emission"]["number"] for line in lines if "emission" in line]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert numbers[-1] == (await client.get(f"/v1/sessions/{name}")).json()["emissions"]

    run(body)


def test_what_comes_from_a_snapshot_is_its_keys_in_the_sharing_of_time_too() -> None:
    async def body() -> None:
        pool = FakePool()
        async with serving(pool, keys=Keys(["first-key name=ann"])) as client:
            client.headers["authorization"] = "Bearer first-key"
            name = await opened(client)
            octets = (await client.get(f"/v1/sessions/{name}/snapshot")).content
            await client.post("/v1/sessions/restore", content=octets, params={"program": "another"})
            assert [opening.program for opening in pool.opened] == ["ann", "ann"]

    run(body)


def test_figures_of_a_list_are_asked_for_together_and_one_that_fails_is_named_apart() -> None:
    async def body() -> None:
        pool = FakePool()
        async with serving(pool) as client:
            names = [await opened(client) for _ in range(4)]
            together = asyncio.Barrier(3)
            for name in names[:3]:
                live, plain = pool.live[name], pool.live[name].figures

                async def slow(plain: Any = plain) -> Any:
                    await together.wait()
                    return await plain()

                live.figures = slow  # type: ignore[method-assign]
            pool.live[names[3]].closed = True
            answer = (await client.get("/v1/sessions")).json()
            assert [one["id"] for one in answer["data"]] == names[:3]
            assert answer["absent"] == [{"id": names[3], "why": "the session is closed; open another"}]

    run(body)


def killed(kept: dict[str, bytes], settings: Settings, texts: list[str], keys: list[str] | None = None) -> list[str]:
    """Names of durable sessions that were told these texts by a server that nobody ended."""

    async def body() -> list[str]:
        app = create_app(FakePool(kept=kept), settings, Keys(keys or []))
        async with Client(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            if keys:
                client.headers["authorization"] = f"Bearer {keys[0].split()[0]}"
            names = [await opened(client, durable=True) for _ in texts]
            for name, text in zip(names, texts, strict=True):
                await push(client, name, text, reply=True)
                while (await client.get(f"/v1/sessions/{name}")).json()["emissions"] <= len(text):
                    await asyncio.sleep(0.002)
        return names

    return asyncio.run(body())


def test_a_restart_with_less_room_keeps_what_does_not_fit_until_it_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept: dict[str, bytes] = {}
    settings, keys = Settings(folder=str(tmp_path)), ["first-key name=ann", "second-key"]
    names = killed(kept, settings, ["abc", "def", "ghi"], keys)
    files = {path: path.read_bytes() for path in (tmp_path / "sessions").iterdir()}

    async def body() -> None:
        pool = FakePool(kept=kept, most=2)
        async with serving(pool, settings, Keys(keys)) as client:
            client.headers["authorization"] = "Bearer first-key"
            (third,) = set(names) - set(pool.live)
            for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/push"), ("GET", "/snapshot")):
                answer = await client.request(
                    method, f"/v1/sessions/{third}{path}", json={"text": "x"} if method == "POST" else None
                )
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
                assert "does not fit" in answer.json()["error"]["message"]
            listed = (await client.get("/v1/sessions")).json()
            assert {one["id"] for one in listed["data"]} == set(pool.live)
            assert [(one["id"], "does not fit" in one["why"]) for one in listed["absent"]] == [(third, True)]
            assert files == {path: path.read_bytes() for path in (tmp_path / "sessions").iterdir()}
            client.headers["authorization"] = "Bearer second-key"
            assert (await client.get(f"/v1/sessions/{third}")).status_code == 404
            assert (await client.delete(f"/v1/sessions/{third}")).status_code == 404
            client.headers["authorization"] = "Bearer first-key"
            assert (await client.delete(f"/v1/sessions/{next(iter(pool.live))}")).status_code == 204
            found = await asyncio.gather(*(client.get(f"/v1/sessions/{third}") for _ in range(4)))
            assert {answer.status_code for answer in found} == {200}
            assert (await client.get("/v1/sessions")).json()["absent"] == []
            await push(client, third, "!", reply=True)
            told = {"abcabc !", "defdef !", "ghighi !"}
            events = await emitted(client, third, after=4, until=12)
            assert [event["number"] for event in events] == list(range(5, 5 + len(events)))
            assert events[-2]["text"] in told

    run(body)
    assert caplog.text.count("cannot be taken up now, and is kept") == 1


def test_a_session_that_cannot_be_taken_up_may_be_forgotten_and_its_state_goes_at_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept: dict[str, bytes] = {}
    settings = Settings(folder=str(tmp_path))
    names = killed(kept, settings, ["abc", "def"])

    async def forgotten() -> None:
        pool = FakePool(kept=kept, most=1)
        app = create_app(pool, settings)
        async with Client(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            manager = app.router.lifespan_context(app)
            await manager.__aenter__()  # nobody ends it either
            (other,) = set(names) - set(pool.live)
            assert (await client.delete(f"/v1/sessions/{other}")).status_code == 204
            assert (await client.get(f"/v1/sessions/{other}")).status_code == 404
            assert not list(tmp_path.glob(f"sessions/{other}*"))
            assert other in kept

    async def after() -> None:
        async with serving(FakePool(kept=kept), settings) as client:
            (left,) = (await client.get("/v1/sessions")).json()["data"]
            assert list(kept) == [left["id"]]

    run(forgotten)
    run(after)
    assert caplog.text.count("no journal owns") == 1


@pytest.mark.parametrize("damage", ["{", "[]", '{"owner": "anyone"}', '{"owner": "anyone", "standing": [{"x": 1}]}'])
def test_a_damaged_journal_costs_its_session_nothing(tmp_path: Path, damage: str) -> None:
    kept: dict[str, bytes] = {}
    settings = Settings(folder=str(tmp_path))
    (name,) = killed(kept, settings, ["abc"])
    path = tmp_path / "sessions" / f"{name}.json"
    path.write_text(damage)

    async def body() -> None:
        async with serving(FakePool(kept=kept), settings) as client:
            answer = await client.get(f"/v1/sessions/{name}")
            assert answer.status_code == (503 if "owner" in damage else 404)
        assert path.read_text() == damage
        assert path.with_suffix(".jsonl").exists()
        assert name in kept

    run(body)
