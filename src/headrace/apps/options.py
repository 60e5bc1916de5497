"""Options: how to watch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from headrace.core.recipe import Recipe
from headrace.understanding.blockadmission import BlockGate
from headrace.understanding.extractive import Answers


@dataclass(frozen=True)
class Options:
    """How to watch.

    Attributes:
        ask: questions answered at the end.
        when: standing questions, alerted once for each source when they come true.
        out: folder for the trace, the results and the report; None writes nothing.
        budget: bytes of memory for what is remembered, shared out among the sources.
        disk: bytes that the output folder may take; the budget is cut to what fits into it.
        keep: retention rules such as "thumbnails=2h", see Keep.
        speed: "max", "realtime" or a factor; live sources are always watched in real time.
        gate: what decides which blocks enter: a Gate factory or a recipe that builds one; None is
            the settle gate.
        asr: what puts speech into words: "grammar:FILE", "lm:FILE" or "transformers:PATH"; "" for nothing.
        responder: composes the answers; None quotes the evidence.
        meaning: also search by meaning (needs the extra `meaning`).
        resume: go on with the run in `out`, from its last saved state.
        every_s: least seconds between two saved states of a source.
    """

    ask: Sequence[str] = ()
    when: Sequence[str] = ()
    out: str | Path | None = None
    budget: int = 64 << 20
    disk: int = 1 << 30
    keep: Sequence[str] = ()
    speed: str = "max"
    gate: Callable[[], BlockGate] | Recipe | None = None
    asr: str = ""
    responder: Answers | None = None
    meaning: bool = False
    resume: bool = False
    every_s: float = 10.0
