"""Published: what others measured on a cluster, so that the simulator can be held against it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.cost import Cost, Knee
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.request import Request
from headrace.engine.scheduler import Scheduler
from headrace.engine.schedulers.prefillfirst import PrefillFirst
from headrace.engine.simulator.placement import Fleet
from headrace.engine.simulator.replica import Machine

#: Entries of a decoding batch from which the published profile has a second fit.
LARGE = 95
#: Milliseconds that the published simulator adds to each launch, with those of each token in it, and to each reading.
CALL, CALL_PER_TOKEN, STAGE = 2.0, 1e-4, 1.0
#: Bytes of one token's state: 40 layers, keys and values, 5,120 numbers of 2 bytes.
TOKEN_BYTES = 40 * 2 * 5120 * 2
#: Tokens of a prompt and its answer together, at most: what the model can place.
MOST = 2048


@dataclass(frozen=True, slots=True)
class Seen:
    """One request of a measured run.

    Attributes:
        arrival: ms since the run began.
        units: tokens of its prompt; outputs: tokens of its answer.
        first: ms to its first token; every: mean ms of each further token.
    """

    arrival: float
    units: int
    outputs: int
    first: float
    every: float


@dataclass(frozen=True)
class Published:
    """OPT-13B on A100 GPUs of 80 GB, as DistServe's authors measured it (OSDI 2024, arXiv 2401.09670).

    The repository LLMServe/DistServe (Apache-2.0) holds the fits of two engines, its own ("distserve") and vLLM's of
    that time ("vllm"), the lengths of ShareGPT requests that were sent, and logs of real runs.

    Attributes:
        data: the packaged file.
    """

    data: Mapping[str, Any]

    @classmethod
    def load(cls) -> Published:
        """From the package."""
        text = files("headrace.engine.simulator").joinpath("data", "opt13b_a100.json").read_text(encoding="utf-8")
        return cls(json.loads(text))

    @property
    def source(self) -> str:
        return str(self.data["source"])

    def degrees(self) -> list[int]:
        """GPUs among which one replica may split its tensors."""
        return sorted(int(degree) for degree in self.data["profile"]["distserve"])

    def cost(self, degree: int, engine: str = "distserve") -> Cost:
        """Of a launch on one replica of so many GPUs.

        Reading takes a + b Σlen + c Σlen², saying a + b Σcontext + c rows, in two fits split by the rows; and on top
        what the published simulator adds for the call. Ticks that hold both were not published: they are priced as the
        reading of all their units and the pass over the context of those that say, in one launch.

        Raises:
            ConfigError: there is no such engine or degree.
        """
        fits = self.data["profile"].get(engine)
        if not isinstance(fits, Mapping) or engine not in ("distserve", "vllm"):
            raise ConfigError(f"no published profile of the engine {engine!r}; use distserve or vllm")
        if str(degree) not in fits:
            raise ConfigError(f"no published profile of {degree} GPUs a replica; use one of {self.degrees()}")
        fit = fits[str(degree)]
        (small, small_context, small_row), large = fit["decode"], fit["decode_from_95"]
        base, unit, square = fit["prefill"]
        read = Cost(
            base=_ms(base + CALL + STAGE),
            per_unit=_ms(unit + CALL_PER_TOKEN),
            per_entry=_ms(small_context + CALL_PER_TOKEN),
            quadratic=_ms(square),
        )
        return Cost(
            base=_ms(small + CALL),
            per_row=_ms(small_row + small_context),
            per_entry=_ms(small_context + CALL_PER_TOKEN),
            knees=(
                Knee(
                    "rows",
                    LARGE - 1,
                    Cost(
                        base=_ms(large[0] + CALL),
                        per_row=_ms(large[2] + large[1]),
                        per_entry=_ms(large[1] + CALL_PER_TOKEN),
                    ),
                ),
                Knee("reads", 0, read),
            ),
        )

    def tokens(self, degree: int) -> int:
        """Tokens whose state one replica of so many GPUs has room for."""
        return int(self.data["max_tokens"][str(degree)])

    def rows(self, degree: int) -> int:
        """Requests of mean length whose state one replica of so many GPUs has room for."""
        return self.tokens(degree) // round(sum(map(sum, self.lengths())) / len(self.lengths()))

    def fleet(
        self,
        degree: int,
        replicas: int = 1,
        *,
        engine: str = "distserve",
        scheduler: Scheduler | None = None,
        units: int = 1 << 30,
    ) -> Fleet:
        """Replicas of so many GPUs each.

        A tick holds as many rows as there is room for requests of mean length.

        Args:
            degree: GPUs of each.
            replicas: how many.
            engine: whose profile, see `cost`.
            scheduler: default: whole prompts first, as both engines were.
            units: tokens in a tick at most.
        """
        lane = Lane(scheduler or PrefillFirst(), self.cost(degree, engine), Limits(rows=self.rows(degree), units=units))
        return Fleet(Machine(lane, most=MOST, entry_bytes=TOKEN_BYTES), replicas, degree)

    def lengths(self, count: int | None = None) -> list[tuple[int, int]]:
        """(prompt, output) of the first `count` requests that were sent, all 1,600 by default."""
        return [(units, outputs) for units, outputs in self.data["lengths"]["rows"][:count]]

    def load_at(self, rate: float, count: int = 300) -> list[Request]:
        """The requests of the published search, at so many a second; `count` of 300."""
        gaps = np.array(self.data["gaps"]["rows"][: count - 1])
        return requests(self.lengths(count), [0.0, *(np.cumsum(gaps) / rate).tolist()])

    def resampled(self, rate: float, seed: int, count: int = 300) -> list[Request]:
        """Other requests of the same set, arriving at random (Poisson) at so many a second."""
        rng = np.random.default_rng(seed)
        lengths = self.lengths()
        chosen = rng.choice(len(lengths), count, replace=count > len(lengths))
        return requests([lengths[at] for at in chosen], np.cumsum(rng.exponential(1 / rate, count)).tolist())

    def runs(self) -> list[float]:
        """Requests a second of the runs whose log is packaged: reading on 2 GPUs, saying on 1."""
        return sorted(float(rate) for rate in self.data["measured"]["rows"])

    def seen(self, rate: float) -> list[Seen]:
        """The log of one of `runs`."""
        log = self.data["measured"]["rows"].get(f"{rate:g}")
        if log is None:
            raise ConfigError(f"no published log at {rate} requests a second; use one of {self.runs()}")
        return list(self._seen(log))

    def _seen(self, log: Sequence[Sequence[float]]) -> Iterator[Seen]:
        for (arrival, first, every), (units, outputs) in zip(log, self.lengths(len(log)), strict=True):
            yield Seen(arrival, units, outputs, first, every)


def requests(lengths: Sequence[tuple[int, int]], seconds: Sequence[float]) -> list[Request]:
    """Requests of (prompt, output) tokens that arrive at these seconds."""
    return [Request(round(at * SECOND), units, outputs) for (units, outputs), at in zip(lengths, seconds, strict=True)]


def _ms(value: float) -> float:
    return value / 1e3
