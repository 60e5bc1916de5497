"""The application: a pool of sessions behind HTTP and WebSocket."""

from __future__ import annotations

from fastapi import FastAPI

from headrace.engine.face import Pool
from headrace.server import health, live, realtime
from headrace.server.answer import Json
from headrace.server.bodies import Bodies
from headrace.server.errors import install
from headrace.server.front import Front
from headrace.server.keys import Keys
from headrace.server.limits import Shares
from headrace.server.middleware import Entrance
from headrace.server.openai import chat, completions, models
from headrace.server.settings import Settings
from headrace.version import __version__

_ABOUT = """Live sessions of language models: input keeps arriving, output may leave at any moment.

`/v1/chat/completions`, `/v1/completions` and `/v1/models` are OpenAI's; `/v1/sessions` and `/v1/realtime` are for what
never ends. Every error is `{"error": {"message", "type", "param", "code"}}`. With keys, each request says
`Authorization: Bearer KEY`. `X-Request-Id` is echoed."""


def create_app(pool: Pool, settings: Settings | None = None, keys: Keys | None = None) -> FastAPI:
    """The application over a pool, which stays the caller's to close. `app.state.front` is what its routes share."""
    settings = settings or Settings()
    front = Front(pool, settings, keys or Keys(), Shares(settings), Bodies(settings.bodies))
    app = FastAPI(
        title="headrace", version=__version__, description=_ABOUT, docs_url=None, redoc_url=None,
        separate_input_output_schemas=False, default_response_class=Json,
    )  # fmt: skip
    app.state.front = front
    install(app)
    for part in (chat, completions, models, health, live, realtime):
        app.include_router(part.router(front))
    app.add_middleware(Entrance, front=front)
    return app
