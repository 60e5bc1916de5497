"""Language-model sessions without end: memory and cost a token stay (docs/soak.md holds the figures)."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch

from headrace.core.clock import Stopwatch
from headrace.state import (
    Policy,
    absolute,
    attention,
    causal,
    deny,
    ema,
    everything,
    group,
    on,
    pin,
    random,
    realign,
    recent,
    top,
)
from tests.soak.rounds import Round, Text, fill, growth, resident, slowdown, table

pytest.importorskip("transformers")

import headrace
from headrace import Sampling

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
    pytest.mark.usefixtures("one_thread"),
]

#: Bytes by which memory may grow after the first tenth, and by what the last tenth may be slower than the second.
MOST, SLOWER = 1 << 20, 1.25
#: Bytes that a reply holds of each token, its id and text.
A_TOKEN = 64
#: Rounds of the sixteen sessions: until all have settled, and then.
SETTLED, ROUNDS = 20, 100
#: Characters of the pieces that are pushed.
PIECES = (12, 60, 300, 1500)
SAMPLING = Sampling(temperature=0.8, top_p=0.95, repetition_penalty=1.1)
SINKS = Policy(pin(tokens=4) + recent(tokens=256))

GROUPS, KINDS = "streams", "kinds"
POLICIES = {
    "sinks": SINKS,
    "window": Policy(recent(tokens=128), block=16),
    "scores": Policy(pin(tokens=4) + top(tokens=64, score=attention(queries=8)) + recent(tokens=64), block=16),
    "layers": Policy(
        top(tokens=64, score=attention(queries=8, decay=1.0)) + recent(tokens=64), block=16, grain="layer"
    ),
    "random": Policy(pin(tokens=4) + top(tokens=64, score=random(seed=5)) + recent(tokens=64), block=16),
    "folded": Policy(pin(tokens=16) + recent(tokens=64), fold=ema(0.9), block=16),
    "redone": Policy(recent(tokens=128), place=absolute(), redo=on("prompt", last=2), block=16),
    "moved": Policy(pin(tokens=16) + recent(tokens=64), place=realign(), block=16),
    GROUPS: Policy(
        recent(tokens=128), place=group(source=0, target=0), see=causal & deny("source", "target"), block=16
    ),
    KINDS: Policy({"user": recent(tokens=96), "assistant": recent(tokens=64), "*": pin(tokens=32)}, block=16),
}


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def lm() -> Iterator[Any]:
    """The model that ships, its tokenizer's memory of words full; the garbage collector passes over all that."""
    loaded = headrace.load("zoo:tiny-llama", device="cpu")
    fill(loaded.tokenizer)
    gc.collect()
    gc.freeze()
    yield loaded
    gc.unfreeze()


class Old:
    """One session, by rounds: text in pieces, and one reply."""

    def __init__(self, lm: Any, policy: Policy) -> None:
        self.session = lm.session(policy, sampling=SAMPLING, seed=1)
        self._text, self._draw = Text(), Random(1)

    def round(self, read: int, said: int) -> Round:
        """Push `read` tokens or a few more, say `said`."""
        container, watch = self.session.container, Stopwatch()
        start = container.count
        while container.count - start < read:
            self.session.push(self._text.take(self._draw.choice(PIECES)))
        between, pushed = watch.cpu(), container.count - start
        assert sum(1 for _ in self.session.say(max_tokens=said, ends=())) >= said
        after = watch.cpu()
        assert self.session.nbytes() <= self.session.max_bytes()
        return Round(resident(), 1e3 * between / pushed, 1e3 * (after - between) / said)


