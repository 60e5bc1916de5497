"""Deadlines as clients write them: in milliseconds."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from headrace.engine.request import NEVER, Slo
from headrace.server.errors import Refusal

Milliseconds = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]


class Deadlines(BaseModel):
    """What is to be promised about a reply, in ms; nothing is where nothing is said."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"first": 500, "every": 100}]}
    )

    first: Milliseconds | None = Field(None, description="From the end of the input to the first token.")
    every: Milliseconds | None = Field(
        None, description="Between tokens; an early one earns time for the next. Needs `first`."
    )
    whole: Milliseconds | None = Field(None, description="From the end of the input to the last token.")

    def slo(self) -> Slo:
        """The promise; Refusal where there is `every` without `first`."""
        if self.every is not None and self.first is None:
            raise Refusal("deadline_ms: every counts from the first token; give first too", param="deadline_ms")
        given = (self.first, self.every, self.whole)
        return Slo(*(NEVER if ms is None else max(1, round(ms * 1e6)) for ms in given))
