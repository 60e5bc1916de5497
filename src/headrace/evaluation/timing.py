"""Timing: on which clock a system runs, and what happens to what it is too slow for.

| clock | a step takes |
|---|---|
| zero | no time: the upper bound |
| profile | a time drawn, seeded, from those observed (`costs_of`): two runs are equal byte for byte |
| measured | what it took on this machine; time between steps is skipped |
| wall | what it took; everything happens in real time |
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from headrace.core.clock import Clock, Cost, ProfileClock, WallClock, ZeroClock
from headrace.core.errors import ConfigError, InputError
from headrace.core.trace import read_trace

ClockName = Literal["zero", "profile", "measured", "wall"]
Late = Literal["newest", "queue", "every"]


@dataclass(frozen=True, slots=True)
class Timing:
    """On which clock a system runs, and what happens to what it is too slow for.

    Attributes:
        clock: see the table above.
        late: of frames and sound that have arrived while a step ran, the newest of each kind, the newest
            `queue`, or every one is taken. Prompts are never lost.
        costs: ns by step ("observe", "ask", "finish") for `profile`; steps that are not named are free.
        seed: of the costs that are drawn.
        speed: of the wall clock; a factor on what a step took for `measured` (2: a machine twice as fast).

    Raises:
        ConfigError: `profile` without costs, a queue without room, a speed that is not above 0.
    """

    clock: ClockName = "zero"
    late: Late = "newest"
    queue: int = 8
    costs: Mapping[str, Cost] = field(default_factory=dict)
    seed: int = 0
    speed: float = 1.0

    def __post_init__(self) -> None:
        if self.clock == "profile" and not self.costs:
            raise ConfigError("the profile clock needs costs; take them from a run on the measured clock")
        if self.queue < 1 or not 0 < self.speed < 1e6:
            raise ConfigError(f"queue {self.queue}, speed {self.speed:g}: a queue of 1 or more and a speed above 0")

    def make(self) -> Clock:
        if self.clock == "wall":
            return WallClock(self.speed)
        return ProfileClock(self.costs, self.seed) if self.clock == "profile" else ZeroClock()

    def to_json(self) -> dict[str, Any]:
        about = {"clock": self.clock, "late": self.late, "seed": self.seed, "speed": self.speed}
        return about | ({"queue": self.queue} if self.late == "queue" else {})


def costs_of(traces: Iterable[str | os.PathLike[str]]) -> dict[str, Cost]:
    """What steps took in recorded runs, in ns by step, for `Timing.costs`.

    Raises:
        InputError: see `read_trace`; also if they hold no step.
    """
    seen: dict[str, list[int]] = {}
    for path in traces:
        for record in read_trace(path):
            if record["type"] == "step":
                seen.setdefault(record["stage"], []).append(record["t1"] - record["t0"])
    if not seen:
        raise InputError("the traces hold no step to take costs from; record them on the measured or the wall clock")
    return {name: tuple(values) for name, values in seen.items()}
