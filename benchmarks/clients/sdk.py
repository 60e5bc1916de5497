"""OpenAI's own client, unmodified: what it can do with a server, as lines of JSON.

python benchmarks/clients/sdk.py URL MODEL
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import openai

MESSAGES = [{"role": "user", "content": "Tell me about the river."}]


class Sdk:
    """One client of one server."""

    def __init__(self, url: str, model: str) -> None:
        self.url, self.model = url, model
        self.client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)

    def chat(self) -> str:
        reply = self.client.chat.completions.create(model=self.model, messages=MESSAGES, max_tokens=12, temperature=0)
        assert reply.choices[0].message.content
        assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
        return f"{reply.usage.completion_tokens} tokens"

    def stream(self) -> str:
        plain = self.client.chat.completions.create(model=self.model, messages=MESSAGES, max_tokens=12, temperature=0)
        chunks = list(
            self.client.chat.completions.create(
                model=self.model, messages=MESSAGES, max_tokens=12, temperature=0, stream=True,
                stream_options={"include_usage": True},
            )
        )  # fmt: skip
        said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert said == plain.choices[0].message.content
        assert chunks[-1].usage == plain.usage or chunks[-1].usage.completion_tokens == plain.usage.completion_tokens
        return f"{len(chunks)} chunks, the same text as whole, usage last"

    def close(self) -> str:
        before = self._gauge("vllm:num_requests_running")
        stream = self.client.completions.create(
            model=self.model, prompt="The river", max_tokens=50_000, stream=True, extra_body={"ignore_eos": True}
        )
        for _ in zip(range(5), stream, strict=False):
            pass
        said = self._gauge("vllm:generation_tokens_total")
        stream.close()
        for _ in range(200):
            if self._gauge("vllm:num_requests_running") <= before and not self._gauge("headrace:sessions"):
                break
            time.sleep(0.02)
        at = self._gauge("vllm:generation_tokens_total")
        time.sleep(0.5)
        assert self._gauge("vllm:generation_tokens_total") == at, "it goes on speaking to nobody"
        return f"aborted, {at - said:.0f} tokens between the last look and the end"

    def logprobs_and_n(self) -> str:
        reply = self.client.chat.completions.create(
            model=self.model, messages=MESSAGES, max_tokens=6, temperature=1, seed=3, n=3, logprobs=True, top_logprobs=2
        )
        assert [choice.index for choice in reply.choices] == [0, 1, 2]
        for choice in reply.choices:
            assert all(len(one.top_logprobs) == 2 and one.logprob <= 0 for one in choice.logprobs.content)
        return f"{len({choice.message.content for choice in reply.choices})} of 3 choices differ"

    def completions(self) -> str:
        reply = self.client.completions.create(
            model=self.model, prompt=["The river", "The mill"], max_tokens=6, temperature=0, logprobs=1, echo=False
        )
        assert [choice.index for choice in reply.choices] == [0, 1]
        return f"{len(reply.choices)} prompts"

    def models(self) -> str:
        return ", ".join(model.id for model in self.client.models.list())

    def errors(self) -> str:
        for wrong, error in (({"max_tokens": 0}, openai.BadRequestError), ({"model": "none"}, openai.NotFoundError)):
            try:
                self.client.chat.completions.create(**{"model": self.model, "messages": MESSAGES, **wrong})
            except error:
                continue
            raise AssertionError(f"{wrong} was taken")
        return "400 and 404 are its own exceptions"

    def realtime(self) -> str:
        return asyncio.run(self._realtime())

    async def _realtime(self) -> str:
        client = openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key="none")
        async with client, client.realtime.connect(model=self.model) as connection:
            item: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "The river"}]}
            await connection.conversation.item.create(item=item)
            await connection.response.create(response={"max_output_tokens": 400})
            heard, late, cut = "", 0, False
            async for event in connection:
                if event.type == "response.output_text.delta":
                    heard += event.delta
                    late += cut
                    if len(heard) > 20 and not cut:
                        cut = True
                        await connection.response.cancel()
                if event.type == "response.done":
                    assert event.response.status == "cancelled", event.response.status
                    assert event.response.output[0].content[0].text == heard
                    break
                assert event.type != "error", event
        return f"cancelled; {late} deltas were under way; the item is what was sent"

    def _gauge(self, name: str) -> float:
        with urllib.request.urlopen(f"{self.url}/metrics") as response:
            lines = response.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + "{", name + " ")))


def main(url: str, model: str) -> None:
    sdk = Sdk(url, model)
    tried: list[Callable[[], str]] = [
        sdk.models, sdk.chat, sdk.stream, sdk.completions, sdk.logprobs_and_n, sdk.close, sdk.errors, sdk.realtime,
    ]  # fmt: skip
    for one in tried:
        try:
            told = {"ok": True, "said": one()}
        except Exception as error:
            told = {"ok": False, "said": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps({"what": one.__name__, **told}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
