"""hf: language models of transformers as live sessions.

transformers itself (`pip install "headrace[hf]"`) is imported only when something is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.models.hf.detokenise import Detokeniser
    from headrace.models.hf.int8 import Int8Linear, int8_linear
    from headrace.models.hf.lm import LM
    from headrace.models.hf.load import load
    from headrace.models.hf.reply import Reply, Token
    from headrace.models.hf.sampling import Sampler, Sampling
    from headrace.models.hf.stop import Stops
    from headrace.models.hf.turns import Turns

_HOMES = {
    "Detokeniser": "detokenise",
    "Int8Linear": "int8",
    "LM": "lm",
    "Reply": "reply",
    "Sampler": "sampling",
    "Sampling": "sampling",
    "Stops": "stop",
    "Token": "reply",
    "Turns": "turns",
    "int8_linear": "int8",
    "load": "load",
}

__all__ = [
    "LM",
    "Detokeniser",
    "Int8Linear",
    "Reply",
    "Sampler",
    "Sampling",
    "Stops",
    "Token",
    "Turns",
    "int8_linear",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
