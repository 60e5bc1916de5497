"""Locust's users: one chats and reads the stream, one completes, one keeps a live session.

locust -f benchmarks/clients/locustfile.py --headless --users 8 --spawn-rate 4 --run-time 30s --host URL
"""

from __future__ import annotations

import json
import random
import time
from typing import Any

from locust import HttpUser, between, task

WORDS = ["river", "mill", "water", "wheel", "stone", "gate", "weir", "bridge"]


def text() -> str:
    return " ".join(random.choices(WORDS, k=6))


class Streams(HttpUser):
    """A chat whose stream is read to the end; the time to the first token is an entry of its own."""

    wait_time = between(0.1, 0.5)

    @task
    def chat(self) -> None:
        body = {"messages": [{"role": "user", "content": text()}], "max_tokens": 16, "stream": True}
        begun, first, chunks = time.perf_counter(), 0.0, 0
        with self.client.post("/v1/chat/completions", json=body, stream=True, catch_response=True) as response:
            for line in response.iter_lines():
                if not line.startswith(b"data: {"):
                    continue
                first = first or time.perf_counter() - begun
                chunks += bool(json.loads(line[6:])["choices"][0]["delta"].get("content"))
            if not chunks:
                response.failure("the stream had no content")
        self.environment.events.request.fire(
            request_type="TTFT", name="/v1/chat/completions", response_time=1e3 * first, response_length=0,
            exception=None, context={},
        )  # fmt: skip


class Completes(HttpUser):
    """Completions, whole."""

    wait_time = between(0.1, 0.5)

    @task
    def complete(self) -> None:
        body = {"prompt": text(), "max_tokens": 16, "ignore_eos": True}
        with self.client.post("/v1/completions", json=body, catch_response=True) as response:
            if response.ok and response.json()["usage"]["completion_tokens"] != 16:
                response.failure("it did not say 16 tokens")


class Lives(HttpUser):
    """A live session: opened, pushed to again and again, listened to, forked, closed."""

    wait_time = between(0.1, 0.5)
    path = ""

    def on_start(self) -> None:
        found = self.client.post("/v1/sessions", json={"budget": 256}).json()
        self.path, self.seen = f"/v1/sessions/{found['id']}", 0

    def on_stop(self) -> None:
        self.client.delete(self.path, name="/v1/sessions/{id}")

    @task(4)
    def talk(self) -> None:
        body = {"text": " " + text(), "reply": {"max_tokens": 12, "ignore_end": True}}
        self.client.post(f"{self.path}/push", json=body, name="/v1/sessions/{id}/push")
        path, name = f"{self.path}/events?after={self.seen}", "/v1/sessions/{id}/events"
        with self.client.get(path, stream=True, catch_response=True, name=name) as response:
            for line in response.iter_lines():
                if not line.startswith(b"data: "):
                    continue
                emission: dict[str, Any] = json.loads(line[6:])
                if emission["number"] != self.seen + 1:
                    response.failure(f"emission {emission['number']} came behind {self.seen}")
                self.seen = emission["number"]
                if emission["kind"] == "reply":
                    break

    @task(1)
    def fork(self) -> None:
        found = self.client.post(f"{self.path}/fork", json={}, name="/v1/sessions/{id}/fork").json()
        self.client.delete(f"/v1/sessions/{found['id']}", name="/v1/sessions/{id}")
