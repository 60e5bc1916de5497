"""Who may come in, and how much each may have."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from headrace.core.errors import ConfigError, InputError
from headrace.server.app import create_app
from headrace.server.errors import Refusal
from headrace.server.keys import ANYONE, Keys, bearer, load_keys
from headrace.server.limits import Shares
from headrace.server.settings import Settings
from tests.server.fake import FakePool
from tests.server.serving import served

SECRET = "s3cret-of-ann"


def test_only_known_keys_come_in() -> None:
    pool = FakePool()
    client = TestClient(create_app(pool, keys=Keys([SECRET + " name=ann"])))
    body = {"prompt": "a"}
    assert client.post("/v1/completions", json=body).status_code == 401
    assert client.get("/metrics").status_code == 401
    for wrong in ("Bearer nonsense", "Bearer", f"Basic {SECRET}", f"Bearer {SECRET}x", "Bearer \xff"):
        response = client.post("/v1/completions", json=body, headers={"authorization": wrong.encode("latin-1")})
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["error"]["code"] == "invalid_api_key"
    right = {"authorization": f"Bearer {SECRET}"}
    assert client.post("/v1/completions", json=body | {"user": "someone"}, headers=right).status_code == 200
    assert pool.opened[-1].program == "ann"
    assert client.get("/health").status_code == 200


def test_a_body_is_not_read_before_the_key_is_known() -> None:
    client = TestClient(create_app(FakePool(), Settings(body=10), Keys([SECRET])))
    assert client.post("/v1/completions", content=b"x" * 100).status_code == 401


def test_nothing_of_a_key_is_held() -> None:
    keys = Keys([SECRET])
    assert SECRET not in repr(vars(keys))
    assert SECRET not in keys.find(SECRET).name
    assert keys.find("another-key") is None
    assert keys.find(None) is None
    assert Keys().find(None) is ANYONE


def test_files_and_environment(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# ours\n\n{SECRET} name=ann sessions=2 requests=3\nanother-key\n")
    ann = load_keys(path).find(SECRET)
    assert (ann.name, ann.sessions, ann.requests) == ("ann", 2, 3)
    assert load_keys(path).find("another-key").name.startswith("key-")
    assert load_keys(None, "first-key-1, second-key").find("second-key") is not None
    assert not load_keys(None, "").wanted
    assert not load_keys(None, None).wanted


@pytest.mark.parametrize("line", ["short", "x" * 600, f"{SECRET} sessions=0", f"{SECRET} color=red", "sch\u00fcssel1"])
def test_a_bad_line_is_named_without_its_key(tmp_path: Path, line: str) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# ours\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="line 2") as caught:
        load_keys(path)
    assert line.split()[0] not in str(caught.value)


def test_files_that_are_no_use(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    with pytest.raises(ConfigError, match="no API key"):
        load_keys(empty)
    with pytest.raises(InputError, match="No such file"):
        load_keys(tmp_path / "absent")
    with pytest.raises(ConfigError, match="twice"):
        Keys([SECRET, SECRET])


def test_shares_are_given_back() -> None:
    shares, key = Shares(Settings(requests=1, sessions=1)), ANYONE
    with shares.request(key):
        with pytest.raises(Refusal, match="1 requests at a time") as caught, shares.request(key):
            pass
        assert (caught.value.status, caught.value.retry_after) == (429, 1)
    with shares.request(key):
        assert shares.requests == 1
    shares.open_session(key)
    with pytest.raises(Refusal, match="live sessions"):
        shares.open_session(key)
    shares.close_session(key)
    shares.open_session(key)
    assert shares.requests == 0


def test_one_key_cannot_take_all() -> None:
    """A key at its bound is refused; another is served meanwhile, and health too."""
    keys = Keys([f"{SECRET} name=ann requests=1", "key-of-bert name=bert"])
    body = {"prompt": "abc", "ignore_eos": True, "max_tokens": 10_000, "stream": True}
    with served(FakePool(delay=0.005), keys=keys) as server:
        url, ann, bert = (
            server.url + "/v1/completions",
            *({"authorization": f"Bearer {k}"} for k in (SECRET, "key-of-bert")),
        )
        with httpx.stream("POST", url, json=body, headers=ann) as first:
            lines = first.iter_lines()
            next(lines)
            assert httpx.post(url, json=body, headers=ann).status_code == 429
            assert httpx.post(url, json={"prompt": "a"}, headers=bert).status_code == 200
            assert httpx.get(server.url + "/health").status_code == 200
        assert server.until(lambda: not server.pool.live)
        assert httpx.post(url, json={"prompt": "a"}, headers=ann).status_code == 200


@pytest.mark.parametrize(
    ("header", "secret"), [("Bearer x", "x"), ("bearer  x ", "x"), ("Bearer", None), ("Basic x", None), (None, None)]
)
def test_bearer(header: str | None, secret: str | None) -> None:
    assert bearer(header) == secret


def test_the_pool_is_not_closed_by_the_application() -> None:
    pool = FakePool()
    with TestClient(create_app(pool)) as client:
        client.get("/health")
    assert not pool.closed
    asyncio.run(pool.close())
