"""Opening and Ask: how a live session is opened, and how it is asked to speak. Plain data, fit for a pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from headrace.core.errors import ConfigError
from headrace.engine.request import Slo

#: What happens to input that comes while a reply is under way.
Meanwhile = Literal["merge", "queue", "interrupt", "latest"]
MEANWHILE = ("merge", "queue", "interrupt", "latest")


@dataclass(frozen=True)
class Opening:
    """How a session is opened.

    Attributes:
        policy: what it keeps, as data (`headrace.state.to_data`); None: the model's default.
        budget: tokens that it keeps at most, of which the first four never leave; 0: as the policy says.
        sampling: arguments of the model's Sampling; None: greedy.
        seed: of its draws.
        slo: what is promised about each exchange.
        meanwhile: input that comes while a reply is under way is read before its next token ("merge"), after its end
            ("queue"), ends it ("interrupt"), or replaces what waits and was not read ("latest").
        program: user or program, among whom time is shared.
        value: weight of its outputs.
        waiting: tokens that may wait to be read; more are refused.
        remember: tokens of its past that are remembered, so that it can be read again or updated; 0: none.
        share: its beginning may be copied from another session that read the same, and lent to others.
        durable: it outlives a crash (the pool has a folder).

    Raises:
        ConfigError: a value is out of range.
    """

    policy: Mapping[str, Any] | None = None
    budget: int = 0
    sampling: Mapping[str, Any] | None = None
    seed: int = 0
    slo: Slo = field(default_factory=Slo)
    meanwhile: Meanwhile = "merge"
    program: str = ""
    value: float = 1.0
    waiting: int = 65_536
    remember: int = 8_192
    share: bool = True
    durable: bool = False

    def __post_init__(self) -> None:
        if self.meanwhile not in MEANWHILE:
            raise ConfigError(f"meanwhile={self.meanwhile!r}; use one of {', '.join(MEANWHILE)}")
        for name, least in (("budget", 0), ("seed", 0), ("waiting", 1), ("remember", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 1 << 61:
                raise ConfigError(f"Opening({name}={value!r}): give a whole number, {least} or more")
        if self.policy is not None and self.budget:
            raise ConfigError("Opening: give a policy or a budget, not both")
        if not self.value > 0:
            raise ConfigError(f"Opening(value={self.value!r}): give a number above 0")


@dataclass(frozen=True)
class Ask:
    """One reply.

    Attributes:
        max_tokens: after which it ends.
        min_tokens: before which it does not end by itself.
        stop: strings at which it ends.
        ignore_end: the model's end-of-text does not end it.
        logprobs: how many alternatives to give with each token; None: none, and no probability either; 0: the chosen
            token's alone.
        foreseen: how many tokens the caller expects, for schedulers; None: `max_tokens`.
    """

    max_tokens: int = 256
    min_tokens: int = 0
    stop: tuple[str, ...] = ()
    ignore_end: bool = False
    logprobs: int | None = None
    foreseen: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """One token of a reply.

    Attributes:
        number: of all that its session said, from 1; what a client acknowledges and resumes behind.
        token: its id; None for text that was held back until the reply ended.
        text: that may be shown now; may be empty.
        time: clock time at which it left, ns.
        due: when it was due, ns, or NEVER.
        ended: "" while the reply goes on; then "stop" (a stop string), "end" (of text), "length", "interrupted" or
            "failed".
        error: what failed.
        logprob: natural logarithm of the token's probability, if asked for.
        top: alternatives with theirs, most likely first.
        prompt: tokens that were read for this reply, with the last one only; `reused` of them were copied.
        reused: see `prompt`.
    """

    number: int
    token: int | None
    text: str
    time: int
    due: int
    ended: str = ""
    error: str = ""
    logprob: float | None = None
    top: tuple[tuple[int, str, float], ...] = ()
    prompt: int = 0
    reused: int = 0
