"""Churn: clients of every kind, well-behaved and not, at a server at once; and witnesses that must not notice.

Every client is seeded. They speak HTTP/1.0 over bare sockets, so that they can stop anywhere: in a head, in a body, in
the middle of an answer.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import websockets

from headrace.client import AsyncClient, AsyncSession
from headrace.core.errors import CapacityError, HeadraceError

WORDS = ["river", "mill", "water", "wheel", "stone", "gate", "weir", "bridge", "boat", "fish", "reed", "bank", "tide"]
DEADLINES = {"first": 2000, "every": 250}
#: What a server may answer to a client that may be wrong; anything else is a fault.
ALLOWED = frozenset({200, 201, 204, 400, 404, 405, 408, 409, 413, 415, 422, 429, 431})


class Wire:
    """Requests of one client.

    Args:
        port: of the server on this machine.
        counts: answers by status, to be added to.
    """

    def __init__(self, port: int, counts: Counter[str]) -> None:
        self.port, self.counts = port, counts

    @asynccontextmanager
    async def connected(self) -> Any:
        """A connection that is cut at the end, whatever is under way."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def head(self, reader: asyncio.StreamReader) -> int:
        """The status of an answer; its headers are read too."""
        status = int((await reader.readline()).split()[1])
        self.counts[str(status)] += 1
        while (await reader.readline()).strip():
            pass
        return status

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON (or bytes) of an answer."""
        async with self.connected() as (reader, writer):
            writer.write(request(method, path, body))
            status = await self.head(reader)
            data = await reader.read()
        with suppress(ValueError):
            return status, json.loads(data)
        return status, data


def request(method: str, path: str, body: Any = None) -> bytes:
    """A request; a body that is no bytes is JSON."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.0\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


@dataclass
class Churn:
    """One run.

    Args:
        port: of the server.
        rng: what clients do next.
        counts: answers by status, and clients by what they did.
        faults: what should not have happened.
    """

    port: int
    rng: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    async def run(self, clients: int, seconds: float) -> None:
        """So many clients at a time, each followed by another when it is through, for so long; then all are through."""
        end = asyncio.get_running_loop().time() + seconds

        async def one(seed: int) -> None:
            rng = random.Random(seed)
            while asyncio.get_running_loop().time() < end:
                await self._client(rng)

        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(one(self.rng.getrandbits(32)))

    async def _client(self, rng: random.Random) -> None:
        does = rng.choices(KINDS, [weight for _, weight in BEHAVIOURS])[0]
        before = Counter(self.counts)
        try:
            async with asyncio.timeout(120):
                await does(self, Wire(self.port, self.counts), rng)
            self.counts[does.__name__] += 1
        except TimeoutError:
            self.faults.append(f"{does.__name__}: no answer in 120 s")
        except (OSError, asyncio.IncompleteReadError, IndexError, websockets.WebSocketException):
            self.counts["cut off"] += 1
        for status in self.counts.keys() - before.keys():
            if status.isdecimal() and int(status) not in ALLOWED:
                self.faults.append(f"{does.__name__}: {status}")


def text(rng: random.Random, most: int = 12) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, most)))


async def opened(wire: Wire, **options: Any) -> str | None:
    status, found = await wire.ask("POST", "/v1/sessions", options)
    if status == 429:
        await asyncio.sleep(0.2)
    return f"/v1/sessions/{found['id']}" if status == 201 else None


async def listened(wire: Wire, path: str, events: int) -> None:
    """Read so many lines of a session's emissions and leave."""
    async with wire.connected() as (reader, writer):
        writer.write(request("GET", f"{path}/events"))
        if await wire.head(reader) == 200:
            for _ in range(4 * events):
                if not await reader.readline():
                    return


# ── what clients do ──────────────────────────────────────────────────────────────────────────────────────────────────


