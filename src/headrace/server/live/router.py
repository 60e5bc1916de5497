"""Router: /v1/sessions, where a session stays and its client comes and goes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response

from headrace.core.errors import StateError
from headrace.core.item import MS
from headrace.engine.opening import Meanwhile, Opening
from headrace.server.errors import Refusal, documented
from headrace.server.front import Front, Who
from headrace.server.keys import ANYONE
from headrace.server.live.emission import Emission
from headrace.server.live.log import Listener
from headrace.server.live.schema import (
    AbsentSession,
    ForkBody,
    Input,
    InterruptBody,
    Interrupted,
    OpenBody,
    PushBody,
    Pushed,
    ReplyBody,
    Session,
    SessionList,
    Updated,
    Word,
    reply_role,
)
from headrace.server.live.sessions import Sessions
from headrace.server.live.tenant import Tenant
from headrace.server.sse import Events, frame

OCTETS = "application/octet-stream"
#: Sessions whose figures are asked for at a time.
AT_A_TIME = 16


def router(front: Front) -> APIRouter:
    """Routes of live sessions."""
    folder = front.settings.folder
    sessions = Sessions(front, Path(folder) / "sessions" if folder else None)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with sessions.running():
            yield

    routes = APIRouter(prefix="/v1/sessions", tags=["live sessions"], lifespan=lifespan)

    async def named(id: str, key: Who) -> Tenant:  # noqa: A002
        return await sessions.get(key, id)

    One = Annotated[Tenant, Depends(named)]  # noqa: N806

    @routes.post("", status_code=201, responses={**documented()})
    async def open_session(body: OpenBody, key: Who) -> Session:
        """Open a session. It is refused with the reason where its bytes or deadlines do not fit (429)."""
        standing = [one.standing(front) for one in body.standing]
        try:
            return await _session(await sessions.open(key, body.opening(key, front.settings.budget), standing))
        except StateError as error:
            raise Refusal(str(error), param="policy") from error

    @routes.get("", responses={**documented()})
    async def list_sessions(key: Who) -> SessionList:
        """The key's sessions, oldest first; those of an earlier run that cannot be taken up now are named apart."""
        turn = asyncio.Semaphore(AT_A_TIME)

        async def one(tenant: Tenant) -> Session | AbsentSession:
            async with turn:
                try:
                    return await _session(tenant)
                except StateError as error:
                    return AbsentSession(id=tenant.id, why=str(error))

        listed = await asyncio.gather(*map(one, sessions.of(key)))
        going = {tenant.id for tenant in sessions.of(key)}
        absent = [one for one in listed if isinstance(one, AbsentSession) and one.id in going]
        absent += [AbsentSession(id=one.id, why=one.why) for one in sessions.absent(key)]
        return SessionList(data=[one for one in listed if isinstance(one, Session)], absent=absent)

    @routes.post(
        "/restore",
        status_code=201,
        responses={**documented()},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def restore_session(
        request: Request,
        key: Who,
        durable: bool = False,
        meanwhile: Meanwhile = "merge",
        program: Word = "",
    ) -> Session:
        """Open a session from a snapshot of the same model."""
        snapshot = await request.body()
        try:
            whose = program if key is ANYONE else key.name
            opening = Opening(durable=durable, meanwhile=meanwhile, program=whose)
            return await _session(await sessions.take_up(key, snapshot, opening))
        except StateError as error:
            raise Refusal(str(error), code="bad_snapshot") from error

    @routes.get("/{id}", responses={**documented(404)})
    async def session_figures(tenant: One) -> Session:
        """A session's figures."""
        return await _session(tenant)

    @routes.delete("/{id}", status_code=204, responses={**documented(404)})
    async def close_session(id: str, key: Who) -> Response:  # noqa: A002
        """Close a session; its listeners are told. One that cannot be taken up now is forgotten."""
        await sessions.end(key, id, "its client closed it")
        return Response(status_code=204)

    @routes.post("/{id}/push", responses={**documented(404, 409, 415)})
    async def push(tenant: One, body: PushBody) -> Pushed:
        """Queue input; with `reply`, what is said to it is emitted. What does not fit is refused whole (429)."""
        _check_kind(front, body.kind)
        asked = ReplyBody.model_validate({}) if body.reply is True else body.reply or None
        data, emissions = body.data, tenant.log.number
        tokens, reply = await tenant.push(
            data,
            role=body.role,
            stream=body.stream,
            kind=None if body.kind == "text" else body.kind,
            pts=round(body.pts_ms * MS),
            ask=asked.ask(front) if asked else None,
            reply_role=(asked.role or reply_role(front, body.role)) if asked else None,
        )
        return Pushed(tokens=tokens, reply=reply.id if reply else None, emissions=emissions)

    @routes.put("/{id}/input", responses={**documented(404, 409)})
    async def update_input(tenant: One, body: Input) -> Updated:
        """Make this the session's whole input; what it begins with in common with what was read is kept."""
        return Updated(kept=await tenant.update(body.data))

    @routes.post("/{id}/interrupt", responses={**documented(404, 409)})
    async def interrupt(tenant: One, body: InterruptBody) -> Interrupted:
        """End the reply under way within one tick, and forget what the listener has not heard of it."""
        return Interrupted(said=await tenant.speaker.interrupt(body.said))

    @routes.post("/{id}/fork", status_code=201, responses={**documented(404, 409)})
    async def fork_session(tenant: One, body: ForkBody, key: Who) -> Session:
        """Another session with the same past; its emissions begin at 1."""
        standing = [one.standing(front) for one in body.standing]
        return await _session(await sessions.fork(key, tenant, body.seed, standing))

    @routes.get(
        "/{id}/snapshot",
        response_class=Response,
        responses={
            **documented(404, 409),
            200: {
                "description": "Everything of it.",
                "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    async def snapshot_session(tenant: One) -> Response:
        """Everything of a session as one file, for `restore`; no reply may be under way (409)."""
        return Response(await tenant.live.snapshot(), media_type=OCTETS)

    @routes.get(
        "/{id}/events",
        response_class=Response,
        responses={
            **documented(404),
            200: {
                "description": "Server-sent emissions: `id` is the number, `event` the kind.",
                "content": {"text/event-stream": {"example": _EXAMPLE}},
            },
        },
    )
    async def events(
        request: Request,
        tenant: One,
        after: Annotated[int, Query(ge=0, lt=1 << 61, description="Number of the last emission that was seen.")] = 0,
        last_event_id: Annotated[str | None, Header(max_length=20, description="The same; it counts more.")] = None,
    ) -> Response:
        """Emissions behind a number, then all that come; of those no longer kept a `gap` tells. Several may listen."""
        if last_event_id is not None:
            if not (last_event_id.isascii() and last_event_id.isdecimal()):
                raise Refusal("Last-Event-ID: give the number of an emission", param="last-event-id")
            after = int(last_event_id)
        listener = tenant.log.listen(after)
        return Events(_frames(listener), front, request.state.id)

    return routes


async def _session(tenant: Tenant) -> Session:
    return Session.model_validate(await tenant.figures())


async def _frames(listener: Listener) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 1000\n\n"
        while batch := await listener.next():
            yield b"".join(frame(one.data(), id=one.number, event=one.kind) for one in batch)
    finally:
        listener.leave()


def _check_kind(front: Front, kind: str) -> None:
    kinds: Any = front.pool.model.get("kinds", ("text",))
    if kind not in kinds:
        raise Refusal(
            f"kind {kind[:64]!r}: {front.model} takes {', '.join(kinds)}",
            status=415,
            param="kind",
            code="kind_not_taken",
        )


_EXAMPLE = frame(
    Emission(7, "5f0c1d6a9be2417c", "token", " river", 5, 812.4, 900.0, cause="b1946ac92492d234").data(),
    id=7,
    event="token",
).decode()
