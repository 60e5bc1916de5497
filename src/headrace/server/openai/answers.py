"""What is answered, for OpenAPI and for whoever checks answers: the server builds them as plain data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Reason = Literal["stop", "length", "abort"]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PromptDetails(_Answer):
    cached_tokens: int = Field(description="Copied from another session that read the same.")


class UsageAnswer(_Answer):
    """Tokens, counted by the model's tokenizer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


class Alternative(_Answer):
    token: str
    logprob: float
    bytes: list[int]


class TokenLogprob(Alternative):
    top_logprobs: list[Alternative]


class ChatLogprobs(_Answer):
    content: list[TokenLogprob]
    refusal: None = None


class ChatMessage(_Answer):
    role: Literal["assistant"]
    content: str
    refusal: None = None


class ChatChoice(_Answer):
    index: int
    message: ChatMessage
    logprobs: ChatLogprobs | None
    finish_reason: Reason


class ChatCompletion(_Answer):
    """A whole reply to a chat."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: UsageAnswer


class CompletionLogprobs(_Answer):
    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int]


class CompletionChoice(_Answer):
    index: int
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: Reason


class Completion(_Answer):
    """Whole replies to prompts."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str
    choices: list[CompletionChoice]
    usage: UsageAnswer


class ModelAnswer(BaseModel):
    """The model of this server."""

    model_config = ConfigDict(extra="forbid")

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    root: str
    headrace: dict[str, Any] = Field(description="What else the pool says of it.")


class ModelList(_Answer):
    object: Literal["list"]
    data: list[ModelAnswer]