async def lives(_: Churn, wire: Wire, rng: random.Random) -> None:
    """Open, push, listen, do something to the session, close it."""
    path = await opened(
        wire,
        budget=rng.choice((0, 64, 256)),
        meanwhile=rng.choice(("merge", "queue", "interrupt", "latest")),
        sampling={"temperature": 0.8} if rng.random() < 0.5 else None,
        seed=rng.getrandbits(16),
        program=rng.choice(("", "a", "b")),
        durable=rng.random() < 0.1,
        standing=[{"id": "q", "ask": " Is it?", "max_tokens": 3}] if rng.random() < 0.1 else [],
    )
    if path is None:
        return
    for _round in range(rng.randint(1, 3)):
        await wire.ask("POST", f"{path}/push", {"text": text(rng), "reply": {"max_tokens": 16, "ignore_end": True}})
        await listened(wire, path, rng.randint(0, 10))
        deed = rng.randrange(6)
        if deed == 0:
            await wire.ask("POST", f"{path}/interrupt", {"said": rng.randrange(20)})
        elif deed == 1:
            await wire.ask("PUT", f"{path}/input", {"text": text(rng)})
        elif deed == 2:
            status, found = await wire.ask("POST", f"{path}/fork", {"seed": 1})
            if status == 201:
                fork = f"/v1/sessions/{found['id']}"
                await wire.ask("POST", f"{fork}/push", {"text": text(rng), "reply": {"max_tokens": 4}})
                await wire.ask("DELETE", fork)
        elif deed == 3:
            status, snapshot = await wire.ask("GET", f"{path}/snapshot")
            if status == 200:
                if rng.random() < 0.3:
                    snapshot = snapshot[: rng.randrange(len(snapshot))]
                status, found = await wire.ask("POST", "/v1/sessions/restore", snapshot)
                if status == 201:
                    await wire.ask("DELETE", f"/v1/sessions/{found['id']}")
        elif deed == 4:
            await asyncio.gather(*(wire.ask("POST", f"{path}/push", {"text": text(rng)}) for _ in range(20)))
    await wire.ask("DELETE", path)


async def chats(_: Churn, wire: Wire, rng: random.Random) -> None:
    """A chat or completion, whole."""
    body: dict[str, Any] = {"max_tokens": rng.randint(1, 24), "n": rng.randint(1, 2), "temperature": 0.7}
    if rng.random() < 0.5:
        path, body["messages"] = "chat/completions", [{"role": "user", "content": text(rng)}]
    else:
        path, body["prompt"] = "completions", text(rng)
    await wire.ask("POST", f"/v1/{path}", body)


async def leaves(_: Churn, wire: Wire, rng: random.Random) -> None:
    """Asks for a long reply and is gone: before the first token, or in mid-stream."""
    body = {"prompt": text(rng), "max_tokens": 4000, "ignore_eos": True, "stream": rng.random() < 0.7, "n": 2}
    async with wire.connected() as (reader, writer):
        writer.write(request("POST", "/v1/completions", body))
        await writer.drain()
        if body["stream"]:
            await wire.head(reader)
            for _line in range(rng.randrange(12)):
                await reader.readline()
        else:
            await asyncio.sleep(rng.random())


async def dawdles(_: Churn, wire: Wire, rng: random.Random) -> None:
    """Asks for a long stream and never reads."""
    async with wire.connected() as (_reader, writer):
        writer.transport.pause_reading()
        body = {"prompt": text(rng), "max_tokens": 300, "ignore_eos": True, "stream": True, "logprobs": 5}
        writer.write(request("POST", "/v1/completions", body))
        await asyncio.sleep(1 + 4 * rng.random())


async def babbles(_: Churn, wire: Wire, rng: random.Random) -> None:
    """Bytes that are no request, or the half of one."""
    paths = ("/v1/chat/completions", "/v1/completions", "/v1/sessions", "/v1/sessions/restore", "/v1/sessions/0/push")
    good = request("POST", rng.choice(paths), {"prompt": text(rng), "max_tokens": 1})
    kind = rng.randrange(5)
    if kind == 0:
        data = rng.randbytes(rng.randrange(1, 4096))
    elif kind == 1:
        data = good[: rng.randrange(1, len(good))]
    elif kind == 2:
        data = request("POST", rng.choice(paths), rng.randbytes(rng.randrange(200)))
    elif kind == 3:
        data = request("POST", rng.choice(paths), b"[" * rng.randrange(1, 50_000))
    else:
        data = b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % i for i in range(5000))
    async with wire.connected() as (reader, writer):
        writer.write(data)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await writer.drain()
                await wire.head(reader)


async def floods(_: Churn, wire: Wire, rng: random.Random) -> None:
    """Many requests at once."""
    await asyncio.gather(
        *(wire.ask("GET", rng.choice(("/health", "/metrics", "/v1/models", "/v1/sessions"))) for _ in range(16)),
        *(wire.ask("POST", "/v1/sessions", {"budget": -1}) for _ in range(16)),
        return_exceptions=True,
    )


