from __future__ import annotations

from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from random import Random
from threading import Thread

import pytest

from headrace.core.errors import InputError
from headrace.core.item import MS, SECOND
from headrace.media import Retry, open_source
from tests.media.helpers import clip, stamps


@dataclass
class Sized:
    """A file whose length the server tells; only `sent` bytes of it come if that is given."""

    data: bytes
    sent: int | None = None


@pytest.fixture
def server(tmp_path):
    """Streams by HTTP: connection i gets `parts[i]` and is cut; later ones get 503."""
    parts: list[bytes | Sized | None] = []
    served = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            part = parts[len(served)] if len(served) < len(parts) else None
            served.append(self.path)
            if part is None:
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            if isinstance(part, Sized):
                self.send_header("Content-Length", str(len(part.data)))
            self.end_headers()
            self.wfile.write(part.data[: part.sent] if isinstance(part, Sized) else part)

        def log_message(self, *args):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://user:pw@127.0.0.1:{http.server_port}/live.ts", parts
    http.shutdown()
    http.server_close()
    thread.join()


def test_a_lost_stream_comes_back_and_time_goes_on(tmp_path, server, caplog):
    url, parts = server
    film = clip(tmp_path / "a.ts").read_bytes()
    parts += [film, None, None, film]
    slept: list[float] = []
    source = open_source(url, sleep=slept.append, retry=Retry(jitter=0, attempts=3))
    assert source.info.live
    assert not source.can_wait
    items = []
    with pytest.raises(InputError, match="not back after 3 attempts") as caught:
        items.extend(source.items())
    assert "pw" not in str(caught.value) + caplog.text
    assert slept == [0.5, 1.0, 2.0, 0.5, 1.0, 2.0]
    assert source.stats.reconnects == 1


def test_items_after_a_reconnect(tmp_path, server):
    url, parts = server
    film = clip(tmp_path / "a.ts").read_bytes()
    parts += [film, film]
    source = open_source(url, sleep=lambda _: None, retry=Retry(jitter=0))
    items = list(islice(source.items(), 50))
    source.close()
    times = stamps(items)
    assert all(item.arrival == 0 for item in items)
    assert times[24] == 960 * MS
    assert times[25] == times[24] + SECOND // 2
    assert times[49] == times[25] + 960 * MS


def test_close_ends_the_wait_for_a_lost_stream(tmp_path, server):
    url, parts = server
    parts += [clip(tmp_path / "a.ts").read_bytes()]
    source = open_source(url, retry=Retry(first=600.0, longest=600.0))
    reader = Thread(target=lambda: list(source.items()))
    reader.start()
    while source.stats.frames < 20:
        reader.join(0.02)
    source.close()
    reader.join(5)
    assert not reader.is_alive()


def test_what_is_no_video_says_so(server):
    url, parts = server
    parts += [Sized(b"<html>not a film</html>" * 50)]
    with pytest.raises(InputError, match="not a video; check the URL"):
        open_source(url)
    with pytest.raises(InputError, match="the server failed"):
        open_source(url)


def test_waits_double_to_the_limit_and_are_seeded():
    plain = list(Retry(jitter=0, attempts=9).waits(Random(0)))
    assert plain == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert sum(Retry(jitter=0, attempts=99, seconds=100).waits(Random(0))) <= 100
    shaken = Retry(attempts=9)
    first, second = list(shaken.waits(Random(5))), list(shaken.waits(Random(5)))
    assert first == second != plain
    assert all(abs(a - b) <= 0.1 * b + 1e-9 for a, b in zip(first, plain, strict=True))


@pytest.mark.parametrize("suffix", ["ts", "mkv"])
def test_a_file_by_network_ends_at_its_end(tmp_path, server, suffix):
    url, parts = server
    film = clip(tmp_path / f"a.{suffix}").read_bytes()
    parts += [Sized(film), Sized(film)]
    source = open_source(url)
    assert not source.info.live
    assert source.can_wait
    items = list(source.items())
    assert stamps(items) == [k * 40 * MS for k in range(25)]
    assert all(item.arrival == item.pts for item in items)
    assert source.stats.reconnects == source.stats.decode_errors == 0


@pytest.mark.parametrize(("suffix", "says"), [("ts", "lost at [12]\\.. s"), ("mkv", "lost at [12]\\.. of 4.0 s")])
def test_a_file_by_network_that_breaks_off(tmp_path, server, suffix, says):
    url, parts = server
    film = clip(tmp_path / f"a.{suffix}", seconds=4).read_bytes()
    parts += [Sized(film, len(film) * 6 // 10)]
    items = []
    with pytest.raises(InputError, match=says) as caught:
        items.extend(open_source(url).items())
    assert 30 < len(items) < 80
    assert "pw" not in str(caught.value)
