"""load: what so many sessions ask for; the axis along which capacity is found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from headrace.apps.capacity.words import pairs, seconds
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.request import Request, Slo
from headrace.engine.traces import live, promise

#: Ages at which sessions are when a run begins: tokens above their budget.
AGES, STEP = 8, 8

#: What each kind of load takes, with its defaults; `s` says that it is a time.
KINDS: Mapping[str, Mapping[str, float | str]] = {
    "live": {"period": "1s", "chunk": 32, "reply": 8, "every": 1},
    "people": {"think": "10s", "prompt": 64, "reply": 48, "spread": "0.5"},
}


@dataclass(frozen=True)
class Load:
    """So many sessions that never end.

    - **live**: cameras and callers: every `period` a chunk of `chunk` tokens arrives, and after each `every`-th one
      `reply` tokens are wanted (0: it is only read). All sessions begin at times of their own within a period.
    - **people**: each asks again `think` seconds after it asked last, on average (exponential), with `prompt` tokens
      and wants `reply`, both medians of a log-normal of `spread`. Who asks before the reply is over waits for its end.

    Attributes:
        kind: "live" or "people".
        given: what was said of it, by name; the rest is as in `KINDS`.

    Raises:
        ConfigError: no load has that name, or it does not take what was given.
    """

    kind: str = "live"
    given: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"--load: there is no load {self.kind!r}; give one of {', '.join(KINDS)}")
        for name in self.given:
            if name not in KINDS[self.kind]:
                raise ConfigError(f"--load {self.kind} takes {', '.join(KINDS[self.kind])}, not {name!r}")
        figures = self.figures
        if self.kind == "live" and not figures["every"] >= 1:
            raise ConfigError("--load live: every=0; give 1 or more")
        if not figures["prompt" if self.kind == "people" else "chunk"] >= 1:
            raise ConfigError(f"--load {self.kind}: nothing is read; give 1 token or more")
        if self.kind == "people" and not (figures["reply"] >= 1 and figures["spread"] <= 4):
            raise ConfigError("--load people: give reply=1 or more, and a spread of 4 at most")

    @classmethod
    def parse(cls, text: str) -> Load:
        """`live:period=1s,chunk=32,reply=8`."""
        kind, _, rest = text.partition(":")
        return cls(kind.strip(), pairs(rest, f"--load {kind.strip()}"))

    @property
    def figures(self) -> dict[str, float]:
        """By name: seconds, tokens, or a number."""
        found: dict[str, float] = {}
        for name, default in KINDS[self.kind].items():
            text = self.given.get(name, str(default))
            if name in ("period", "think"):
                found[name] = seconds(text, f"--load {self.kind}: {name}")
                continue
            try:
                found[name] = float(text) if isinstance(default, str) else int(text)
            except ValueError:
                found[name] = math.nan
            if not 0 <= found[name] <= 1_000_000:
                raise ConfigError(f"--load {self.kind}: {name}={text!r}; give a number from 0 to 1,000,000")
        return found

    def __call__(self, sessions: int, horizon: float, promised: Slo, budget: int, seed: int) -> list[Request]:
        """Requests of so many sessions, whose states are full from the beginning, as they will be from then on.

        With more sessions, those that were there ask for the same at the same times.

        Args:
            sessions: how many.
            horizon: seconds in which requests arrive.
            promised: to each.
            budget: tokens that a session keeps at most.
            seed: of all draws.
        """
        find = self._live if self.kind == "live" else self._people
        requests = promise(find(sessions, horizon, seed), promised)
        known: set[str] = set()
        for at, request in enumerate(requests):
            if request.session not in known:
                age = int(request.session.rpartition("-")[2]) % AGES * STEP
                requests[at] = replace(request, brought=budget + age)
                known.add(request.session)
        return requests

    def _live(self, sessions: int, horizon: float, seed: int) -> list[Request]:
        of = self.figures
        chunk, reply, every = int(of["chunk"]), int(of["reply"]), int(of["every"])
        return live(sessions, of["period"], chunk, reply, of["period"], horizon, every=every, seed=seed)

    def _people(self, sessions: int, horizon: float, seed: int) -> list[Request]:
        of, found = self.figures, []
        for number in range(sessions):
            draw = np.random.default_rng([seed, number])
            time = draw.exponential(of["think"])
            while time < horizon:
                units, outputs = (_length(draw, of[name], of["spread"]) for name in ("prompt", "reply"))
                found.append(Request(int(time * SECOND), units, outputs, session=f"person-{number}"))
                time += draw.exponential(of["think"])
        return sorted(found, key=lambda request: request.arrival)

    def __str__(self) -> str:
        of = self.figures
        if self.kind == "people":
            return (
                f"people who ask every {of['think']:g} s on average, about {of['prompt']:g} tokens, for about "
                f"{of['reply']:g}"
            )
        wants = f"{of['reply']:g} tokens wanted after each" if of["reply"] else "only read"
        if of["reply"] and of["every"] > 1:
            wants = f"{of['reply']:g} tokens wanted after every {of['every']:g}th"
        return f"{of['chunk']:g} tokens every {of['period']:g} s, {wants}"


def _length(draw: np.random.Generator, median: float, spread: float) -> int:
    return int(np.clip(np.rint(np.exp(draw.normal(math.log(median), spread))), 1, 64 * median))


#: Finds the requests of so many sessions.
Find = Callable[[int, float, Slo, int, int], list[Request]]
