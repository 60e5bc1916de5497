"""A pool of sessions in this process whose model is a parrot: what the server promises can be checked to the letter.

Tokens are characters. A turn of a role begins with "<role>". A reply repeats the last turn that was pushed, without its
role, and ends of itself; with a temperature its first character is drawn from a to z by the seed. With `ignore_end` it
repeats for ever. Each token takes `delay` seconds, reading takes none.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.engine.meter import Meter, merged
from headrace.engine.opening import Ask, Opening, Said
from headrace.engine.request import Slo

ROLES = ("system", "user", "assistant")
VOCABULARY = 0x110000
END = 0


class FakePool:
    """See the module.

    Args:
        delay: seconds that a token takes.
        most: sessions that are admitted.
        kept: what durable sessions have saved, by name; give one mapping to two pools to restart a server.
        roles: of the chat template.
        fails: text that makes the reply fail when it was pushed.
    """

    def __init__(
        self,
        delay: float = 0.0,
        most: int = 1000,
        kept: dict[str, bytes] | None = None,
        roles: tuple[str, ...] = ROLES,
        fails: str = "\u0001fail",
    ) -> None:
        self.delay, self.most, self.roles, self.fails = delay, most, roles, fails
        self.kept = {} if kept is None else kept
        self.live: dict[str, FakeLive] = {}
        self.opened: list[Opening] = []
        self.read: list[str] = []
        self.meter = Meter()
        self.draining = self.closed = False

    @property
    def model(self) -> Mapping[str, Any]:
        return {
            "name": "parrot", "fingerprint": "f" * 32, "vocabulary": VOCABULARY, "roles": self.roles,
            "dtype": "float32", "parameters": 1, "block": 16, "default_budget": 4096,
        }  # fmt: skip

    async def open(self, opening: Opening) -> FakeLive:
        await asyncio.sleep(0)
        if self.draining:
            raise CapacityError("the pool is stopping; ask another")
        if len(self.live) >= self.most:
            self.meter.add("admission_rejections")
            raise CapacityError(f"{self.most} sessions are open and no more fit; close one or ask again later")
        if opening.policy is not None and "kind" not in opening.policy:
            raise ConfigError("policy: it has no kind; give a policy as headrace.state.to_data writes it")
        _check_sampling(opening.sampling)
        self.opened.append(opening)
        live = FakeLive(self, secrets.token_hex(16), opening)
        self.live[live.id] = live
        return live

    async def take_up(self, snapshot: bytes, opening: Opening) -> FakeLive:
        try:
            saved = json.loads(snapshot)
            past, number = list(saved["past"]), int(saved["number"])
        except (ValueError, KeyError, TypeError) as error:
            raise StateError("this is no snapshot of a session; take one with snapshot()") from error
        live = await self.open(opening)
        live.past, live.number = past, number
        return live

    def get(self, id: str) -> FakeLive:  # noqa: A002
        if id in self.live:
            return self.live[id]
        if id in self.kept:
            if len(self.live) >= self.most:
                raise CapacityError(f"{self.most} sessions are open and this one does not fit beside them")
            saved = json.loads(self.kept[id])
            opening = Opening(**{**saved["opening"], "slo": Slo(**saved["opening"]["slo"])})
            live = FakeLive(self, id, opening)
            live.past, live.number = list(saved["past"]), saved["number"]
            self.live[id] = live
            return live
        raise InputError(f"there is no session {id[:64]!r}")

    def sessions(self) -> list[str]:
        return [*self.live, *(name for name in self.kept if name not in self.live)]

    async def figures(self) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        self.meter.gauge("sessions", len(self.live))
        self.meter.gauge("num_requests_running", sum(live.speaking for live in self.live.values()))
        return merged([self.meter.figures()])

    async def drain(self, seconds: float) -> int:
        self.draining = True
        rounds = 0
        while any(live.speaking for live in self.live.values()) and rounds < seconds * 100:
            rounds += 1
            await asyncio.sleep(0.01)
        cut = [live for live in self.live.values() if live.speaking]
        for live in cut:
            live.epoch += 1
        return len(cut)

    async def close(self) -> None:
        self.closed = True
        for live in list(self.live.values()):
            await live.close()


class FakeLive:
    """See the module.

    Attributes:
        past: tokens read and said. `marks` says which of them were said, by number.
        inbox: tokens that wait.
    """

    def __init__(self, pool: FakePool, name: str, opening: Opening) -> None:
        self.pool, self.id, self.opening = pool, name, opening
        self.past: list[int] = []
        self.marks: dict[int, int] = {}
        self.inbox: list[int] = []
        self.number = self.epoch = self.read = self.said = self.counted = self.reused = 0
        self.speaking = self.closed = False
        self.seed = opening.seed
        self.created = 0

    async def push(
        self,
        data: str | Sequence[int],
        *,
        role: str | None = None,
        stream: str = "main",
        kind: str | None = None,
        pts: int = 0,
    ) -> int:
        self._check()
        if kind not in (None, "text"):
            raise InputError(f"kind {kind!r}: this model reads text")
        tokens = [*self._turn(role), *_tokens(data)]
        if len(self.inbox) + len(tokens) > self.opening.waiting:
            self.pool.meter.add("drops", len(tokens), {"why": "full"})
            raise CapacityError(
                f"{len(self.inbox)} tokens wait and {len(tokens)} more would pass the {self.opening.waiting} that may; "
                "push less, or later"
            )
        if self.opening.meanwhile == "latest":
            self.inbox.clear()
        if self.opening.meanwhile == "interrupt" and self.speaking:
            self.epoch += 1
        self.inbox += tokens
        if not self.speaking or self.opening.meanwhile == "interrupt":
            self._take_in()
        return len(tokens)

    async def update(self, data: str | Sequence[int]) -> int:
        self._check()
        tokens = _tokens(data)
        kept = next((i for i, (a, b) in enumerate(zip(self.past, tokens, strict=False)) if a != b), None)
        kept = min(len(self.past), len(tokens)) if kept is None else kept
        if len(self.past) - kept > self.opening.remember:
            raise StateError(f"only the last {self.opening.remember} tokens are remembered; open another session")
        self._cut(kept)
        self.past += tokens[kept:]
        self.read += len(tokens) - kept
        self._keep()
        return kept

    async def say(self, ask: Ask, *, role: str | None = None) -> AsyncIterator[Said]:
        self._check()
        if not 1 <= ask.max_tokens <= 1_000_000:
            raise ConfigError(f"max_tokens={ask.max_tokens}; say a whole number from 1 to 1000000")
        if self.speaking:
            raise StateError("a reply is under way; interrupt it first")
        self._take_in()
        self.inbox += self._turn(role)
        last = self._last_turn()
        self._take_in()
        if not self.past:
            raise StateError("nothing was read yet, so nothing can be said; push something first")
        if self.pool.fails in last:
            yield Said(self.number, None, "", 0, 0, "failed", "the model gave NaN")
            return
        epoch, self.epoch, text, made = self.epoch, self.epoch, "", 0
        prompt, reused = self.read - self.counted, self.reused
        self.counted, self.reused = self.read, 0
        self.speaking = True
        try:
            while True:
                await asyncio.sleep(self.pool.delay)
                if self.closed or self.epoch != epoch:
                    yield self._one(None, "", "interrupted", ask, prompt, reused)
                    return
                if self.opening.meanwhile == "merge":
                    self._take_in()
                token = self._next(last, made, ask)
                if token == END and made >= ask.min_tokens:
                    yield self._one(END, "", "end", ask, prompt, reused)
                    return
                made += 1
                before, text = text, text + chr(token)
                hit = next((stop for stop in ask.stop if stop in text), None)
                shown = _shown(text, ask.stop, hit)[len(_shown(before, ask.stop, None)) :]
                ended = "stop" if hit else "length" if made == ask.max_tokens else ""
                if ended == "length":
                    shown = text[len(_shown(before, ask.stop, None)) :]
                yield self._one(token, shown, ended, ask, prompt, reused)
                if ended:
                    return
        finally:
            self.speaking = False
            self._take_in()
            self._keep()

    async def settle(self) -> None:
        self._check()
        await asyncio.sleep(0)
        self._take_in()

    async def interrupt(self, said: int | None = None) -> int:
        self._check()
        if said is not None and not 0 <= said <= self.number:
            raise InputError(f"said={said}: {self.number} tokens were said")
        self.epoch += 1
        if said is not None and said + 1 in self.marks:
            self._cut(self.marks[said + 1])
        self._keep()
        return self.number if said is None else said

    async def missed(self, after: int) -> list[Said]:
        return []

    async def fork(self, *, seed: int | None = None, slo: Any = None, durable: bool | None = None) -> FakeLive:
        self._check()
        opening = self.opening if durable is None else replace(self.opening, durable=durable)
        other = await self.pool.open(opening)
        other.past, other.marks, other.number = list(self.past), dict(self.marks), self.number
        other.seed = self.seed if seed is None else seed
        return other

    async def snapshot(self) -> bytes:
        self._check()
        if self.speaking:
            raise StateError("a reply is under way; interrupt it or wait for its end")
        return self._saved()

    async def figures(self) -> Mapping[str, Any]:
        self._check()
        return {
            "tokens_read": self.read, "tokens_said": self.said, "waiting": len(self.inbox), "resident": "device",
            "state_bytes": 8 * len(self.past), "max_bytes": 8 * 4096, "hits": self.said, "steps": self.said, "rung": 0,
            "epoch": self.epoch, "meanwhile": self.opening.meanwhile, "program": self.opening.program,
            "created": self.created,
        }  # fmt: skip

    async def close(self) -> None:
        self.closed = True
        self.pool.live.pop(self.id, None)
        self.pool.kept.pop(self.id, None)

    def _check(self) -> None:
        if self.closed:
            raise StateError("the session is closed; open another")

    def _turn(self, role: str | None) -> list[int]:
        if role is None:
            return []
        if role not in self.pool.roles:
            raise ConfigError(f"turn {role!r}: the roles are {', '.join(self.pool.roles)}")
        return _tokens(f"<{role}>")

    def _take_in(self) -> None:
        if not self.inbox:
            return
        text = "".join(map(chr, self.inbox))
        if not self.past and self.opening.share:
            self.reused = max((_common(text, other) for other in self.pool.read), default=0) // 16 * 16
            self.pool.read.append(text)
        self.pool.meter.add("prompt_tokens", len(self.inbox))
        self.read += len(self.inbox)
        self.past += self.inbox
        self.inbox = []
        self._keep()

    def _last_turn(self) -> str:
        text = "".join(map(chr, self.past))
        found = max(
            (text.rfind(f"<{role}>") + len(role) + 2 for role in self.pool.roles if f"<{role}>" in text), default=0
        )
        return text[found:] or text

    def _next(self, last: str, made: int, ask: Ask) -> int:
        if made >= len(last) and not ask.ignore_end and made >= ask.min_tokens:
            return END
        if made == 0 and (self.opening.sampling or {}).get("temperature", 0) > 0:
            return ord("a") + hashlib.blake2b(f"{self.seed}".encode(), digest_size=2).digest()[0] % 26
        return ord(last[made % len(last)]) or ord(" ")

    def _one(self, token: int | None, text: str, ended: str, ask: Ask, prompt: int, reused: int) -> Said:
        if token is not None:
            self.number, self.said = self.number + 1, self.said + 1
            self.marks[self.number] = len(self.past)
            self.past.append(token)
            self.pool.meter.add("generation_tokens")
        if ended:
            self.pool.meter.add("request_success", 1, {"finished_reason": ended})
        likely = None if ask.logprobs is None or token is None else math.log(0.5)
        top = tuple((i, chr(i), math.log(0.5 / 2**at)) for at, i in enumerate((token, 97, 98)[: ask.logprobs])) \
            if likely is not None and ask.logprobs else ()  # fmt: skip
        last = (prompt, reused) if ended else (0, 0)
        return Said(self.number, token, text, 0, 0, ended, "", likely, top, *last)

    def _cut(self, length: int) -> None:
        del self.past[length:]
        self.marks = {number: at for number, at in self.marks.items() if at < length}

    def _saved(self) -> bytes:
        return json.dumps({"past": self.past, "number": self.number, "opening": asdict(self.opening)}).encode()

    def _keep(self) -> None:
        if self.opening.durable and not self.closed:
            self.pool.kept[self.id] = self._saved()


def _tokens(data: str | Sequence[int]) -> list[int]:
    if isinstance(data, str):
        with suppress(UnicodeEncodeError):
            data.encode()
            return list(map(ord, data))
        raise InputError("the text has half a character (a lone surrogate); send whole ones")
    for token in data:
        if not 0 <= token < VOCABULARY:
            raise InputError(f"token {token}: the model has {VOCABULARY}")
    return list(data)


def _check_sampling(sampling: Mapping[str, Any] | None) -> None:
    rules = {"temperature": (0, math.inf), "top_p": (1e-9, 1), "min_p": (0, 1), "top_k": (0, math.inf),
             "repetition_penalty": (1e-9, math.inf)}  # fmt: skip
    for name, value in (sampling or {}).items():
        low, high = rules[name]
        if not low <= value <= high:
            raise ConfigError(f"Sampling({name}={value!r}): out of range")
        if name == "temperature" and 0 < value < 1e-3:
            raise ConfigError(f"Sampling({name}={value!r}): give 0 or from 0.001")


def _common(a: str, b: str) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _shown(text: str, stops: Sequence[str], hit: str | None) -> str:
    """What of a reply may be seen: not the stop string, nor what may become one."""
    if hit is not None:
        return text[: text.find(hit)]
    held = max((n for stop in stops for n in range(1, len(stop)) if text.endswith(stop[:n])), default=0)
    return text[: len(text) - held]
