"""The systems that can be evaluated, and the endpoint behind one of them."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")

import cv2

from headrace.apps.evaluate.endpoint import Endpoint, _plain
from headrace.apps.evaluate.judging import judge
from headrace.apps.evaluate.remote import OpenAI, jpeg
from headrace.apps.evaluate.systems import system
from headrace.apps.evaluate.watching import Watch
from headrace.core.errors import ConfigError, InputError
from headrace.core.frame import Frame
from headrace.core.item import SECOND, Item
from headrace.evaluation.benchmark import Stream, Task, text_of
from headrace.evaluation.online import run_online
from headrace.evaluation.timing import Timing
from headrace.evaluation.truth import Event, Question
from headrace.understanding.llm import KEY, LARGEST_REPLY
from headrace.understanding.reader import ReadLine
from tests.apps.chatting import chat
from tests.understanding.pictures import PlacedReader, items, page

FIRST, OTHER = page(("Harbour", (20, 60)), ("Gate", (20, 150))), page(("Keeper", (20, 100)))


@pytest.fixture(autouse=True)
def _local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv(KEY, raising=False)


class Shown(PlacedReader):
    """Reads the lines of whichever picture it is given."""

    def read(self, luma, box):  # type: ignore[no-untyped-def]
        first = [
            ReadLine("Harbour office", 0.9, (20, 36, 150, 64)),
            ReadLine("Gate 3 is open", 0.9, (20, 126, 150, 154)),
        ]
        self.lines = first if (luma == FIRST).all() else [ReadLine("Lock keeper channel 7", 0.9, (20, 76, 210, 104))]
        return super().read(luma, box)


def asked(t: float, question: str, *options: str) -> Task:
    return Task(f"{question} {t:g}", "q", Question(round(t * SECOND), question, options or None))


# -- watch --------------------------------------------------------------------------------------------


def watched(*tasks: Task) -> dict[str, list[tuple[float, str]]]:
    """What `watch` answers over 4 s of one page and 4 s of another, by task."""
    shown = list(items([FIRST] * 24 + [OTHER] * 24))
    for one in shown:
        one.arrival = one.pts
    said: dict[str, list[tuple[float, str]]] = {task.id: [] for task in tasks}
    for emission in run_online(Watch(Shown), Stream("camera", "", tasks), shown, Timing()).emissions:
        said[str(emission.cause)].append((emission.t_emit / SECOND, text_of(emission)))
    return said


def test_watch_chooses_what_it_has_read_by_then() -> None:
    options = ("channel 3", "channel 7", "cannot be told")
    said = watched(asked(3, "Which channel?", *options), asked(7, "Which channel?", *options))
    assert said == {"Which channel? 3": [(3.0, "C")], "Which channel? 7": [(7.0, "B")]}


def test_watch_quotes_where_there_are_no_options() -> None:
    said = watched(asked(7, "Is gate 3 open?"), asked(7, "Is the railway tunnel long?"), asked(7, "?"))
    assert said["Is gate 3 open? 7"][0][1].startswith('"Gate 3 is open" — on screen 0:0')
    assert said["Is the railway tunnel long? 7"] == said["? 7"] == [(7.0, "not seen")]


def test_watch_takes_the_lexical_answer_where_no_option_is_supported() -> None:
    said = watched(asked(7, "Is gate 3 open?", "blue whales", "nine elephants"))
    assert said["Is gate 3 open? 7"][0][1].startswith('"Gate 3 is open"')


def test_watch_answers_a_standing_request_when_it_comes_true() -> None:
    wanted = Task("wait", "alert", Event(0, 0), "lock keeper channel 7")
    again = Task("too", "alert", Event(0, 0), "lock keeper channel 7", {"asked": SECOND})
    never = Task("never", "alert", Event(0, 0), "the bridge is closed")
    wordless = Task("wordless", "alert", Event(0, 0), "!")
    said = watched(wanted, again, never, wordless)
    assert [text for _, text in said["wait"]] == ["Lock keeper channel 7"]
    assert 4.0 <= said["wait"][0][0] < 6.0
    assert said["too"] == said["wait"]
    assert said["never"] == said["wordless"] == []


def test_a_stream_knows_nothing_of_the_one_before() -> None:
    watch, question = Watch(Shown), asked(7, "Which channel?", "channel 3", "channel 7", "unable to answer")
    shown = list(items([FIRST] * 24 + [OTHER] * 24))
    for one in shown:
        one.arrival = one.pts
    first = run_online(watch, Stream("a", "", (question,)), shown, Timing()).emissions
    second = run_online(watch, Stream("b", "", (question,)), shown[:24], Timing()).emissions
    assert [text_of(one) for one in (*first, *second)] == ["B", "C"]


# -- openai -------------------------------------------------------------------------------------------


def frames(seconds: int, size: tuple[int, int] = (48, 96)) -> list[Item]:
    """One a second, brighter and brighter."""
    return [
        Item(t * SECOND, "video", Frame(np.full(size, min(10 + 20 * t, 255), np.uint8), full_range=True), t * SECOND)
        for t in range(seconds)
    ]


def brightness(part: dict[str, Any]) -> int:
    head, _, data = part["image_url"]["url"].partition(",")
    assert head == "data:image/jpeg;base64"
    return round(float(cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_GRAYSCALE).mean()))


def test_openai_shows_a_bounded_window_and_passes_on_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "sk-secret")
    with chat(" B ") as server:
        shown = OpenAI(Endpoint(server.url, "eyes-1"), window=3, side=32)
        ran = run_online(shown, Stream("s", "", (asked(6, "How bright?", "dark", "bright"),)), frames(9), Timing())
    assert [(text_of(one), one.cause, one.t_emit, one.t_input) for one in ran.emissions] == [
        ("B", "How bright? 6", 6 * SECOND, 6 * SECOND)
    ]
    body, headers = server.asked[0], server.headers[0]
    assert (body["model"], body["temperature"], headers["Authorization"]) == ("eyes-1", 0, "Bearer sk-secret")
    *pictures, question = body["messages"][-1]["content"]
    assert [brightness(one) for one in pictures] == [pytest.approx(10 + 20 * t, abs=2) for t in (4, 5, 6)]
    assert question["text"] == "How bright?"
    assert "sk-secret" not in str(shown.settings)


def test_openai_polls_a_standing_request_until_something_new_is_said() -> None:
    with chat("NO.", "it is bright", "it is bright", "no") as server:
        task = Task("wait", "alert", Event(0, 0), "tell me when it is bright")
        system = OpenAI(Endpoint(server.url, "m"))
        ran = run_online(system, Stream("s", "", (task,)), frames(26, (16, 16)), Timing())
    assert [(text_of(one), one.t_emit // SECOND) for one in ran.emissions] == [("it is bright", 10)]
    assert len(server.asked) == 5
    assert 'You last said: "it is bright"' in server.asked[2]["messages"][-1]["content"][-1]["text"]


def test_a_frame_is_made_small_and_never_large() -> None:
    picture = cv2.imdecode(np.frombuffer(jpeg(frames(1, (300, 1000))[0].data, 100, 80), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (30, 100, 3)
    picture = cv2.imdecode(np.frombuffer(jpeg(frames(1, (20, 30))[0].data, 100, 80), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (20, 30, 3)


# -- the endpoint -------------------------------------------------------------------------------------


def test_what_may_pass_is_tried_once_more() -> None:
    with chat((503, b""), "yes") as server:
        assert Endpoint(server.url, "m", wait_s=0).complete("?") == "yes"
        assert len(server.asked) == 2
    with chat((500, b"")) as server:
        with pytest.raises(InputError, match=r"the model at http://127\.0\.0\.1:\d+ answered 500"):
            Endpoint(server.url, "m", wait_s=0).complete("?")
        assert len(server.asked) == 2
    with chat((401, b"")) as server:
        with pytest.raises(InputError, match="answered 401"):
            Endpoint(server.url, "m", wait_s=0).complete("?")
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "sent something that is not a chat completion"),
        (b'{"choices": []}', "sent something that is not a chat completion"),
        (b'{"choices": [{"message": {"content": 7}}]}', "sent something that is not a chat completion"),
        (b"x" * (LARGEST_REPLY + 1), f"sent more than {LARGEST_REPLY} bytes"),
    ],
)
def test_replies_that_are_none(body: bytes, told: str) -> None:
    with chat((200, body)) as server, pytest.raises(InputError, match=told):
        Endpoint(server.url, "m", wait_s=0).complete("?")


def test_the_key_is_in_no_message_and_goes_to_no_other_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "sk-secret")
    with chat("never asked") as other, chat((302, other.url.encode())) as server:
        with pytest.raises(InputError) as told:
            Endpoint(server.url, "m", wait_s=0).complete("?")
        assert not other.asked
    assert "sk-secret" not in str(told.value)
    assert "302" in str(told.value)


def test_no_part_of_the_key_is_in_a_message_that_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-" + "k" * 60
    monkeypatch.setenv(KEY, key)
    for before in range(90, 162):
        told = _plain(f"{'x' * before}{key}, so it was refused")
        assert "sk-" not in told
        assert "kk" not in told
        assert len(told) <= 160


@pytest.mark.parametrize("headers", [True, False])
def test_a_server_that_drips_is_left_at_the_end_of_the_attempt(headers: bool) -> None:
    """Every byte is in time for a wait of its own; all together are not."""
    with dripping(headers) as url, pytest.raises(InputError, match=r"did not answer within 0\.2 s"):
        Endpoint(url, "m", timeout=0.2, wait_s=0).complete("?")


@contextmanager
def dripping(headers: bool) -> Iterator[str]:
    """A server that sends a byte every 20 ms, of its headers or of its body, 100 of them."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            try:
                line, _ = server.accept()
            except OSError:
                return
            with line, suppress(OSError):
                line.sendall(b"HTTP/1.1 200 OK\r\n" + (b"X-Slow: " if headers else b"\r\n"))
                for _ in range(100):
                    over.wait(0.02)
                    line.sendall(b"x")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def test_nobody_answers() -> None:
    with chat("x") as server:
        url = server.url
    with pytest.raises(InputError, match="cannot be reached"):
        Endpoint(url, "m", wait_s=0).complete("?")


# -- by name ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("eyes",), "unknown system 'eyes'; use watch, openai, blind:NAME"),
        (("watch", "http://h"), "--url and --model go with --system openai, not with watch"),
        (("openai",), "--system openai needs --url and --model"),
        (("openai", "http://h"), "--system openai needs --url and --model"),
        (("openai", "ftp://h", "m"), "must be http"),
    ],
)
def test_systems_that_are_none(words: tuple[str, ...], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        system(*words)


def test_judges_by_name() -> None:
    assert judge(None) is None
    assert [getattr(judge(name), "name", "") for name in ("exact", "f1")] == ["exact", "f1"]
    with chat("9") as server:
        made = judge(server.url, "judgy")
        assert made is not None
        assert made.judge("q", "red", "a red one") == 0.9
    for spec, model, told in (
        ("best", "", "unknown judge 'best'; use exact, f1, meaning or http"),
        ("exact", "m", "not with --judge exact"),
        (None, "m", "give that as --judge"),
        ("http://h", "", "needs --judge-model"),
    ):
        with pytest.raises(ConfigError, match=told):
            judge(spec, model)
