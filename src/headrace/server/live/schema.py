"""Schema: what comes and goes at /v1/sessions; pydantic only here, at the socket."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from headrace.core.item import MS
from headrace.engine.opening import Ask, Meanwhile, Opening
from headrace.engine.request import Slo
from headrace.server.deadlines import Deadlines, Milliseconds
from headrace.server.errors import Refusal
from headrace.server.front import Front
from headrace.server.keys import ANYONE, Key
from headrace.server.live.standing import Standing

#: Standing questions of a session.
QUESTIONS = 8
#: Characters of a question, and tokens of its answer.
QUESTION, ANSWER = 2000, 256
#: The most that input may wait, and that is remembered, in tokens.
TOKENS = 1 << 20

Seed = Annotated[int, Field(ge=0, lt=1 << 61)]
Word = Annotated[str, Field(max_length=256)]
#: A word that may be asked for by name and that is kept.
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.:-]+$")]


class Strict(BaseModel):
    """A body whose unknown fields are errors: a word that is misspelt is not passed over."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Sampling(Strict):
    """How the next token is chosen."""

    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    top_k: Annotated[int, Field(ge=0, lt=1 << 31)] = 0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    repetition_penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    window: Annotated[int, Field(ge=1, le=1 << 16)] = 256


class Question(Strict):
    """A standing question: asked after all that was pushed, answered only when the answer is news."""

    id: Name
    ask: Annotated[str, Field(min_length=1, max_length=QUESTION)]
    max_tokens: Annotated[int, Field(ge=1, le=ANSWER)] = 32
    silent: Word = Field("", description='An answer that begins with this word is none, such as "no".')
    role: Word | None = Field(None, description="Turn of the question; by default the text goes on.")
    deadline_ms: Milliseconds | None = Field(None, description="A check that takes longer is given up.")

    def standing(self, front: Front) -> Standing:
        """The same for the server."""
        within = 0 if self.deadline_ms is None else max(1, math.ceil(self.deadline_ms * MS))
        role = reply_role(front, self.role)
        return Standing(self.id, self.ask, self.max_tokens, self.silent, self.role, role, within)


