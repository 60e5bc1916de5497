"""GET /health, /version and /metrics."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.responses import Response

from headrace.engine.meter import merged
from headrace.server.answer import Json
from headrace.server.errors import RETRY_AFTER, Refusal, documented
from headrace.server.front import Front
from headrace.server.metrics import exposition
from headrace.version import __version__


class Version(BaseModel):
    """Which headrace it is."""

    version: str


def router(front: Front) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["operation"])

    @routes.get(
        "/health", summary="Whether it takes requests", response_class=Response,
        responses={200: {"description": "It does.", "content": {}}, **documented()},
    )  # fmt: skip
    async def health() -> Response:
        """Empty; 503 while the server drains."""
        if front.draining:
            raise Refusal("the server is stopping", status=503, code="draining", retry_after=RETRY_AFTER)
        return Response()

    @routes.get("/version", summary="Its version", response_model=Version, responses={**documented()})
    async def version() -> Json:
        return Json({"version": __version__})

    @routes.get(
        "/metrics", summary="Prometheus", response_class=Response,
        responses={200: {"description": "Prometheus text.", "content": {"text/plain": {"schema": {"type": "string"}}}},
                   **documented()},
    )  # fmt: skip
    async def metrics() -> Response:
        """What vLLM counts under its names (`vllm:`), and what only headrace does (`headrace:`)."""
        figures = merged([await front.pool.figures(), front.meter.figures()])
        text = exposition(figures, front.model)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
