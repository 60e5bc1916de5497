"""GET /v1/models and /v1/models/{name}."""

from __future__ import annotations

import json
import time
from typing import Any

from fastapi import APIRouter

from headrace.server.answer import Json
from headrace.server.errors import documented
from headrace.server.front import Front
from headrace.server.openai.answers import ModelAnswer, ModelList


def router(front: Front) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["openai"])
    created = int(time.time())

    def model() -> dict[str, Any]:
        told = json.loads(json.dumps(dict(front.pool.model), default=str))
        return {
            "id": front.model, "object": "model", "created": created, "owned_by": "headrace",
            "root": str(front.pool.model["name"]), "headrace": told,
        }  # fmt: skip

    @routes.get("/v1/models", summary="The models", response_model=ModelList, responses={**documented()})
    async def models() -> Json:
        """There is one."""
        return Json({"object": "list", "data": [model()]})

    @routes.get(
        "/v1/models/{name:path}", summary="One model", response_model=ModelAnswer, responses={**documented(404)}
    )
    async def one(name: str) -> Json:
        """The model of this name."""
        front.check_model(name)
        return Json(model())

    return routes
