"""OpenAI's own client, unmodified."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.fake import FakePool
from tests.server.serving import Served, served

openai = pytest.importorskip("openai", reason="needs openai, which the extra dev brings")

MESSAGES = [{"role": "user", "content": "hello you"}]


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(FakePool(delay=0.001)) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0) as made:
        yield made


def test_chat(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="parrot", messages=MESSAGES, temperature=0, n=2, logprobs=True, top_logprobs=2, max_completion_tokens=5
    )
    assert [choice.message.content for choice in reply.choices] == ["hello"] * 2
    assert [choice.finish_reason for choice in reply.choices] == ["length"] * 2
    assert reply.usage.completion_tokens == 10
    assert [one.token for one in reply.choices[0].logprobs.content] == list("hello")
    assert len(reply.choices[0].logprobs.content[0].top_logprobs) == 2


def test_stream_with_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="parrot", messages=MESSAGES, temperature=0, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]) == "hello you"
    assert chunks[-1].usage.prompt_tokens == len("<user>hello you<assistant>")


def test_closing_a_stream_ends_the_work(client: openai.OpenAI, server: Served) -> None:
    stream = client.chat.completions.create(
        model="parrot", messages=MESSAGES, stream=True, max_tokens=100_000, extra_body={"ignore_eos": True}
    )
    for _ in zip(range(5), stream, strict=False):
        pass
    assert server.pool.live
    stream.close()
    assert server.until(lambda: not server.pool.live)


def test_completions_and_models(client: openai.OpenAI) -> None:
    reply = client.completions.create(model="parrot", prompt=["ab", "c"], temperature=0, logprobs=1, stop="b")
    assert [choice.text for choice in reply.choices] == ["a", "c"]
    assert reply.choices[1].logprobs.tokens == ["c"]
    assert [model.id for model in client.models.list()] == ["parrot"]
    assert client.models.retrieve("parrot").owned_by == "headrace"


def test_errors_are_its_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="parrot", messages=MESSAGES, presence_penalty=1)
    assert (refused.value.param, refused.value.code) == ("presence_penalty", "unsupported")
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="another", messages=MESSAGES)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")


def test_our_own_fields_travel_in_extra_body(client: openai.OpenAI, server: Served) -> None:
    extra = {"headrace": {"deadline_ms": {"first": 100}}, "priority": -1}
    client.chat.completions.create(model="parrot", messages=MESSAGES, extra_body=extra)
    assert server.pool.opened[-1].slo.first == 100_000_000
    assert server.pool.opened[-1].value == 2