class Asked(Strict):
    """Standing questions of a session."""

    standing: Annotated[list[Question], Field(max_length=QUESTIONS)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _distinct(self) -> Asked:
        if len({one.id for one in self.standing}) < len(self.standing):
            raise ValueError("standing: an id occurs twice")
        return self


class OpenBody(Asked):
    """How a session is opened."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "budget": 512,
                    "deadline_ms": {"first": 300, "every": 60},
                    "meanwhile": "interrupt",
                    "standing": [{"id": "fire", "ask": "Is anything on fire? ", "max_tokens": 8, "silent": "no"}],
                },
                {},
            ]
        },
    )

    policy: dict[str, Any] | None = Field(None, description="What it keeps, as data; null: the model's default.")
    budget: Annotated[int, Field(ge=0, lt=1 << 31)] = Field(
        0, description="Tokens that it keeps at most, of which the first four never leave; 0: as the policy says."
    )
    deadline_ms: Deadlines | None = None
    meanwhile: Meanwhile = Field("merge", description="What input does that comes while a reply is under way.")
    sampling: Sampling | None = None
    seed: Seed = 0
    durable: bool = Field(False, description="It outlives the server, and goes on behind its last emission.")
    program: Word = Field("", description="Among whom time is shared where no keys are wanted; else among keys.")
    waiting: Annotated[int, Field(ge=1, le=TOKENS)] = 65_536
    remember: Annotated[int, Field(ge=0, le=TOKENS)] = 8_192

    def opening(self, key: Key, budget: int = 0) -> Opening:
        """The same for the engine, with a budget for who asks for none; ConfigError if its parts do not fit."""
        return Opening(
            policy=self.policy,
            budget=self.budget or (0 if self.policy else budget),
            sampling=self.sampling.model_dump(exclude_unset=True) if self.sampling else None,
            seed=self.seed,
            slo=self.deadline_ms.slo() if self.deadline_ms else Slo(),
            meanwhile=self.meanwhile,
            program=self.program if key is ANYONE else key.name,
            waiting=self.waiting,
            remember=self.remember,
            durable=self.durable,
        )


class ForkBody(Asked):
    """Another session with the same past."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"seed": 7}]})

    seed: Seed | None = Field(None, description="Of its draws; null: those of the session go on in both.")


class ReplyBody(Strict):
    """A reply that is asked for."""

    max_tokens: Annotated[int, Field(ge=1, lt=1 << 31)] = 256
    min_tokens: Annotated[int, Field(ge=0, lt=1 << 31)] = 0
    stop: list[Word] = Field(default_factory=list)
    ignore_end: bool = False
    role: Word | None = Field(
        default=None, description="Turn of the reply; by default the assistant's, if `role` was given."
    )

    def ask(self, front: Front) -> Ask:
        """The same for the engine; Refusal if it is more than the server takes."""
        bounds = front.settings
        if self.max_tokens > bounds.tokens:
            raise Refusal(f"reply.max_tokens={self.max_tokens}: give 1 to {bounds.tokens}", param="reply")
        if self.min_tokens > self.max_tokens:
            raise Refusal(f"reply.min_tokens={self.min_tokens} is more than max_tokens", param="reply")
        if len(self.stop) > bounds.stops or any(not 0 < len(one) <= bounds.stop_chars for one in self.stop):
            raise Refusal(
                f"reply.stop: up to {bounds.stops} strings of 1 to {bounds.stop_chars} characters", param="reply"
            )
        return Ask(self.max_tokens, self.min_tokens, tuple(self.stop), self.ignore_end)


class Input(Strict):
    """Text or token ids, one of the two."""

    text: str | None = None
    tokens: list[Annotated[int, Field(ge=0, lt=1 << 31)]] | None = None

    @property
    def data(self) -> str | list[int]:
        """What was given."""
        if (self.text is None) == (self.tokens is None):
            raise Refusal("give text or tokens, one of the two", param="text")
        return self.text if self.text is not None else self.tokens or []


class PushBody(Input):
    """Input, and whether it is to be replied to."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"text": "The river rises.", "role": "user", "reply": {"max_tokens": 64}},
                {"text": " Frame 812: a person enters.", "stream": "door", "pts_ms": 27066.7},
            ]
        },
    )

    role: Word | None = Field(None, description="Begin the turn of this role; null: the text goes on.")
    stream: Word = "main"
    kind: Word = Field("text", description="Of what kind it is; others than text only if the model takes them.")
    pts_ms: Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)] = Field(0.0, description="Media time.")
    reply: ReplyBody | bool = Field(False, description="Reply to it: true, or how.")


class InterruptBody(Strict):
    """Up to where the reply was heard."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"said": 12}, {}]})

    said: Annotated[int, Field(ge=0, lt=1 << 61)] | None = Field(
        None, description="`said` of the last emission that reached the listener; later tokens are taken back."
    )


class Session(BaseModel):
    """A session and its figures."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"id": "9b2c7c0f8e0d4b6e9a1f5d3c2b1a0f9e", "max_bytes": 1048576, "state_bytes": 0, "emissions": 0}
            ]
        },
    )

    id: str = Field(description="Its name, which nobody can guess.")
    max_bytes: int = Field(description="Bytes that its state will never pass.")
    state_bytes: int
    tokens_read: int
    tokens_said: int
    waiting: int = Field(description="Tokens that wait to be read, those that wait for a reply's end too.")
    resident: str = Field(description="Where its state is: device, host, disk or recompute.")
    emissions: int = Field(description="Number of its last emission.")
    listeners: int
    replies_waiting: int
    durable: bool
    journal_error: str = Field(description="Why what it says is not on disk, or empty.")
    standing: list[dict[str, Any]] = Field(description="Its questions: checks made, late and failed, and why.")


class AbsentSession(BaseModel):
    """A durable session of an earlier run that cannot be taken up now; ask for it again later."""

    id: str
    why: str


class SessionList(BaseModel):
    """A key's sessions."""

    data: list[Session]
    absent: list[AbsentSession] = Field(description="Those that are on the disk, and why they are not served now.")


class Pushed(BaseModel):
    """Input that was queued."""

    tokens: int
    reply: str | None = Field(description="Id of the reply: the cause of its emissions.")
    emissions: int = Field(description="Number of the last emission before it; listen behind it.")


class Updated(BaseModel):
    """Input that was changed."""

    kept: int = Field(description="Tokens that stood already.")


class Interrupted(BaseModel):
    """A reply that was ended."""

    said: int = Field(description="Number of the last token that stands.")


def reply_role(front: Front, role: str | None) -> str | None:
    """Whose turn follows one of `role`."""
    return "assistant" if role is not None and "assistant" in front.pool.model.get("roles", ()) else None
