"""Settings: what the server takes from outside, and how much of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from headrace.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds of everything that comes from outside. Times in seconds, sizes in bytes.

    Attributes:
        model: name under which the model is offered; "": the pool's.
        folder: where what the server itself knows of durable sessions is kept; "": there are none.
        budget: tokens that a session keeps unless it says otherwise; 0: as the model's default policy says.
        body: of one request.
        snapshot: of a snapshot that is taken up.
        bodies: of all requests at work, less what is little of each.
        frame: of one WebSocket message.
        messages: of one chat.
        prompts: of one completion.
        choices: replies of one request, all prompts together (`n`).
        tokens: of one reply.
        together: tokens of all replies of one request, at most.
        logprobs: alternatives to each token.
        stops: stop strings of one reply.
        stop_chars: characters of each.
        sessions: live sessions of one key, unless its line says otherwise.
        requests: requests of one key at a time, unless its line says otherwise.
        connections: open connections of all, WebSockets and idle ones too.
        backlog: events that may wait for one slow reader before it is cut off.
        silent: a comment is sent on a stream that had nothing to say for so long.
        arrive: in which a request, once begun, must have come whole; a connection that says nothing is closed then.
        idle: after which a live session that nobody used is closed, unless it is durable.
        drain: that replies under way get when the server is asked to stop.

    Raises:
        ConfigError: a bound is not above 0, or a body that may be sent can never be taken.
    """

    model: str = ""
    folder: str = ""
    budget: int = 0
    body: int = 4 << 20
    snapshot: int = 256 << 20
    bodies: int = 256 << 20
    frame: int = 1 << 20
    messages: int = 1024
    prompts: int = 128
    choices: int = 128
    tokens: int = 100_000
    together: int = 131_072
    logprobs: int = 20
    stops: int = 16
    stop_chars: int = 256
    sessions: int = 1024
    requests: int = 1024
    connections: int = 4096
    backlog: int = 4096
    silent: float = 5.0
    arrive: float = 30.0
    idle: float = 3600.0
    drain: float = 10.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("model", "folder") or (field.name == "budget" and value == 0):
                continue
            if not 0 < value < math.inf:
                raise ConfigError(f"Settings({field.name}={value!r}): give a number above 0")
        if max(self.body, self.snapshot) > self.bodies:
            raise ConfigError(f"Settings(bodies={self.bodies}): give as much as one body or snapshot may have, or more")
