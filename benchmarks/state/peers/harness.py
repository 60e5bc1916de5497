"""How a peer is asked and what it answers: lines of JSON over its standard input and output.

A peer keeps what it has prepared, so that cases of all peers can be measured in turn without loading a model again.
Request: {"ask": "prepare" | "measure", "case": NAME, ...its parameters}; answer: {"value": ...} or {"error": ...}.
`prepare` builds the case and runs it once, unmeasured; `measure` runs it once more and answers its Sample. Other
requests are `version` and `agree`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One repetition: CPU seconds of the process with all its threads, wall seconds, tokens that came out."""

    cpu: float
    wall: float
    tokens: int

    def less(self, other: Sample) -> Sample:
        """What is left without the part that `other` is."""
        return Sample(self.cpu - other.cpu, self.wall - other.wall, self.tokens - other.tokens)


#: Runs one repetition.
Repetition = Callable[[], Sample]
#: Takes the parameters of the case, builds what it needs and answers how to run it once.
Case = Callable[..., Repetition]


class Stopwatch:
    """CPU and wall time, summed over the stretches in which it runs."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def __enter__(self) -> Stopwatch:
        self._began = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu += time.process_time() - self._began[0]
        self.wall += time.perf_counter() - self._began[1]

    def sample(self, tokens: int) -> Sample:
        return Sample(self.cpu, self.wall, tokens)


def timed(run: Callable[[], int]) -> Sample:
    """One call of `run`, which answers how many tokens came out."""
    watch = Stopwatch()
    with watch:
        tokens = run()
    return watch.sample(tokens)


def serve(
    version: str,
    cases: Mapping[str, Case],
    agree: Callable[[], Any] | None = None,
    tell: Mapping[str, Callable[..., Any]] | None = None,
) -> None:
    """Answer requests until the input ends.

    Args:
        version: what the peer says of itself.
        cases: what can be measured.
        agree: answers with 32 greedy tokens after a prompt of 32.
        tell: what else it can be asked, by name.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    prepared: dict[str, Repetition] = {}

    def answer(request: dict[str, Any]) -> Any:
        ask = request.pop("ask")
        if ask == "version":
            return version
        if ask == "agree":
            return agree() if agree is not None else None
        if tell is not None and ask in tell:
            return tell[ask](**request)
        key = json.dumps(request, sort_keys=True)
        if ask == "prepare":
            name = request.pop("case")
            prepared[key] = cases[name](**request)
            prepared[key]()
            return None
        return asdict(prepared[key]())

    for line in sys.stdin:
        try:
            reply = {"value": answer(json.loads(line))}
        except Exception as error:  # whatever goes wrong in a peer is a row without a figure
            reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        print(json.dumps(reply), file=answers, flush=True)