class Many:
    """Sixteen sessions of mixed age and policy, by rounds in which some are forked, saved or opened anew."""

    def __init__(self, lm: Any, folder: Path) -> None:
        self.lm, self.folder = lm, folder
        self.names = [list(POLICIES)[i % len(POLICIES)] for i in range(16)]
        self.sessions = [self._open(i) for i in range(16)]
        self.rounds = self.tokens = 0
        self._text, self._draw = Text(), Random(2)

    def round(self) -> Round:
        """About a thousand tokens over all sessions."""
        before, watch = self._counts(), Stopwatch()
        present = [i for i in range(16) if self._draw.random() < 0.9]
        self._draw.shuffle(present)
        self.lm.step([(self.sessions[i], self._text.take(self._draw.choice((8, 40, 200)))) for i in present])
        for session, name in zip(self.sessions, self.names, strict=True):
            if name == GROUPS:
                session.push(self._text.take(60), stream="source")
                session.push(self._text.take(20), stream="target")
            elif name == KINDS:
                session.turn("user")
                session.push(self._text.take(60), kind="user")
                session.turn("assistant")
            elif name == "redone":
                session.signal("prompt")
        between, read = watch.cpu(), self._counts() - before
        for _ in range(12):
            self.lm.step([(session, None) for session in self.sessions])
        after, said = watch.cpu(), 12 * len(self.sessions)
        self.tokens += read + said
        self._change()
        for session in self.sessions:
            session.container.check()
            assert session.nbytes() <= session.max_bytes()
        return Round(resident(), 1e3 * between / read, 1e3 * (after - between) / said)

    def _change(self) -> None:
        """One session is taken over by its fork, one by its copy from a snapshot or a file, one begins anew."""
        forked, saved, new = ((7 * self.rounds + k) % 16 for k in (0, 5, 10))
        self.rounds += 1
        old = self.sessions[forked]
        self.sessions[forked] = old.fork()
        old.push(self._text.take(40))
        old.close()
        snapshot = self.sessions[saved].snapshot()
        if self.rounds % 4 == 0:
            snapshot.save(self.folder / "one.safetensors")
        self.sessions[saved] = self.lm.restore(snapshot if self.rounds % 4 else self.folder / "one.safetensors")
        if self.rounds % 8 == 0:
            self.sessions[new].close()
            self.sessions[new] = self._open(new)
        elif self.rounds % 8 == 4:
            self.sessions[new].container.reset()
            self.sessions[new].push(self._text.take(40))

    def _open(self, i: int) -> Any:
        session = self.lm.session(POLICIES[self.names[i]], sampling=SAMPLING, seed=i, start=i << 36)
        if self.names[i] != KINDS:
            session.push("\n")
        return session

    def _counts(self) -> int:
        return sum(session.container.count for session in self.sessions)


def flat(rounds: list[Round], record: Callable[[str, object], None]) -> None:
    """Print what was measured, then assert that it is flat."""
    print(f"\n{table(rounds)}\ngrowth {growth(rounds)} bytes, {slowdown(rounds):.3f} x the time")
    record("growth in bytes", growth(rounds))
    record("time, last tenth over second", slowdown(rounds))
    assert growth(rounds) < MOST, f"{growth(rounds)} bytes more\n{table(rounds)}"
    assert slowdown(rounds) <= SLOWER, f"{slowdown(rounds):.2f} x the time a token\n{table(rounds)}"


def test_what_grows_would_be_seen(lm: Any) -> None:
    bounded = Old(lm, Policy(pin(tokens=4) + recent(tokens=64)))
    dense = Old(lm, Policy(everything(), bounded=False, max_bytes=1 << 30))
    steady, growing = ([old.round(150, 2) for _ in range(10)] for old in (bounded, dense))
    assert growth(growing) > MOST > growth(steady)


@pytest.mark.soak
def test_a_session_of_a_million_tokens(lm: Any, record_property: Callable[[str, object], None]) -> None:
    old = Old(lm, SINKS)
    rounds = [old.round(9_900, 100) for _ in range(100)]
    assert old.session.container.count >= 1_000_000
    flat(rounds, record_property)


@pytest.mark.soak
def test_a_reply_of_ten_thousand_tokens(lm: Any) -> None:
    session = lm.session(SINKS, sampling=SAMPLING, seed=3)
    session.push(Text().take(2000))
    reply = session.say(max_tokens=11_000, ends=())
    for _ in range(1_000):
        next(reply)
    before = resident()
    assert sum(1 for _ in reply) >= 10_000
    grown = resident() - before
    print(f"\ngrowth {grown} bytes after 10,000 tokens of one reply")
    assert grown < MOST + 10_000 * A_TOKEN, f"{grown} bytes more after 10,000 tokens of one reply"


@pytest.mark.soak
def test_sixteen_sessions_of_mixed_age_and_policy(
    lm: Any, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    many = Many(lm, tmp_path)
    for _ in range(SETTLED):
        many.round()
    rounds = [many.round() for _ in range(ROUNDS)]
    assert many.tokens > 100_000
    flat(rounds, record_property)