async def converses(churn: Churn, wire: Wire, rng: random.Random) -> None:
    """A realtime client: talks, interrupts, leaves in mid-response, or says what is no event."""
    url = f"ws://127.0.0.1:{wire.port}/v1/realtime"
    async with websockets.connect(url, max_size=None, close_timeout=5, open_timeout=60, compression=None) as socket:
        said = {"role": "user", "content": [{"type": "input_text", "text": text(rng)}], "type": "message"}
        item = json.dumps({"type": "conversation.item.create", "item": said})
        await socket.send(item)
        await socket.send(json.dumps({"type": "response.create", "response": {"max_output_tokens": 400}}))
        deltas, kind, garbage = 0, rng.randrange(6), 0
        async for message in socket:
            event = json.loads(message)["type"]
            deltas += event == "response.output_text.delta"
            if event == "error":
                garbage += 1
            if event == "response.done" or deltas > rng.randrange(20) or garbage:
                if kind == 0:
                    socket.transport.abort()
                    return
                if kind == 1 and not garbage:  # barge in
                    await socket.send(item)
                    garbage -= 1000
                elif kind in (2, 3):
                    bad = (rng.randbytes(50), "{", "[]", json.dumps({"type": "nonsense"}), '"\\ud800"', "x" * (1 << 21))
                    await socket.send(rng.choice(bad))
                elif kind == 4 and not garbage:
                    for _ in range(1500):
                        await socket.send('{"type": "conversation.item.retrieve", "item_id": "x"}')
                else:
                    return
            if event == "response.done" and garbage < 0:
                if json.loads(message)["response"]["status"] == "failed":
                    churn.faults.append(f"converses: {message[:200]!r}")
                return


BEHAVIOURS: tuple[tuple[Callable[[Churn, Wire, random.Random], Awaitable[None]], int], ...] = (
    (lives, 10),
    (chats, 3),
    (leaves, 3),
    (dawdles, 2),
    (babbles, 3),
    (floods, 1),
    (converses, 4),
)
KINDS = [behaviour for behaviour, _ in BEHAVIOURS]


# ── witnesses ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Witness:
    """One session from the first to the last second of a churn; what it says depends on nothing but itself.

    Attributes:
        said: text of every reply, in order.
        numbers: of its emissions.
        figures: its figures at the end, outputs in time among them.
    """

    said: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    async def testify(self, client: AsyncClient, going: Callable[[], bool]) -> None:
        """Push and listen as long as it goes."""
        session = await patient(lambda: client.open(budget=256, deadline_ms=DEADLINES))
        try:
            emissions = session.events()
            while going():
                await patient(lambda: self._push(session))
                pieces = []
                async for emission in emissions:
                    self.numbers.append(emission.number)
                    if emission.kind == "token":
                        pieces.append(emission.text)
                    if emission.kind == "reply":
                        assert emission.text == "".join(pieces)
                        assert emission.ended == "length", emission
                        break
                self.said.append("".join(pieces))
                await asyncio.sleep(0.05)
            await emissions.aclose()
            self.figures = await patient(session.figures)
        finally:
            await patient(session.close)

    async def _push(self, session: AsyncSession) -> None:
        await session.push(f" Round {len(self.said)}.", reply={"max_tokens": 12, "ignore_end": True})


async def patient(call: Callable[[], Awaitable[Any]]) -> Any:
    """The call's result; asked again while there is no room."""
    while True:
        try:
            return await call()
        except CapacityError:
            await asyncio.sleep(0.2)


async def alone(port: int, rounds: int) -> list[str]:
    """What a witness says in so many rounds at a server where nothing else goes on."""
    witness = Witness()
    async with AsyncClient(f"http://127.0.0.1:{port}", patience=60) as client:
        await witness.testify(client, lambda: len(witness.said) < rounds)
    return witness.said


async def witnessed(port: int, witness: Witness, going: Callable[[], bool]) -> None:
    """A witness with a client of its own; errors are its last words."""
    async with AsyncClient(f"http://127.0.0.1:{port}", patience=60, timeout=120) as client:
        try:
            await witness.testify(client, going)
        except HeadraceError as error:
            witness.said.append(f"!! {type(error).__name__}: {error}")
