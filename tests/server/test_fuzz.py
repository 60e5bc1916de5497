"""The whole OpenAPI, fuzzed from its own schema: nothing that comes in is answered by a 5xx, or as was not declared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from headrace.server.keys import Keys
from headrace.server.settings import Settings
from tests.server.fake import FakePool
from tests.server.serving import served

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis, which the extra dev brings")
KEY = "a-key-of-this-test"


@pytest.fixture(scope="module")
def api() -> Iterator[Any]:
    """The schema of a server that wants a key, over a parrot."""
    bounds = Settings(tokens=64, choices=4, silent=0.2)
    with served(FakePool(), bounds, Keys([KEY])) as running:
        yield schemathesis.openapi.from_url(f"{running.url}/openapi.json")


@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_every_answer_is_declared(api: Any, mode: str) -> None:
    found, tried = schemathesis.checks, 0
    checks = [
        found.not_a_server_error, found.status_code_conformance, found.content_type_conformance,
        found.response_schema_conformance,
    ]  # fmt: skip

    def fuzz(operation: Any) -> None:
        kind = schemathesis.GenerationMode[mode]

        @seed(6)
        @settings(
            max_examples=10, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=kind))
        def sent(case: Any) -> None:
            nonlocal tried
            tried += 1
            response = case.call(headers={"authorization": f"Bearer {KEY}"}, timeout=20)
            case.validate_response(response, checks=checks)

        sent()

    for operation in api.get_all_operations():
        with suppress(Unsatisfiable):  # nothing can be wrong with a request that has no parameters
            fuzz(operation.ok())
    assert tried > 80


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/v1/sessions", "GET, POST"), ("/v1/sessions/0", "DELETE, GET"), ("/v1/completions", "POST")],
)
def test_a_method_that_is_not_there_is_told_which_are(api: Any, path: str, allowed: str) -> None:
    request = Request(
        api.get_base_url().rstrip("/") + path, headers={"authorization": f"Bearer {KEY}"}, method="OPTIONS"
    )
    with pytest.raises(HTTPError) as refused:
        urlopen(request)
    assert (refused.value.code, refused.value.headers["allow"]) == (405, allowed)
