"""Asking: what chats and completions have in common, from the socket to the engine's words."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from headrace.engine.opening import Ask, Opening
from headrace.server.deadlines import Deadlines
from headrace.server.errors import Refusal
from headrace.server.keys import ANYONE, Key
from headrace.server.openai.refused import check_refused
from headrace.server.settings import Settings
from headrace.server.text import Text

#: Seeds of sessions are below it.
SEEDS = 1 << 60
#: The least temperature above 0.
COLDEST = 1e-3
#: Priorities beyond it count as it.
PRIORITY = 16

Count = Annotated[int, Field(ge=0, lt=1 << 53)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class StreamOptions(BaseModel):
    """What a stream brings beside text."""

    model_config = ConfigDict(strict=True, extra="allow")

    include_usage: bool | None = Field(None, description="A last chunk has the usage and no choices.")
    continuous_usage_stats: bool | None = Field(None, description="Every chunk has the usage so far.")


class Extras(BaseModel):
    """What only this server has. With OpenAI's client: `extra_body={"headrace": {...}}`."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"deadline_ms": {"first": 500, "every": 100}, "budget": 2048}]},
    )

    deadline_ms: Deadlines | None = None
    policy: dict[str, Any] | None = Field(None, description="What the session keeps, as data.")
    budget: Count | None = Field(None, description="Tokens that the session keeps at most; 0: as the policy says.")
    value: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] | None = Field(
        None, description="Weight of the reply's tokens; replaces priority."
    )


class Asking(BaseModel):
    """The fields that chats and completions share. Unknown fields are accepted and not used."""

    model_config = ConfigDict(strict=True, extra="allow")

    model: Text | None = Field(None, description="Name of the model; may be left out, there is one.")
    max_tokens: Count | None = Field(None, description="After which the reply ends.")
    min_tokens: Count | None = Field(None, description="Before which it does not end by itself.")
    ignore_eos: bool | None = Field(None, description="The model's end-of-text does not end the reply.")
    stop: Text | list[Text] | None = Field(None, description="Strings at which it ends; they are not part of it.")
    n: Count | None = Field(None, description="Replies to each prompt, of the seeds seed, seed + 1, …")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[Number, Field(ge=0, le=100)] | None = Field(
        None, description="0 is greedy; 1 if left out, as OpenAI has it."
    )
    top_p: Annotated[Number, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1, lt=1 << 31)] | None = Field(None, description="0 and -1 are off.")
    min_p: Annotated[Number, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[Number, Field(gt=0, le=1e6)] | None = None
    seed: int | None = Field(None, description="Of the draws; drawn itself if left out.")
    priority: Annotated[int, Field(ge=-(1 << 53), lt=1 << 53)] | None = Field(
        None, description="Lower is more urgent: each step below 0 doubles the weight of the reply, up to 16 steps."
    )
    user: Text | None = Field(None, description="Whom time is shared among where no keys are wanted.")
    cache_salt: str | None = Field(None, description="If given, the prompt is not shared with other sessions.")
    headrace: Extras | None = None

    def check(self, settings: Settings) -> None:
        """Refusal (400) if something is asked for that is not supported, or more than is given."""
        check_refused(self.model_extra or {})
        most = settings
        self.within("n", self.n, 1, most.choices)
        self.within("max_tokens", self.max_tokens, 1, most.tokens)
        self.within("min_tokens", self.min_tokens, 0, most.tokens)
        if self.temperature is not None and 0 < self.temperature < COLDEST:
            raise Refusal(f"temperature={self.temperature}: give 0 or from {COLDEST}", param="temperature")
        if len(self.stops) > most.stops or not all(0 < len(one) <= most.stop_chars for one in self.stops):
            raise Refusal(
                f"stop: give up to {most.stops} strings of 1 to {most.stop_chars} characters", param="stop"
            )  # fmt: skip
        if self.stream_options is not None and not self.stream:
            raise Refusal("stream_options: only with stream=true", param="stream_options")

    @property
    def stops(self) -> tuple[str, ...]:
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    @property
    def choices(self) -> int:
        """Replies to each prompt."""
        return 1 if self.n is None else self.n

    def together(self, replies: int, tokens: int, most: int, name: str = "max_tokens") -> None:
        """Refusal (400), by the field `name`, if so many replies of `tokens` tokens each are more than `most`."""
        if replies * tokens > most:
            raise Refusal(
                f"{name}: {replies} replies of {tokens} tokens are {replies * tokens}; give up to {most} in all",
                param=name,
            )

    def ask(self, tokens: int, logprobs: int | None) -> Ask:
        """One reply of up to `tokens` tokens."""
        least = self.min_tokens or 0
        if least > tokens:
            raise Refusal(f"min_tokens={least} is more than the {tokens} that the reply may have", param="min_tokens")
        return Ask(tokens, least, self.stops, bool(self.ignore_eos), logprobs)

    def opening(self, key: Key, settings: Settings) -> Opening:
        """The session of each prompt; its seed is that of the first choice."""
        extras = self.headrace or Extras.model_validate({})
        given = {
            "temperature": 1.0 if self.temperature is None else float(self.temperature),
            "top_p": 1.0 if self.top_p is None else float(self.top_p),
            "top_k": max(0, self.top_k or 0),
            "min_p": float(self.min_p or 0),
            "repetition_penalty": 1.0 if self.repetition_penalty is None else float(self.repetition_penalty),
        }
        urgency = -max(-PRIORITY, min(PRIORITY, self.priority or 0))
        opening = Opening(
            policy=extras.policy,
            budget=extras.budget or (0 if extras.policy else settings.budget),
            sampling=given,
            seed=(secrets.randbelow(SEEDS) if self.seed is None else self.seed) % SEEDS,
            value=2.0**urgency if extras.value is None else float(extras.value),
            program=key.name if key is not ANYONE else (self.user or "")[:256],
            share=self.cache_salt is None,
        )
        return opening if extras.deadline_ms is None else replace(opening, slo=extras.deadline_ms.slo())

    def within(self, name: str, value: int | None, least: int, most: int, what: str = "") -> None:
        """Refusal (400) unless a number is in its range; None is. `what` it is, if not the field itself."""
        if value is not None and not least <= value <= most:
            raise Refusal(f"{what or name}={value}: give {least} to {most}", param=name)
