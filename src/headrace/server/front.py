"""Front: what every route shares: the pool, the settings, who may come in, and whether the doors are closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from headrace.engine.face import Pool
from headrace.engine.meter import Meter
from headrace.server.bodies import Bodies
from headrace.server.errors import Refusal
from headrace.server.keys import Key, Keys
from headrace.server.limits import Shares
from headrace.server.settings import Settings


@dataclass
class Front:
    """One server.

    Attributes:
        pool: where sessions run.
        meter: what the server counts itself: answers by status, readers that were cut off.
        draining: nothing new is taken.
        streams: answers that go on, each with what ends it.
    """

    pool: Pool
    settings: Settings
    keys: Keys
    shares: Shares
    bodies: Bodies
    meter: Meter = field(default_factory=Meter)
    draining: bool = False
    streams: dict[object, Callable[[], object]] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """The name under which the model is offered."""
        return self.settings.model or str(self.pool.model["name"])

    def check_model(self, name: str | None) -> None:
        """Refusal (404) unless this is the model's name; clients that do not name one mean it."""
        if name is not None and name not in (self.model, str(self.pool.model["name"])):
            raise Refusal(
                f"there is no model {name[:200]!r} here; use {self.model!r}",
                status=404, param="model", code="model_not_found",
            )  # fmt: skip

    def end_streams(self) -> None:
        """What was under way has had its time: end every answer that goes on."""
        for end in list(self.streams.values()):
            end()


async def key_of(request: Request) -> Key:
    """Who asks; the middleware has checked the key. A coroutine, so that no thread is needed for it."""
    key: Key = request.state.key
    return key


#: The key of a request, as an argument of a route.
Who = Annotated[Key, Depends(key_of)]


def request_id(request: Request) -> str:
    """Its id: what the client sent as X-Request-Id, or one that it was given."""
    name: str = request.state.id
    return name
