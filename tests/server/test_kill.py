"""kill -9, of the whole server and of one worker: durable sessions go on, to the letter, and others do not notice."""

from __future__ import annotations

import importlib.util
import os
import signal
from pathlib import Path

import pytest

from headrace.client import Client, Emission, Session
from tests.server.watched import up, watched

if importlib.util.find_spec("transformers") is None:
    pytest.skip("needs transformers, which the extra hf brings", allow_module_level=True)

#: Long enough that its beginning is copied from the session that read it first.
PROMPT = "Once upon a time there was a river that ran through a mill, and the miller had a daughter. " * 6
REPLY = {"max_tokens": 120, "ignore_end": True}


def text_of(emissions: list[Emission]) -> str:
    return "".join(one.text for one in emissions if one.kind == "token")


def whole(got: list[Emission], tokens: int, first: int = 1) -> None:
    """Each emission once and in order, each token once and in order, and the reply is what was said."""
    assert [one.number for one in got] == list(range(1, len(got) + 1))
    said = [one.said for one in got if one.kind == "token"]
    assert said == sorted(set(said))
    assert (said[0], said[-1]) == (first, first + tokens - 1)
    assert got[-1].text == text_of(got)
    assert got[-1].ended == "length"


def asked(client: Client, **options: object) -> Session:
    session = client.open(durable=True, **options)
    session.push(PROMPT, reply=REPLY)
    return session


@pytest.mark.parametrize("kills", [(30,), pytest.param((20, 21, 80), marks=pytest.mark.slow)])
def test_a_server_that_is_killed_goes_on_behind_the_last_emission_that_was_acknowledged(
    tmp_path: Path, kills: tuple[int, ...]
) -> None:
    server = up(tmp_path)
    try:
        with Client(server.url, patience=120) as client:
            with client.open() as plain:
                uninterrupted = "".join(plain.say(PROMPT, **REPLY))
            session = asked(client)
            got: list[Emission] = []
            for emission in session.events():  # reconnects by itself, with Last-Event-ID
                got.append(emission)
                if len(got) in kills:
                    server.kill()
                    server = up(tmp_path, port=server.port)
                if emission.kind == "reply":
                    break
            whole(got, 120)
            assert got[-1].text == uninterrupted
            assert "".join(session.say(" And then", max_tokens=8))
            session.close()
            assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    finally:
        assert server.stop() == 0


def test_a_worker_that_is_killed_in_mid_reply_costs_its_sessions_time_and_the_other_workers_none(
    tmp_path: Path,
) -> None:
    with watched(tmp_path, workers=2) as server, Client(server.url, patience=120) as client:
        with client.open() as plain:
            uninterrupted = "".join(plain.say(PROMPT, **REPLY))
        sessions = [asked(client) for _ in range(2)]  # one on each worker
        passing = [client.open() for _ in range(2)]
        got: list[Emission] = []
        for emission in sessions[0].events():
            got.append(emission)
            if len(got) in (20, 60):
                os.kill(server.look()["workers"][0], signal.SIGKILL)
            if emission.kind == "reply":
                break
        others = []
        for emission in sessions[1].events():
            others.append(emission)
            if emission.kind == "reply":
                break
        for one in (got, others):
            whole(one, 120)
            assert one[-1].text == uninterrupted
        lost = []
        for session in passing:
            try:
                assert "".join(session.say(" And then", max_tokens=8, ignore_end=True))
            except Exception as error:
                lost.append(str(error))
        assert len(lost) == 1, "only what was not durable, and only on the worker that was killed, is lost"
        assert "not durable" in lost[0]
        assert server.look()["sessions"] == 3
