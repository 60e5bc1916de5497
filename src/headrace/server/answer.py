"""Answers as bytes: JSON that any text fits, lone surrogates and all."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse


def encode(value: Any) -> bytes:
    """JSON in UTF-8, on one line; what UTF-8 has no form for is written as "?".

    Raises:
        ValueError: a number is NaN or infinite, which JSON has no form for.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


class Json(JSONResponse):
    """A response of JSON."""

    def render(self, content: Any) -> bytes:
        return encode(content)
