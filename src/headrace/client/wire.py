"""Wire: what both clients send and read, and how a refusal becomes an error of headrace's own."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote

import httpx

from headrace.core.errors import CapacityError, ConfigError, HeadraceError, InputError, StateError

#: Seconds between attempts to reach a server again: at first, and at most.
FIRST, MOST = 0.1, 2.0
#: Events may take as long as they do; a server that is there says at least that it has nothing to say.
ENDLESS = httpx.Timeout(60.0, connect=10.0)


@dataclass(frozen=True, slots=True)
class Emission:
    """What a session said; times are milliseconds on the engine's clock. See GET /v1/sessions/{id}/events."""

    number: int
    id: str
    kind: str
    text: str = ""
    said: int | None = None
    t_emit_ms: float | None = None
    due_ms: float | None = None
    late: bool = False
    cause: str | None = None
    cancelled: bool = False
    ended: str = ""
    error: str = ""
    lost: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Pushed:
    """Input that was queued.

    Attributes:
        tokens: that it is.
        reply: id of the reply that was asked for: the cause of its emissions.
        emissions: number of the last emission before it.
    """

    tokens: int
    reply: str | None
    emissions: int


class EventReader:
    """Puts the lines of server-sent events together."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def feed(self, line: str) -> Emission | None:
        """The emission that ends with this line, if one does; an error that the server tells is raised."""
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
            return None
        if line or not self._data:
            return None
        text, self._data = "\n".join(self._data), []
        told = json.loads(text)
        if "error" in told and "number" not in told:
            raise StateError(str(told["error"].get("message", "the server failed")))
        known = {field.name for field in fields(Emission)}
        lost = told.get("lost")
        return Emission(**{name: value for name, value in told.items() if name in known and name != "lost"},
                        lost=(lost[0], lost[1]) if lost else None)  # fmt: skip


class Patience:
    """How long a lost server is looked for again.

    Args:
        seconds: without an emission, after which it is given up.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._since, self._wait = seconds, time.monotonic(), FIRST

    def found(self) -> None:
        """It is there again."""
        self._since, self._wait = time.monotonic(), FIRST

    def wait(self, why: Exception) -> float:
        """Seconds to wait before it is tried again; raises why it was lost, where patience is at its end."""
        if time.monotonic() - self._since > self._seconds:
            raise why if isinstance(why, HeadraceError) else unreached(why) from why
        now, self._wait = self._wait, min(2 * self._wait, MOST)
        return now


def answer(response: httpx.Response) -> Any:
    """What a response brings: JSON, or bytes; a refusal is raised."""
    if response.status_code < 400:
        kind = response.headers.get("content-type", "")
        return response.json() if kind.startswith("application/json") else response.content
    try:
        message = str(response.json()["error"]["message"])
    except (ValueError, LookupError, TypeError):
        message = f"the server answered {response.status_code}"
    kinds = {
        401: ConfigError,
        403: ConfigError,
        408: StateError,
        409: StateError,
        429: CapacityError,
        503: CapacityError,
    }
    fallback = StateError if response.status_code >= 500 else InputError
    raise kinds.get(response.status_code, fallback)(message)


def unreached(error: Exception) -> StateError:
    """A server that cannot be talked to."""
    return StateError(f"the server cannot be reached: {error or type(error).__name__}; is it up, and the URL right?")


def with_key(key: str | None) -> dict[str, str]:
    """Headers of every request."""
    return {"authorization": f"Bearer {key}"} if key else {}


def body_of(value: Any) -> dict[str, Any]:
    """Arguments of a request with a body."""
    return {} if value is None else {"json": value}


def input_of(data: str | Sequence[int]) -> dict[str, Any]:
    """Text or token ids as they are sent."""
    return {"text": data} if isinstance(data, str) else {"tokens": list(data)}


def query(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as a query."""
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in options.items()}


def quoted(name: str) -> str:
    """A session's id as a part of a path."""
    return quote(name, safe="")


def ends(emission: Emission, reply: str | None) -> bool:
    """Whether a reply is over with this emission; StateError if it failed."""
    if emission.kind == "closed":
        return True
    if emission.kind != "reply" or emission.cause != reply:
        return False
    if emission.ended == "failed":
        raise StateError(emission.error or "the reply failed")
    return True
