"""The server's manners: ids, bounds, errors, readers who leave or are slow, and how it stops."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from contextlib import suppress

import anyio.to_thread
import httpx
import pytest
from fastapi.testclient import TestClient

from headrace.core.errors import ConfigError
from headrace.server.app import create_app
from headrace.server.errors import ErrorAnswer
from headrace.server.settings import Settings
from tests.server.fake import FakePool
from tests.server.serving import served

ENDLESS = {"prompt": "abc", "ignore_eos": True, "max_tokens": 100_000, "stream": True}


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(FakePool(), Settings(body=1000)))


def test_no_torch_is_loaded() -> None:
    code = "import sys; import headrace.server.app, headrace.server.run; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_an_id_is_echoed_or_given(client: TestClient) -> None:
    assert client.get("/health", headers={"x-request-id": "mine-7"}).headers["x-request-id"] == "mine-7"
    for bad in ("", "x" * 200, "a b"):
        given = client.get("/health", headers={"x-request-id": bad}).headers["x-request-id"]
        assert len(given) == 32
    assert client.get("/nowhere", headers={"x-request-id": "e"}).headers["x-request-id"] == "e"


def test_every_error_has_one_form(client: TestClient) -> None:
    def sent(body: object, **headers: str) -> httpx.Response:
        return client.post("/v1/completions", content=body, headers={"content-type": "application/json"} | headers)

    answers = [
        (client.get("/nowhere"), 404), (client.put("/v1/completions"), 405), (client.get("/v1/models/other"), 404),
        (sent(b"{"), 400), (sent(b"\xff\x00"), 400), (sent(b"[" * 900), 400), (sent(b"[]"), 400), (sent(b""), 400),
        (sent(b"x" * 1001), 413), (sent(iter([b"x" * 600] * 2)), 413),
        (sent(b'{"prompt": "a", "seed": 1' + b"0" * 900 + b"}"), 200),
        (sent(b'{"prompt": "a", "temperature": NaN}'), 400),
        (sent(b'{"prompt": "\\ud800"}'), 400), (sent(b'{"prompt": "a"}', **{"content-type": "text/plain"}), 400),
        (sent(b'{"prompt": "a\\u0000"}'), 200), (client.post("/v1/completions", data={"prompt": "a"}), 400),
    ]  # fmt: skip
    for number, (response, status) in enumerate(answers):
        assert response.status_code == status, (number, response.text)
        if status >= 400:
            error = ErrorAnswer.model_validate(response.json()).error
            assert error.message
            assert "\n" not in error.message


def test_what_nobody_foresaw_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    pool = FakePool()

    async def broken() -> None:
        raise ZeroDivisionError("a secret")

    pool.figures = broken
    response = TestClient(create_app(pool)).get("/metrics", headers={"x-request-id": "seven"})
    assert response.status_code == 500
    assert response.json()["error"]["type"] == "server_error"
    assert "secret" not in response.text
    assert "seven" in caplog.text


def test_models_version_health(client: TestClient) -> None:
    listed = client.get("/v1/models").json()
    assert [model["id"] for model in listed["data"]] == ["parrot"]
    assert client.get("/v1/models/parrot").json() == listed["data"][0]
    assert client.get("/version").json().keys() == {"version"}
    assert (client.get("/health").status_code, client.get("/health").content) == (200, b"")
    renamed = TestClient(create_app(FakePool(), Settings(model="ours")))
    assert renamed.get("/v1/models").json()["data"][0]["id"] == "ours"
    assert renamed.post("/v1/completions", json={"prompt": "a", "model": "parrot"}).json()["model"] == "ours"


def test_openapi_declares_every_answer(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/models", "/v1/models/{name}", "/health", "/metrics"):
        (operation,) = document["paths"][path].values()
        assert {"200", "400", "401", "413", "429", "500", "503"} <= set(operation["responses"]), path
        assert operation["summary"]
        for media, content in operation["responses"]["200"].get("content", {}).items():
            assert "$ref" in content["schema"] or not media.endswith("json"), path
    for name in ("Chat", "Completing"):
        schema = document["components"]["schemas"][name]
        assert schema["examples"]
        assert schema["additionalProperties"] is True
        response = client.post(
            {"Chat": "/v1/chat/completions", "Completing": "/v1/completions"}[name], json=schema["examples"][0]
        )
        assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/openapi.json", {"GET", "HEAD"}), ("/v1/models/a/b", {"GET"}), ("/v1/sessions", {"GET", "POST"})],
)
def test_a_method_that_is_not_there_is_told_which_are(client: TestClient, path: str, allowed: set[str]) -> None:
    response = client.put(path)
    assert (response.status_code, set(response.headers["allow"].split(", "))) == (405, allowed)


def test_no_request_needs_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        app = create_app(FakePool())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            for path in ("/v1/sessions", "/v1/completions", "/v1/chat/completions"):
                asked = {"prompt": "a", "messages": [{"role": "user", "content": "a"}]} if path[4] == "c" else {}
                assert (await client.post(path, json=asked)).status_code < 300
            assert (await client.get("/v1/sessions")).status_code == 200

    async def refused(*_: object, **__: object) -> None:
        raise AssertionError("a thread was asked for")

    monkeypatch.setattr(anyio.to_thread, "run_sync", refused)
    asyncio.run(body())


def test_large_bodies_are_bounded_together_and_small_ones_are_taken_all_the_same() -> None:
    bounds = Settings(body=300_000, snapshot=300_000, bodies=300_000, drain=0.1)
    padding = {"metadata": {"much": "x" * 250_000}}
    quick = {"prompt": "a", "temperature": 0}
    with served(FakePool(delay=0.002), bounds) as server:
        url = server.url + "/v1/completions"
        with httpx.stream("POST", url, json=ENDLESS | padding) as response:
            lines = response.iter_lines()
            next(lines)
            whole = json.dumps(quick | padding).encode()
            for content in (whole, iter([whole[:100_000], whole[100_000:]])):
                refused = httpx.post(url, content=content, headers={"content-type": "application/json"})
                assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
                assert "bodies" in refused.json()["error"]["message"]
            assert httpx.post(url, json=quick).status_code == 200
        assert server.until(lambda: not server.pool.live)
        for _ in range(3):
            assert httpx.post(url, json=quick | padding).status_code == 200


def test_a_body_that_may_be_sent_can_be_taken() -> None:
    with pytest.raises(ConfigError, match="bodies"):
        Settings(snapshot=2000, body=10, bodies=1000)


def test_a_stream_that_is_left_ends_the_work() -> None:
    with served(FakePool(delay=0.002)) as server:
        with httpx.stream("POST", server.url + "/v1/completions", json=ENDLESS) as response:
            lines = response.iter_lines()
            next(lines)
            assert len(server.pool.live) == 1
        assert server.until(lambda: not server.pool.live)
        assert 'why="gone"' in httpx.get(server.url + "/metrics").text


def test_a_whole_reply_that_nobody_waits_for_ends_the_work() -> None:
    with served(FakePool(delay=0.002)) as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(server.url + "/v1/completions", json=ENDLESS | {"stream": False}, timeout=0.2)
        assert server.until(lambda: not server.pool.live)


def test_a_slow_reader_is_cut_off_and_holds_up_nobody() -> None:
    body = json.dumps(ENDLESS).encode()
    head = b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    with served(FakePool(), Settings(backlog=64, drain=0.2)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect((host, int(port)))
            reader.sendall(head % len(body) + body)
            assert server.until(lambda: len(server.pool.live) == 1)
            quick = httpx.post(server.url + "/v1/completions", json={"prompt": "hello", "temperature": 0}, timeout=5)
            assert quick.json()["choices"][0]["text"] == "hello"
            assert server.until(lambda: not server.pool.live, 20)
            assert 'why="slow_reader"' in httpx.get(server.url + "/metrics").text
            reader.settimeout(5)
            with suppress(ConnectionError):
                while reader.recv(1 << 16):
                    pass


def test_a_request_that_does_not_come_is_not_waited_for() -> None:
    with served(FakePool(), Settings(arrive=0.2, drain=0.1)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        whole = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
        for before, begun in ((b"", b""), (b"", b"POST /v1/comp"), (whole, b"GET /he")):
            with socket.create_connection((host, int(port)), timeout=3) as quiet:
                if before:
                    quiet.sendall(before)
                    assert quiet.recv(1 << 16).startswith(b"HTTP/1.1 200")
                quiet.sendall(begun)
                with suppress(ConnectionError):
                    assert quiet.recv(1 << 16) == b""
        with socket.create_connection((host, int(port)), timeout=5) as half:
            half.sendall(b"POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{")
            assert half.recv(1 << 16).startswith(b"HTTP/1.1 408")


def test_garbage_and_floods_do_not_matter() -> None:
    with served(FakePool(), Settings(connections=5, arrive=5, drain=0.1)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        for garbage in (b"\x16\x03\x01" + bytes(200), b"GET / HTTP/9\r\n\r\n", b"A" * 100_000 + b"\r\n\r\n"):
            with socket.create_connection((host, int(port)), timeout=5) as one:
                one.sendall(garbage)
                assert one.recv(1 << 16).startswith(b"HTTP/1.1 4")
        flood = [socket.create_connection((host, int(port)), timeout=5) for _ in range(20)]
        time.sleep(0.2)
        for one in flood:
            one.close()
        assert server.until(lambda: httpx_ok(server.url))


def httpx_ok(url: str) -> bool:
    """Whether a connection is taken at all; the answer is not waited for, this runs on the server's loop."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=1):
        return True


def test_it_drains() -> None:
    with served(FakePool(delay=0.01), Settings(drain=5)) as server:
        body = {"prompt": "x" * 60, "stream": True, "temperature": 0, "max_tokens": 1000}
        with httpx.stream("POST", server.url + "/v1/completions", json=body) as response:
            lines = response.iter_lines()
            next(lines)
            server.stop()
            assert server.until(lambda: server.pool.draining)
            health = httpx.get(server.url + "/health")
            assert (health.status_code, health.headers["retry-after"]) == (503, "1")
            assert httpx.post(server.url + "/v1/completions", json=body).status_code == 503
            rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"] == "stop"
        server.thread.join(10)
        assert not server.thread.is_alive()
    assert server.pool.closed


def test_what_does_not_end_in_time_is_cut_off() -> None:
    with served(FakePool(delay=0.01), Settings(drain=0.1)) as server:
        with httpx.stream("POST", server.url + "/v1/completions", json=ENDLESS) as response:
            lines = response.iter_lines()
            next(lines)
            server.stop()
            rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert json.loads(rest[-2].removeprefix("data: "))["choices"][0]["finish_reason"] == "abort"
        server.thread.join(10)
        assert not server.thread.is_alive()
