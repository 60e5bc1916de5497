"""Live and realtime sessions over a real model: barge-in leaves the state it should, and a killed server goes on."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from headrace.client import Client
from headrace.engine.pool import start
from headrace.engine.spec import Spec
from headrace.server.app import create_app
from tests.server.test_realtime import Line

MODEL = "zoo:tiny-llama"
SERVER = f"""
import asyncio, sys
from headrace.engine.pool import start
from headrace.engine.spec import Spec
from headrace.server.keys import Keys
from headrace.server.run import address, bind, run
from headrace.server.settings import Settings

async def main(folder, port):
    pool = await start(Spec({MODEL!r}, folder=folder))
    listener = bind("127.0.0.1", port)
    await run(pool, Settings(folder=folder), Keys(), listener, ready=lambda: print(address(listener), flush=True))

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


class Pooled:
    """A real pool that is started in the loop of the application."""

    def __init__(self) -> None:
        self.pool: Any = None

    def __getattr__(self, name: str) -> Any:
        if self.__dict__["pool"] is None and name == "model":
            return {"name": MODEL, "roles": ()}
        return getattr(self.__dict__["pool"], name)


def test_barge_in_leaves_the_state_of_the_conversation_as_it_was_heard() -> None:
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("needs transformers")
    held = Pooled()
    with TestClient(create_app(held)) as client:
        held.pool = client.portal.call(lambda: start(Spec(MODEL), 1, "thread"))

        def talk(cut: bool, *items: tuple[str, str]) -> tuple[str, str]:
            with client.websocket_connect("/v1/realtime") as ws:
                one = Line(ws)
                one.get()
                for role, text in items:
                    one.item(text, role)
                heard = ""
                if cut:
                    one.send("response.create")
                    for _ in range(20):
                        heard += one.until("response.output_text.delta")[-1]["delta"]
                    stop = {"role": "user", "content": [{"type": "input_text", "text": " Stop."}]}
                    one.send("conversation.item.create", item=stop)
                    done = one.until("response.done")[-1]["response"]
                    assert done["status"] == "cancelled"
                    heard = done["output"][0]["content"][0]["text"]
                    one.until("conversation.item.done")
                one.send("response.create", response={"max_output_tokens": 24})
                return heard, one.until("response.done")[-1]["response"]["output"][0]["content"][0]["text"]

        begin = ("user", "Once upon a time there was")
        heard, after = talk(True, begin)
        assert heard
        assert talk(False, begin, ("assistant", heard), ("user", " Stop."))[1] == after
        client.portal.call(held.pool.close)


@pytest.mark.slow
def test_a_killed_server_goes_on_behind_the_last_emission_as_if_nothing_had_been(tmp_path: Path) -> None:
    def up(port: int = 0) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, str(script), str(tmp_path / "state"), str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server, url = up()
    try:
        with Client(url, patience=120) as client:
            plain = "".join(client.open(seed=1).say("Once upon a time", max_tokens=300, ignore_end=True))
            session = client.open(seed=1, durable=True)
            session.push("Once upon a time", reply={"max_tokens": 300, "ignore_end": True})
            got = []
            for emission in session.events():
                got.append(emission)
                if len(got) == 60:
                    os.killpg(server.pid, signal.SIGKILL)
                    server.wait()
                    server, _ = up(int(url.rpartition(":")[2]))
                if emission.kind == "reply":
                    break
            assert [one.number for one in got] == list(range(1, len(got) + 1))
            assert "".join(one.text for one in got if one.kind == "token") == plain == got[-1].text
            assert got[-1].ended == "length"
            assert "".join(session.say(" And then", max_tokens=8))
            session.close()
            assert not [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        assert server.wait(30) == 0
