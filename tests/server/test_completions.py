"""Completions against a parrot."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from headrace.server.app import create_app
from headrace.server.openai.answers import Completion
from headrace.server.settings import Settings
from tests.server.fake import FakePool
from tests.server.test_chat import frames

PATH = "/v1/completions"


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(FakePool(), Settings(prompts=4, choices=6)))


def texts(client: TestClient, prompt: object, **more: object) -> list[str]:
    response = client.post(PATH, json={"prompt": prompt, "temperature": 0} | more)
    assert response.status_code == 200, response.text
    answer = Completion.model_validate(response.json())
    assert [choice.index for choice in answer.choices] == list(range(len(answer.choices)))
    return [choice.text for choice in answer.choices]


def test_every_form_of_a_prompt(client: TestClient) -> None:
    ids = [list(map(ord, text)) for text in ("one", "two")]
    assert texts(client, "one") == texts(client, ids[0]) == ["one"]
    assert texts(client, ["one", "two"]) == texts(client, ids) == ["one", "two"]
    assert texts(client, ["one", "two"], n=2) == ["one", "one", "two", "two"]


def test_echo(client: TestClient) -> None:
    assert texts(client, ["ab", "c"], echo=True) == ["abab", "cc"]
    chunks = frames(client.post(PATH, json={"prompt": "ab", "echo": True, "stream": True, "temperature": 0}).text)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == "abab"
    assert {chunk["object"] for chunk in chunks} == {"text_completion"}


def test_usage_counts_every_prompt_once(client: TestClient) -> None:
    usage = client.post(PATH, json={"prompt": ["abc", "de"], "n": 2, "temperature": 0}).json()["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (5, 2 * (4 + 3))


def test_sixteen_tokens_unless_told(client: TestClient) -> None:
    assert texts(client, "abc", ignore_eos=True) == ["abcabcabcabcabca"]


def test_logprobs(client: TestClient) -> None:
    body = {"prompt": "xyz", "logprobs": 2, "temperature": 0}
    whole = client.post(PATH, json=body).json()["choices"][0]["logprobs"]
    assert whole["tokens"] == ["x", "y", "z"]
    assert whole["text_offset"] == [0, 1, 2]
    assert [set(top) for top in whole["top_logprobs"]] == [{"x", "a"}, {"y", "a"}, {"z", "a"}]
    parts = [chunk["choices"][0]["logprobs"] for chunk in frames(client.post(PATH, json=body | {"stream": True}).text)]
    assert [one for part in parts if part for one in part["tokens"]] == ["x", "y", "z"]
    assert [one for part in parts if part for one in part["text_offset"]] == [0, 1, 2]
    bare = client.post(PATH, json=body | {"logprobs": 0}).json()["choices"][0]["logprobs"]
    assert bare["top_logprobs"][0].keys() == {"x"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"prompt": ""}, "prompt"), ({"prompt": []}, "prompt"), ({"prompt": ["a", ""]}, "prompt"),
        ({"prompt": [[1], []]}, "prompt"), ({"prompt": [0x110000]}, "prompt"), ({"prompt": [-1]}, "prompt"),
        ({"prompt": ["a"] * 5}, "prompt"), ({"prompt": ["a"] * 4, "n": 2}, "n"),
        ({"prompt": [1], "echo": True}, "echo"), ({"prompt": "a", "echo": True, "logprobs": 1}, "echo"),
        ({"prompt": "a", "suffix": "b"}, "suffix"), ({"prompt": "a", "logprobs": 99}, "logprobs"),
        ({"prompt": "a", "best_of": 2}, "best_of"), ({}, "prompt"), ({"prompt": {"a": 1}}, "prompt"),
    ],
)  # fmt: skip
def test_refusals_name_the_field(client: TestClient, body: dict[str, object], param: str) -> None:
    response = client.post(PATH, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param


def test_all_replies_of_a_request_are_bounded_together() -> None:
    client = TestClient(create_app(FakePool(), Settings(tokens=100, together=120)))
    chat = {"messages": [{"role": "user", "content": "a"}]}
    for path, body, param in (
        (PATH, {"prompt": "a", "n": 2, "max_tokens": 61}, "max_tokens"),
        (PATH, {"prompt": ["a", "b"], "n": 2, "max_tokens": 31}, "max_tokens"),
        ("/v1/chat/completions", {**chat, "n": 2, "max_tokens": 61}, "max_tokens"),
        ("/v1/chat/completions", {**chat, "n": 2, "max_completion_tokens": 61}, "max_completion_tokens"),
        ("/v1/chat/completions", chat, "max_tokens"),
    ):
        refused = client.post(path, json=body)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
        assert "120 in all" in refused.json()["error"]["message"]
    for path, body in ((PATH, {"prompt": ["a", "b"], "n": 2, "max_tokens": 30}),
                       ("/v1/chat/completions", {**chat, "n": 2, "max_tokens": 60})):  # fmt: skip
        assert client.post(path, json=body).status_code == 200
