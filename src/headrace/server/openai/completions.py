"""POST /v1/completions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field
from starlette.responses import Response

from headrace.engine.opening import Said
from headrace.server.errors import Refusal, documented
from headrace.server.front import Front, Who
from headrace.server.openai import logprobs
from headrace.server.openai.answers import Completion
from headrace.server.openai.asking import Asking, Count
from headrace.server.openai.replies import Replies
from headrace.server.settings import Settings
from headrace.server.text import Text

#: Tokens of a reply if the request does not say, as OpenAI has it.
TOKENS = 16

EXAMPLE: Any = {"prompt": "Once upon a time", "max_tokens": 32, "temperature": 0}
STREAM = 'data: {"id":"cmpl-…","object":"text_completion","choices":[{"index":0,"text":" there","logprobs":null,"finish_reason":null}]}\n\ndata: [DONE]\n\n'  # noqa: E501

Id = Annotated[int, Field(ge=0, lt=1 << 31)]


class Completing(Asking):
    """Prompts to be continued."""

    model_config = ConfigDict(strict=True, extra="allow", json_schema_extra={"examples": [EXAMPLE]})

    prompt: Text | list[Text] | list[Id] | list[list[Id]] = Field(description="Text, token ids, or several of either.")
    echo: bool | None = Field(None, description="The reply begins with the prompt, which is a text then.")
    logprobs: Count | None = Field(None, description="Alternatives to each token; 0: only its own probability.")

    def check(self, settings: Settings) -> None:
        super().check(settings)
        self.within("logprobs", self.logprobs, 0, settings.logprobs)
        prompts = self.prompts
        self.within("prompt", len(prompts), 1, settings.prompts, "number of prompts")
        self.within("n", len(prompts) * self.choices, 1, settings.choices, "n x number of prompts")
        self.together(len(prompts) * self.choices, self.tokens, settings.together)
        if not all(prompts):
            raise Refusal("prompt: one is empty; give a character or a token", param="prompt")
        if self.echo and not all(isinstance(prompt, str) for prompt in prompts):
            raise Refusal("echo: give the prompt as text", param="echo")
        if self.echo and self.logprobs is not None:
            raise Refusal("echo: prompts have no logprobs here; leave one of the two out", param="echo")

    @property
    def prompts(self) -> list[str | list[int]]:
        if isinstance(self.prompt, str):
            return [self.prompt]
        if self.prompt and isinstance(self.prompt[0], int):
            return [self.prompt]  # type: ignore[list-item]
        return list(self.prompt)  # type: ignore[arg-type]

    @property
    def tokens(self) -> int:
        """Of each reply at most."""
        return self.max_tokens or TOKENS


@dataclass
class CompletionForm:
    """How a completion is written; lives as long as its request.

    Args:
        top: alternatives to each token, None without any probability.
        echoes: what each choice begins with.
    """

    top: int | None
    echoes: list[str]
    prefix: str = "cmpl"
    whole: str = "text_completion"
    chunk: str = "text_completion"
    _length: dict[int, int] = field(default_factory=dict)

    def begin(self, index: int) -> dict[str, Any] | None:
        echo = self.echoes[index]
        return {"index": index, "text": echo, "logprobs": None} if echo else None

    def delta(self, index: int, said: Said) -> dict[str, Any] | None:
        chances = self._logprobs(index, said)
        if not said.text and chances is None:
            return None
        return {"index": index, "text": said.text, "logprobs": chances}

    def last(self, index: int) -> dict[str, Any]:
        return {"index": index, "text": "", "logprobs": None}

    def choice(self, index: int, said: list[Said]) -> dict[str, Any]:
        parts = [part for one in said if (part := self._logprobs(index, one)) is not None]
        text = self.echoes[index] + "".join(one.text for one in said)
        return {"index": index, "text": text, "logprobs": None if self.top is None else logprobs.joined(parts)}

    def _logprobs(self, index: int, said: Said) -> dict[str, Any] | None:
        offset = self._length.get(index, 0)
        self._length[index] = offset + len(said.text)
        return logprobs.of_completion(said, offset) if self.top is not None and logprobs.shown(said) else None


def router(front: Front) -> APIRouter:
    """The route."""
    routes = APIRouter(tags=["openai"])

    @routes.post(
        "/v1/completions",
        summary="Continue texts",
        response_model=Completion,
        responses={
            200: {
                "description": "The replies; with stream=true server-sent events, ended by [DONE].",
                "content": {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM}},
            },
            **documented(404, 409),
        },
    )
    async def complete(request: Request, wanted: Completing, key: Who) -> Response:
        """OpenAI's completions: each prompt has n choices, numbered prompt by prompt.

        A prompt is a text, which is tokenised alone, or token ids. What is not supported is refused (400).
        """
        front.check_model(wanted.model)
        wanted.check(front.settings)
        prompts = wanted.prompts
        vocabulary = int(front.pool.model["vocabulary"])
        for prompt in prompts:
            if not isinstance(prompt, str) and max(prompt) >= vocabulary:
                raise Refusal(f"prompt: token {max(prompt)}; the model has {vocabulary}", param="prompt")
        echoes = [str(prompt) if wanted.echo else "" for prompt in prompts for _ in range(wanted.choices)]
        replies = Replies(
            front, wanted, CompletionForm(wanted.logprobs, echoes), [[(None, prompt)] for prompt in prompts], None,
            wanted.ask(wanted.tokens, wanted.logprobs), wanted.opening(key, front.settings),
        )  # fmt: skip
        return await replies.respond(request)

    return routes
