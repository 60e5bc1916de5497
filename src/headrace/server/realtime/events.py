"""Events: what a realtime client sends, in the names of OpenAI's GA and of its beta, and the form of what it is sent.

Reference: https://platform.openai.com/docs/api-reference/realtime
"""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headrace.core.errors import HeadraceError
from headrace.server.errors import body, refusal

E = TypeVar("E", bound=BaseModel)
Id = Annotated[str, Field(min_length=1, max_length=128)]
Limit = Annotated[int, Field(ge=1, lt=1 << 31)] | Literal["inf"]


class EventError(HeadraceError):
    """An event that is answered by an error event; the conversation goes on.

    Args:
        message: what is wrong, where, what to do.
        code: for programs.
        param: field of the event that is at fault.
    """

    def __init__(self, message: str, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.param = code, param


class Content(BaseModel):
    """A part of a message."""

    model_config = ConfigDict(strict=True, extra="allow")

    type: str = "input_text"
    text: str | None = None


class Message(BaseModel):
    """An item of a conversation, as a client writes it."""

    model_config = ConfigDict(strict=True, extra="allow")

    id: Id | None = None
    type: str = "message"
    role: Literal["system", "user", "assistant"] = "user"
    content: Annotated[list[Content], Field(min_length=1, max_length=256)]


class Event(BaseModel):
    """What all client events have."""

    model_config = ConfigDict(strict=True, extra="allow")


class SessionUpdate(Event):
    session: dict[str, Any]


class ItemCreate(Event):
    item: dict[str, Any]
    previous_item_id: Id | None = None


class ItemNamed(Event):
    item_id: Id


class ItemTruncate(Event):
    item_id: Id
    content_index: Annotated[int, Field(ge=0, le=0)] = 0
    audio_end_ms: Annotated[int, Field(ge=0)] = 0
    text_end: Annotated[int, Field(ge=0)] | None = None


class Wanted(BaseModel):
    """`response` of response.create; the beta's names of fields are accepted too."""

    model_config = ConfigDict(strict=True, extra="allow")

    conversation: Literal["auto", "none"] | None = None
    instructions: str | None = None
    input: Annotated[list[dict[str, Any]], Field(max_length=1024)] | None = None
    max_output_tokens: Limit | None = None
    max_response_output_tokens: Limit | None = None
    output_modalities: list[str] | None = None
    modalities: list[str] | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    tools: list[Any] | None = None


class ResponseCreate(Event):
    response: Wanted | None = None


class ResponseCancel(Event):
    response_id: Id | None = None


class VideoAppend(Event):
    frame: Annotated[str, Field(min_length=1)]
    pts_ms: Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]


def decode(text: str) -> dict[str, Any]:
    """A client event; EventError if the text is none."""
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        raise EventError("the message is no JSON; send one event a message", "invalid_json") from None
    if not isinstance(event, dict):
        raise EventError("the message is no JSON object; send one event a message", "invalid_event")
    if not isinstance(event.get("type"), str):
        raise EventError("the event has no type", "missing_type", "type")
    return event


def read(model: type[E], value: Any, where: str = "") -> E:
    """`value` as the model has it; EventError with the first thing that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join([*([where] if where else []), *map(str, first["loc"])])[:200]
        message = " ".join(first["msg"].split())[:300]
        raise EventError(f"{place or 'event'}: {message}", param=place or None) from None


def server_event(kind: str, **fields: Any) -> dict[str, Any]:
    """An event for the client."""
    return {"type": kind, "event_id": new_id("event"), **fields}


def error_event(error: Exception, event_id: Any = None) -> dict[str, Any]:
    """What a client is told of an error; `event_id` is that of its event, if it has one."""
    refused = refusal(error)
    told = body(refused)["error"]
    if isinstance(error, EventError):
        told |= {"code": error.code, "param": error.param}
    given = event_id[:512] if isinstance(event_id, str) else None
    return server_event("error", error={**told, "event_id": given})


def new_id(kind: str) -> str:
    """A name nobody else has."""
    return f"{kind}_{secrets.token_hex(12)}"
