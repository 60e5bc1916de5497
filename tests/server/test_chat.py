"""Chat completions against a parrot, whose replies are known to the letter."""

from __future__ import annotations

import asyncio
import json

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from headrace.engine.request import NEVER, Slo
from headrace.server.app import create_app
from headrace.server.openai.answers import ChatCompletion
from headrace.server.settings import Settings
from tests.server.fake import FakePool

PATH = "/v1/chat/completions"


def chat(text: str = "hello", **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}], "temperature": 0} | more


@pytest.fixture
def pool() -> FakePool:
    return FakePool()


@pytest.fixture
def client(pool: FakePool) -> TestClient:
    return TestClient(create_app(pool))


def frames(text: str) -> list[dict]:
    """The JSON of every event of a stream, which must end with [DONE]."""
    events = [event.removeprefix("data: ") for event in text.split("\n\n") if event and not event.startswith(":")]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


def refused(client: TestClient, status: int = 400, **body: object) -> dict:
    response = client.post(PATH, json=chat() | body)
    assert response.status_code == status, response.text
    return response.json()["error"]


def test_a_whole_reply(client: TestClient, pool: FakePool) -> None:
    response = client.post(PATH, json=chat("hello"))
    answer = ChatCompletion.model_validate(response.json())
    assert answer.choices[0].message.content == "hello"
    assert answer.choices[0].finish_reason == "stop"
    prompt = len("<user>hello<assistant>")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (prompt, 6)
    assert answer.usage.total_tokens == prompt + 6
    assert not pool.live, "its session was not closed"


def test_a_stream_says_the_same_as_the_whole(client: TestClient) -> None:
    chunks = frames(client.post(PATH, json=chat("hello", stream=True)).text)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == "hello"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * 6 + ["stop"]
    assert len({chunk["id"] for chunk in chunks}) == 1
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert set(chunks[-1]["metrics"]) == {"queue_time_ms", "time_to_first_token_ms"}


def test_usage_comes_last_or_with_every_chunk(client: TestClient) -> None:
    options = {"include_usage": True}
    last = frames(client.post(PATH, json=chat(stream=True, stream_options=options)).text)[-1]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 6
    options["continuous_usage_stats"] = True
    chunks = frames(client.post(PATH, json=chat(stream=True, stream_options=options)).text)
    said = [chunk["usage"]["completion_tokens"] for chunk in chunks]
    assert said == sorted(said)
    assert (said[0], said[-1]) == (1, 6)


def test_a_stop_string_is_not_part_of_the_reply(client: TestClient) -> None:
    for stop in ("lo", ["zz", "lo"]):
        answer = client.post(PATH, json=chat("hello", stop=stop)).json()["choices"][0]
        assert (answer["message"]["content"], answer["finish_reason"]) == ("hel", "stop")
        streamed = frames(client.post(PATH, json=chat("hello", stop=stop, stream=True)).text)
        assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in streamed) == "hel"


def test_lengths(client: TestClient) -> None:
    def said(**options: object) -> tuple[str, str]:
        choice = client.post(PATH, json=chat("abc", **options)).json()["choices"][0]
        return choice["message"]["content"], choice["finish_reason"]

    assert said(max_tokens=2) == ("ab", "length")
    assert said(max_tokens=1, max_completion_tokens=2) == ("ab", "length")
    assert said(ignore_eos=True, max_tokens=7) == ("abcabca", "length")
    assert said(min_tokens=5) == ("abcab", "stop")


def test_choices_share_one_reading_and_have_seeds_of_their_own(client: TestClient, pool: FakePool) -> None:
    body = chat("hello", n=3, seed=5, temperature=1)
    answer = client.post(PATH, json=body).json()
    first = [choice["message"]["content"] for choice in answer["choices"]]
    alone = [client.post(PATH, json=chat("hello", seed=5 + i, temperature=1)).json() for i in range(3)]
    assert first == [one["choices"][0]["message"]["content"] for one in alone]
    assert len(set(first)) == 3
    assert answer["usage"]["prompt_tokens"] == len("<user>hello<assistant>")
    assert answer["usage"]["completion_tokens"] == 18
    streamed = frames(client.post(PATH, json=body | {"stream": True}).text)
    texts = ["", "", ""]
    for chunk in streamed:
        texts[chunk["choices"][0]["index"]] += chunk["choices"][0]["delta"].get("content", "")
    assert texts == first
    assert not pool.live


