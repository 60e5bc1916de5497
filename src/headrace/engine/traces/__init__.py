"""traces: requests, read from published traces or drawn."""

from headrace.engine.traces.arrivals import Arrivals
from headrace.engine.traces.burstgpt import burstgpt
from headrace.engine.traces.loads import chat, live, mixed, shared_prefix, streamed
from headrace.engine.traces.mooncake import mooncake
from headrace.engine.traces.read import FORMATS, options_of, read, recognise
from headrace.engine.traces.sessions import sessions, write_sessions
from headrace.engine.traces.shape import clip, promise, rate_of, rescale
from headrace.engine.traces.sharegpt import estimate, sharegpt
from headrace.engine.traces.stream2llm import stream2llm
from headrace.engine.traces.vidur import vidur

__all__ = [
    "FORMATS",
    "Arrivals",
    "burstgpt",
    "chat",
    "clip",
    "estimate",
    "live",
    "mixed",
    "mooncake",
    "options_of",
    "promise",
    "rate_of",
    "read",
    "recognise",
    "rescale",
    "sessions",
    "shared_prefix",
    "sharegpt",
    "stream2llm",
    "streamed",
    "vidur",
    "write_sessions",
]
