"""POST /v1/chat/completions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from headrace.engine.opening import Said
from headrace.server.errors import Refusal, documented
from headrace.server.front import Front, Who
from headrace.server.openai import logprobs
from headrace.server.openai.answers import ChatCompletion
from headrace.server.openai.asking import Asking, Count
from headrace.server.openai.exchange import Prompt
from headrace.server.openai.replies import Replies
from headrace.server.settings import Settings
from headrace.server.text import Text

#: Tokens of a reply if the request does not say: a live session has no end of its own.
TOKENS = 1024

EXAMPLE: Any = {
    "messages": [{"role": "user", "content": "Once upon a time"}],
    "max_tokens": 32,
    "temperature": 0,
}
STREAM = 'data: {"id":"chatcmpl-…","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"there"},"finish_reason":null}]}\n\ndata: [DONE]\n\n'  # noqa: E501


class Part(BaseModel):
    """A piece of a message. Text is read; what is not text is refused with a reason."""

    model_config = ConfigDict(strict=True, extra="allow")

    type: Text
    text: Text | None = None


class Message(BaseModel):
    """One turn. It is written as the model's chat template writes turns of its role; a name is not used."""

    model_config = ConfigDict(strict=True, extra="allow")

    role: Text
    content: Text | list[Part] | None = None


class Chat(Asking):
    """A chat to be continued by the assistant."""

    model_config = ConfigDict(strict=True, extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    messages: Annotated[list[Message], Field(min_length=1)]
    max_completion_tokens: Count | None = Field(None, description="As max_tokens, and before it.")
    logprobs: bool | None = None
    top_logprobs: Count | None = Field(None, description="Alternatives to each token; needs logprobs=true.")

    def check(self, settings: Settings) -> None:
        super().check(settings)
        self.within("max_completion_tokens", self.max_completion_tokens, 1, settings.tokens)
        self.within("top_logprobs", self.top_logprobs, 0, settings.logprobs)
        self.within("messages", len(self.messages), 1, settings.messages, "number of messages")
        name = "max_completion_tokens" if self.max_completion_tokens else "max_tokens"
        self.together(self.choices, self.tokens, settings.together, name)
        if self.top_logprobs and not self.logprobs:
            raise Refusal("top_logprobs: only with logprobs=true", param="top_logprobs")

    @property
    def tokens(self) -> int:
        """Of the reply at most."""
        return self.max_completion_tokens or self.max_tokens or TOKENS


@dataclass(frozen=True)
class ChatForm:
    """How a chat's reply is written; `top` alternatives to each token, None without any probability."""

    top: int | None
    prefix: str = "chatcmpl"
    whole: str = "chat.completion"
    chunk: str = "chat.completion.chunk"

    def begin(self, index: int) -> dict[str, Any] | None:
        return {"index": index, "delta": {"role": "assistant", "content": ""}, "logprobs": None}

    def delta(self, index: int, said: Said) -> dict[str, Any] | None:
        chances = self._logprobs([said])
        if not said.text and not (chances and chances["content"]):
            return None
        return {"index": index, "delta": {"content": said.text}, "logprobs": chances}

    def last(self, index: int) -> dict[str, Any]:
        return {"index": index, "delta": {}, "logprobs": None}

    def choice(self, index: int, said: list[Said]) -> dict[str, Any]:
        text = "".join(one.text for one in said)
        message = {"role": "assistant", "content": text, "refusal": None}
        return {"index": index, "message": message, "logprobs": self._logprobs(said)}

    def _logprobs(self, said: list[Said]) -> dict[str, Any] | None:
        if self.top is None:
            return None
        return {"content": [logprobs.of_chat(one, self.top) for one in said if logprobs.shown(one)], "refusal": None}


def router(front: Front) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["openai"])

    @routes.post(
        "/v1/chat/completions",
        summary="Continue a chat",
        response_model=ChatCompletion,
        responses={
            200: {
                "description": "The reply; with stream=true server-sent events, ended by [DONE].",
                "content": {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM}},
            },
            **documented(404, 409),
        },
    )
    async def chat(request: Request, wanted: Chat, key: Who) -> Response:
        """OpenAI's chat completions.

        Differences: n replies share one reading of the prompt; a request that asks for something which is not supported
        is refused (400) and `param` names it; `headrace` brings deadlines, a policy or a budget; the temperature is 1
        unless given.
        """
        front.check_model(wanted.model)
        wanted.check(front.settings)
        prompt = _prompt(wanted.messages, tuple(front.pool.model.get("roles", ())))
        top = (wanted.top_logprobs or 0) if wanted.logprobs else None
        replies = Replies(
            front, wanted, ChatForm(top), [prompt], "assistant", wanted.ask(wanted.tokens, top),
            wanted.opening(key, front.settings),
        )  # fmt: skip
        return await replies.respond(request)

    return routes


def _prompt(messages: Sequence[Message], roles: tuple[str, ...]) -> Prompt:
    if not roles:
        raise Refusal("this model has no chat template; use /v1/completions", param="messages", code="no_template")
    prompt = []
    for at, message in enumerate(messages):
        where = f"messages.{at}"
        role = "system" if message.role == "developer" and "developer" not in roles else message.role
        if role not in roles:
            raise Refusal(f"{where}: role {message.role[:64]!r}; this model has {', '.join(roles)}", param="messages")
        for name in ("tool_calls", "function_call", "audio"):
            if (message.model_extra or {}).get(name):
                raise Refusal(f"{where}: {name} is not supported here; write it as text", param="messages")
        prompt.append((role, _text(where, message.content)))
    return prompt


def _text(where: str, content: str | list[Part] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    for at, part in enumerate(content):
        if part.type not in ("text", "input_text") or part.text is None:
            raise Refusal(
                f"{where}.content.{at}: a part of type {part.type[:64]!r}; this model reads text alone",
                param="messages", code="unsupported_content",
            )  # fmt: skip
    return "".join(part.text or "" for part in content)
