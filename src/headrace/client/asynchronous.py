"""AsyncClient and AsyncSession: a server's live sessions for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Self

import httpx

from headrace.client.wire import (
    ENDLESS,
    Emission,
    EventReader,
    Patience,
    Pushed,
    answer,
    body_of,
    ends,
    input_of,
    query,
    quoted,
    unreached,
    with_key,
)
from headrace.core.errors import CapacityError, StateError


class AsyncClient:
    """`Client` for asyncio."""

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        patience: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.patience = patience
        self._http = httpx.AsyncClient(base_url=base_url, headers=with_key(key), timeout=timeout, transport=transport)

    async def open(self, **options: Any) -> AsyncSession:
        """See `Client.open`."""
        return AsyncSession(self, (await self.ask("POST", "/v1/sessions", options))["id"])

    async def restore(self, snapshot: bytes, **options: Any) -> AsyncSession:
        """See `Client.restore`."""
        found = await self.ask("POST", "/v1/sessions/restore", content=snapshot, params=query(options))
        return AsyncSession(self, found["id"])

    async def get(self, name: str) -> AsyncSession:
        """See `Client.get`."""
        return AsyncSession(self, (await self.ask("GET", f"/v1/sessions/{quoted(name)}"))["id"])

    async def list(self) -> list[AsyncSession]:
        """See `Client.list`."""
        return [AsyncSession(self, one["id"]) for one in (await self.ask("GET", "/v1/sessions"))["data"]]

    async def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        """See `Client.ask`."""
        try:
            return answer(await self._http.request(method, path, **body_of(body), **how))
        except httpx.HTTPError as error:
            raise unreached(error) from error

    async def stream(self, path: str, after: int) -> AsyncGenerator[Emission, None]:
        """See `Client.stream`."""
        headers = {"last-event-id": str(after)}
        async with self._http.stream("GET", path, headers=headers, timeout=ENDLESS) as response:
            if response.status_code != 200:
                await response.aread()
                answer(response)
            event = EventReader()
            async for line in response.aiter_lines():
                if (emission := event.feed(line)) is not None:
                    yield emission

    async def close(self) -> None:
        """See `Client.close`."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncSession:
    """`Session` for asyncio."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self._client, self.id, self._path = client, name, f"/v1/sessions/{name}"

    async def push(
        self, data: str | Sequence[int], *, reply: Mapping[str, Any] | bool = False, **options: Any
    ) -> Pushed:
        """See `Session.push`."""
        body = {**input_of(data), "reply": reply, **options}
        return Pushed(**await self._client.ask("POST", f"{self._path}/push", body))

    async def say(
        self, data: str | Sequence[int] = "", *, role: str | None = None, **reply: Any
    ) -> AsyncGenerator[str, None]:
        """See `Session.say`; a loop that is left early should be over `contextlib.aclosing(session.say(…))`."""
        pushed, said = await self.push(data, role=role, reply=reply or True), 0
        try:
            async with aclosing(self.events(pushed.emissions)) as emissions:
                async for emission in emissions:
                    if emission.kind == "token" and emission.cause == pushed.reply:
                        said = emission.said or said
                        yield emission.text
                    elif ends(emission, pushed.reply):
                        return
        except (GeneratorExit, asyncio.CancelledError):
            await self.interrupt(said or None)
            raise

    async def events(self, after: int = 0) -> AsyncGenerator[Emission, None]:
        """See `Session.events`."""
        lost = Patience(self._client.patience)
        while True:
            try:
                async with aclosing(self._client.stream(f"{self._path}/events", after)) as emissions:
                    async for emission in emissions:
                        after = emission.number
                        lost.found()
                        yield emission
                        if emission.kind == "closed":
                            return
                await asyncio.sleep(lost.wait(StateError("the server ended the stream")))
            except (httpx.HTTPError, CapacityError) as error:
                await asyncio.sleep(lost.wait(error))

    async def update(self, data: str | Sequence[int]) -> int:
        """See `Session.update`."""
        return int((await self._client.ask("PUT", f"{self._path}/input", input_of(data)))["kept"])

    async def interrupt(self, said: int | None = None) -> int:
        """See `Session.interrupt`."""
        return int((await self._client.ask("POST", f"{self._path}/interrupt", {"said": said}))["said"])

    async def fork(self, *, seed: int | None = None, standing: Sequence[Mapping[str, Any]] = ()) -> AsyncSession:
        """See `Session.fork`."""
        body = {"seed": seed, "standing": list(standing)}
        return AsyncSession(self._client, (await self._client.ask("POST", f"{self._path}/fork", body))["id"])

    async def snapshot(self) -> bytes:
        """See `Session.snapshot`."""
        return bytes(await self._client.ask("GET", f"{self._path}/snapshot"))

    async def figures(self) -> dict[str, Any]:
        """See `Session.figures`."""
        return dict(await self._client.ask("GET", self._path))

    async def close(self) -> None:
        """See `Session.close`."""
        await self._client.ask("DELETE", self._path)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