def test_logprobs(client: TestClient) -> None:
    content = client.post(PATH, json=chat("hé", logprobs=True, top_logprobs=2)).json()["choices"][0]["logprobs"][
        "content"
    ]
    assert [one["token"] for one in content] == ["h", "é"]
    assert content[1]["bytes"] == list("é".encode())
    assert [len(one["top_logprobs"]) for one in content] == [2, 2]
    assert content[0]["top_logprobs"][0]["logprob"] == content[0]["logprob"] < 0
    bare = client.post(PATH, json=chat("hé", logprobs=True)).json()["choices"][0]["logprobs"]["content"]
    assert [one["top_logprobs"] for one in bare] == [[], []]
    assert client.post(PATH, json=chat("hé")).json()["choices"][0]["logprobs"] is None
    assert refused(client, top_logprobs=2)["param"] == "top_logprobs"


def test_a_prompt_that_was_read_before_is_told(client: TestClient) -> None:
    text = "a long beginning that two share"
    client.post(PATH, json=chat(text + " one"))
    usage = client.post(PATH, json=chat(text + " two")).json()["usage"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 32
    salted = client.post(PATH, json=chat(text + " two", cache_salt="mine")).json()["usage"]
    assert salted["prompt_tokens_details"]["cached_tokens"] == 0


def test_contents_and_roles(client: TestClient) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    messages = [{"role": "developer", "content": "s"}, {"role": "user", "content": parts, "name": "ann"}]
    assert client.post(PATH, json=chat(messages=messages)).json()["choices"][0]["message"]["content"] == "ab"
    image = [{"type": "image_url", "image_url": {"url": "data:"}}]
    error = refused(client, messages=[{"role": "user", "content": image}])
    assert (error["param"], error["code"]) == ("messages", "unsupported_content")
    assert "image_url" in error["message"]
    assert "role 'tool'" in refused(client, messages=[{"role": "tool", "content": "x"}])["message"]
    calls = [{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}]
    assert "tool_calls" in refused(client, messages=calls)["message"]


def test_a_model_without_a_template_says_so() -> None:
    client = TestClient(create_app(FakePool(roles=())))
    assert refused(client)["code"] == "no_template"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("presence_penalty", 0.5), ("frequency_penalty", 1),
        ("logit_bias", {"5": 1}), ("tools", [{"type": "function"}]),
        ("tool_choice", "required"), ("response_format", {"type": "json_object"}), ("reasoning_effort", "low"),
        ("audio", {}), ("structured_outputs", {"regex": "a"}), ("stop_token_ids", [1]), ("best_of", True),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(client: TestClient, name: str, value: object) -> None:
    error = refused(client, **{name: value})
    assert (error["param"], error["type"], error["code"]) == (name, "invalid_request_error", "unsupported")


@pytest.mark.parametrize("text", ["\ud800", "ok \udfff"])
def test_half_a_character_is_refused_before_the_engine_sees_it(client: TestClient, pool: FakePool, text: str) -> None:
    for body in (
        chat(text),
        chat(stop=text),
        chat(messages=[{"role": "user", "content": [{"type": "text", "text": text}]}]),
    ):
        response = client.post(PATH, content=json.dumps(body), headers={"content-type": "application/json"})
        assert response.status_code == 400
        assert "half a character" in response.json()["error"]["message"]
    assert not pool.opened


def test_neutral_and_unknown_fields_are_fine(client: TestClient) -> None:
    neutral = {"presence_penalty": 0, "tools": [], "logit_bias": {}, "response_format": {"type": "text"}, "what": [1]}
    assert client.post(PATH, json=chat(**neutral)).status_code == 200


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("n", 0), ("n", 10**6), ("max_tokens", 0), ("max_tokens", 10**9), ("max_tokens", "5"), ("temperature", -1),
        ("temperature", 1e-9), ("top_p", 0), ("stop", [""]), ("stop", ["x"] * 99), ("seed", "a"), ("messages", []),
        ("stream_options", {"include_usage": True}), ("min_tokens", 5000), ("headrace", {"deadline_ms": {"every": 5}}),
        ("headrace", {"nonsense": 1}), ("top_logprobs", 21), ("priority", 0.5), ("model", 3),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused_by_name(client: TestClient, param: str, value: object) -> None:
    error = refused(client, **{param: value})
    assert error["param"] in (param, "deadline_ms")
    assert "\n" not in error["message"]


def test_another_model_is_not_found(client: TestClient) -> None:
    assert refused(client, 404, model="gpt-4")["code"] == "model_not_found"
    assert client.post(PATH, json=chat(model="parrot")).status_code == 200


def test_options_reach_the_engine(client: TestClient, pool: FakePool) -> None:
    ours = {"deadline_ms": {"first": 500, "every": 20.5}, "budget": 64}
    client.post(PATH, json=chat(headrace=ours, priority=-2, user="ann", seed=-1, top_k=-1, min_p=0.1))
    opening = pool.opened[-1]
    assert opening.slo == Slo(500_000_000, 20_500_000, NEVER)
    assert (opening.budget, opening.value, opening.program) == (64, 4.0, "ann")
    assert opening.sampling == {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "min_p": 0.1, "repetition_penalty": 1.0}
    assert opening.seed >= 0
    client.post(PATH, json={"messages": [{"role": "user", "content": "x"}]})
    assert pool.opened[-1].sampling["temperature"] == 1.0
    assert pool.opened[-1].slo == Slo()


def test_no_room_is_told_and_may_be_asked_again() -> None:
    client = TestClient(create_app(FakePool(most=0)))
    response = client.post(PATH, json=chat())
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"
    assert response.json()["error"]["type"] == "rate_limit_error"


def test_a_reply_that_fails_is_an_error_whole_or_streamed(client: TestClient, pool: FakePool) -> None:
    error = refused(client, 500, messages=[{"role": "user", "content": "\u0001fail"}])
    assert "NaN" in error["message"]
    text = client.post(PATH, json=chat("\u0001fail", stream=True)).text
    assert json.loads(text.strip().split("\n\n")[-1].removeprefix("data: "))["error"]["code"] == "reply_failed"
    assert not pool.live


def test_a_comment_is_sent_while_there_is_nothing_to_say() -> None:
    client = TestClient(create_app(FakePool(delay=0.05), Settings(silent=0.01)))
    assert ": keep-alive\n\n" in client.post(PATH, json=chat("ab", stream=True)).text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("messages", "model", "max_tokens", "stop", "n", "stream", "stream_options", "temperature", "top_p", "top_k",
          "seed", "logprobs", "top_logprobs", "priority", "user", "headrace", "tools", "min_tokens")  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3))
def test_no_body_brings_the_server_down(body: dict[str, object]) -> None:
    """Whatever is sent is answered, and never by a status of 500 or more."""
    pool = FakePool()
    client = TestClient(create_app(pool, Settings(choices=4, tokens=64)), raise_server_exceptions=True)
    sent = json.dumps(chat(max_tokens=4) | body)
    response = client.post(PATH, content=sent, headers={"content-type": "application/json"})
    assert response.status_code < 500
    assert not pool.live


def test_sessions_are_closed_when_opening_fails_midway(client: TestClient) -> None:
    pool = FakePool(most=2)
    response = TestClient(create_app(pool)).post(PATH, json=chat(n=3))
    assert response.status_code == 429
    assert not pool.live
    assert asyncio.run(pool.figures())["gauges"]["sessions"][0]["value"] == 0
