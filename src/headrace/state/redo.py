"""Redo: run the model again over inputs that were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.core.errors import ConfigError


@dataclass(frozen=True)
class Redo:
    """At an event, the last segments are forgotten and their inputs go through the model again.

    What is written again sees what stands before it now (a new prompt), where the old entries had seen what stood
    there then. Only this removes what evicted or replaced context put into the entries that stayed.

    Args:
        event: such as "prompt".
        last: closed segments to redo, besides the one that is being written.
    """

    event: str
    last: int


@dataclass(frozen=True)
class Piece:
    """Inputs of one segment, to be written again."""

    stream: str
    kind: str
    inputs: list[Any]
    pts: int
    shot: int = 0


def on(event: str, *, last: int) -> Redo:
    if last < 1:
        raise ConfigError(f"on({event!r}, last={last}): redo one segment or more")
    return Redo(event, last)
