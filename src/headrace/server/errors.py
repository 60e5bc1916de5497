"""Errors as answers: one place decides the status, the type and the words of everything that goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from headrace.core.errors import CapacityError, HeadraceError, StateError
from headrace.server.answer import Json

log = logging.getLogger("headrace.server")

#: Seconds after which a client that was refused for want of room may ask again.
RETRY_AFTER = 1

#: The type of an error by its status, as OpenAI's clients know them.
TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}


class Refusal(HeadraceError):
    """A request that is answered by an error.

    Args:
        message: one line: what is wrong, where, what to do.
        status: of HTTP.
        param: field of the request that is at fault.
        code: for programs.
        retry_after: seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code, self.retry_after = status, param, code, retry_after


class ErrorBody(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "max_tokens=0: give 1 or more",
        "type": "invalid_request_error", "param": "max_tokens", "code": None}]})  # fmt: skip

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorAnswer(BaseModel):
    """OpenAI's form of an error."""

    error: ErrorBody = Field(description="One line for people, the rest for programs.")


def refusal(error: Exception) -> Refusal:
    """What is answered to an error; of one that nobody foresaw nothing but that it happened."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, CapacityError):
        return Refusal(str(error), status=429, code="no_capacity", retry_after=RETRY_AFTER)
    if isinstance(error, StateError):
        return Refusal(str(error), status=409, code="conflict")
    if isinstance(error, HeadraceError):
        return Refusal(str(error))
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):
        return Refusal(str(error.detail) or "refused", status=error.status_code)
    return Refusal("the server failed; its log has the reason under this request's id", status=500)


def body(error: Refusal) -> dict[str, Any]:
    """An error in OpenAI's form."""
    kind = TYPES.get(error.status, "invalid_request_error")
    return {"error": {"message": str(error), "type": kind, "param": error.param, "code": error.code}}


def answer(error: Exception, request_id: str = "") -> Json:
    """The response to an error. What nobody foresaw is logged with its traceback."""
    refused = refusal(error)
    if refused.status == 500 and not isinstance(error, Refusal):
        log.error("request %s failed", request_id, exc_info=error)
    headers: dict[str, str] = {}
    if refused.retry_after is not None:
        headers["retry-after"] = str(refused.retry_after)
    if refused.status == 401:
        headers["www-authenticate"] = "Bearer"
    if refused.status in (408, 413):
        headers["connection"] = "close"
    if isinstance(error, HTTPException) and error.headers:
        headers |= dict(error.headers)
    return Json(body(refused), refused.status, headers)


def documented(*statuses: int) -> Mapping[int | str, dict[str, Any]]:
    """The `responses` of a route: errors that it may answer with, these and those that every route may."""
    words = {
        400: "The request is wrong; the message says what to change.",
        401: "The API key is missing or not known.",
        404: "There is no such thing, or it is another key's.",
        405: "Not this way.",
        408: "The request did not come whole in time.",
        409: "Not in this state.",
        413: "Too large.",
        415: "Not of a kind that the model takes.",
        429: "No room: the reason, and when to ask again.",
        500: "The server failed.",
        503: "The server is stopping, or the session cannot be taken up now.",
    }
    wanted = sorted({400, 401, 408, 413, 429, 500, 503, *statuses})
    return {status: {"model": ErrorAnswer, "description": words[status]} for status in wanted}


def install(app: FastAPI) -> None:
    """Answer every error of an app's routes in this form."""

    async def handle(request: Request, error: Exception) -> Json:
        if isinstance(error, HTTPException) and error.status_code == 405:
            headers = dict(error.headers or {})
            error.headers = headers | {"Allow": _allowed(app, request.url.path) or headers.get("Allow", "")}
        return answer(error, getattr(request.state, "id", ""))

    for kind in (HeadraceError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, handle)


def _allowed(app: FastAPI, path: str) -> str:
    """The methods of a path, all its routes together (RFC 9110, 10.2.1)."""
    methods = {
        method.upper()
        for template, documented in app.openapi()["paths"].items()
        if compile_path(template)[0].match(path)
        for method in documented
    }
    return ", ".join(sorted(methods))


def _invalid(error: RequestValidationError) -> Refusal:
    """What is wrong with a body, by its place; of several readings of a field the one that went furthest."""
    worst = max(error.errors(), key=lambda one: len(one["loc"]))
    place = [str(part) for part in worst["loc"] if part not in ("body", "str") and "[" not in str(part)]
    if worst["type"] == "json_invalid":
        return Refusal("the body is no JSON", code="invalid_json")
    if not place:
        return Refusal("the body: give one JSON object, with the header Content-Type: application/json")
    return Refusal(f"{'.'.join(place)[:200]}: {_one_line(str(worst['msg']))}", param=place[0][:64])


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]
