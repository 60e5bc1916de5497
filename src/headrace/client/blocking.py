"""Client and Session: a server's live sessions, each call a blocking one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
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


class Client:
    """A server.

    Args:
        base_url: such as "http://127.0.0.1:8000".
        key: API key, if it wants one.
        timeout: seconds for each answer; events may take as long as they do.
        patience: seconds for which a lost server is looked for again while listening.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        patience: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.patience = patience
        self._http = httpx.Client(base_url=base_url, headers=with_key(key), timeout=timeout, transport=transport)

    def open(self, **options: Any) -> Session:
        """A new session; options as in the body of POST /v1/sessions: budget, deadline_ms, meanwhile, standing, …"""
        return Session(self, self.ask("POST", "/v1/sessions", options)["id"])

    def restore(self, snapshot: bytes, **options: Any) -> Session:
        """A session from a snapshot; options: durable, meanwhile."""
        return Session(self, self.ask("POST", "/v1/sessions/restore", content=snapshot, params=query(options))["id"])

    def get(self, name: str) -> Session:
        """A session that is there, by its id."""
        return Session(self, self.ask("GET", f"/v1/sessions/{quoted(name)}")["id"])

    def list(self) -> list[Session]:
        """All sessions of this key."""
        return [Session(self, one["id"]) for one in self.ask("GET", "/v1/sessions")["data"]]

    def ask(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        """One request; its JSON, or its bytes."""
        try:
            return answer(self._http.request(method, path, **body_of(body), **how))
        except httpx.HTTPError as error:
            raise unreached(error) from error

    def stream(self, path: str, after: int) -> Iterator[Emission]:
        """Emissions behind a number until the connection ends."""
        headers = {"last-event-id": str(after)}
        with self._http.stream("GET", path, headers=headers, timeout=ENDLESS) as response:
            if response.status_code != 200:
                response.read()
                answer(response)
            event = EventReader()
            for line in response.iter_lines():
                if (emission := event.feed(line)) is not None:
                    yield emission

    def close(self) -> None:
        """Close the connections; sessions stay."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Session:
    """A live session; leaving its context closes it."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self.id, self._path = client, name, f"/v1/sessions/{name}"

    def push(self, data: str | Sequence[int], *, reply: Mapping[str, Any] | bool = False, **options: Any) -> Pushed:
        """Queue text or token ids; options: role, stream, kind, pts_ms. `reply` asks for one: True, or how."""
        return Pushed(**self._client.ask("POST", f"{self._path}/push", {**input_of(data), "reply": reply, **options}))

    def say(self, data: str | Sequence[int] = "", *, role: str | None = None, **reply: Any) -> Iterator[str]:
        """Push and give the reply's text as it comes. Leaving the iterator interrupts the reply at what was given.

        Args:
            role: turn of the input.
            reply: max_tokens, stop, …
        """
        pushed, said = self.push(data, role=role, reply=reply or True), 0
        try:
            for emission in self.events(pushed.emissions):
                if emission.kind == "token" and emission.cause == pushed.reply:
                    said = emission.said or said
                    yield emission.text
                elif ends(emission, pushed.reply):
                    return
        except (GeneratorExit, KeyboardInterrupt):
            self.interrupt(said or None)
            raise

    def events(self, after: int = 0) -> Iterator[Emission]:
        """Emissions behind a number until the session is closed, over as many connections as it takes."""
        lost = Patience(self._client.patience)
        while True:
            try:
                for emission in self._client.stream(f"{self._path}/events", after):
                    after = emission.number
                    lost.found()
                    yield emission
                    if emission.kind == "closed":
                        return
                time.sleep(lost.wait(StateError("the server ended the stream")))
            except (httpx.HTTPError, CapacityError) as error:
                time.sleep(lost.wait(error))

    def update(self, data: str | Sequence[int]) -> int:
        """Make this the session's whole input; tokens of it that stood already."""
        return int(self._client.ask("PUT", f"{self._path}/input", input_of(data))["kept"])

    def interrupt(self, said: int | None = None) -> int:
        """End the reply under way; tokens after the number `said` are taken back. The last number that stands."""
        return int(self._client.ask("POST", f"{self._path}/interrupt", {"said": said})["said"])

    def fork(self, *, seed: int | None = None, standing: Sequence[Mapping[str, Any]] = ()) -> Session:
        """Another session with the same past."""
        body = {"seed": seed, "standing": list(standing)}
        return Session(self._client, self._client.ask("POST", f"{self._path}/fork", body)["id"])

    def snapshot(self) -> bytes:
        """Everything of it, for `Client.restore`."""
        return bytes(self._client.ask("GET", f"{self._path}/snapshot"))

    def figures(self) -> dict[str, Any]:
        """Its figures."""
        return dict(self._client.ask("GET", self._path))

    def close(self) -> None:
        """Close it on the server."""
        self._client.ask("DELETE", self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
