"""Record: what was asked of an engine and every tick that it ran, as lines that can be played again without a model."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Generic, TypeVar

from headrace.core.errors import HeadraceError, InputError
from headrace.engine.admission import Admission
from headrace.engine.engine import Engine, Step
from headrace.engine.event import Event
from headrace.engine.host import Host
from headrace.engine.lane import Lane
from headrace.engine.opening import Ask, Opening, Said
from headrace.engine.request import Slo
from headrace.engine.seat import Seat
from headrace.engine.simulator.synthetic import Figure, Residence, Synthetic

S = TypeVar("S")
#: One line: a call ("open", "push", "say", "interrupt", "update", "close"), what a host was given ("queue", "begin")
#: or a "tick".
Line = dict[str, Any]


class Recorder(Engine[S]):
    """An engine that tells what it does.

    Calls that are refused are not told, nor are forks and sessions that are restored. A line is an object; its `what`
    says which call it is, `now` when it was made and `events` what came of it: [session, kind, time, due, number,
    ended, tokens] each. A tick has `rows` [session, units, resident entries], the seconds that were predicted and
    taken, and when it was over.

    Args:
        host, lane, options: see `Engine`.
        write: is given each line, in order.
    """

    def __init__(self, host: Host[S], lane: Lane, write: Callable[[Line], None], **options: Any) -> None:
        self._heard: Heard[S] = Heard(host, self._tell)
        super().__init__(self._heard, lane, **options)  # type: ignore[arg-type]
        self._out = write
        self._names: dict[int, str] = {}
        self._depth = 0

    def open(self, name: str, opening: Opening, now: int, admission: Admission | None = None) -> Seat[S]:
        return self._call(
            "open", now, lambda: super(Recorder, self).open(name, opening, now, admission), name=name, opening=opening
        )

    def push(self, name: str, data: Any, now: int, **options: Any) -> int:
        return self._call("push", now, lambda: super(Recorder, self).push(name, data, now, **options), name=name)

    def update(self, name: str, data: Any, now: int) -> int:
        return self._call("update", now, lambda: super(Recorder, self).update(name, data, now), name=name)

    def say(
        self, name: str, ask: Ask, now: int, role: str | None = None, since: int | None = None, tag: int = 0
    ) -> None:
        told = {"name": name, "ask": ask, "since": since, "tag": tag}
        self._call("say", now, lambda: super(Recorder, self).say(name, ask, now, role, since, tag), **told)

    def leave(self, name: str, tag: int, now: int) -> None:
        self._call("leave", now, lambda: super(Recorder, self).leave(name, tag, now), name=name, tag=tag)

    def interrupt(self, name: str, now: int, said: int | None = None) -> int:
        return self._call(
            "interrupt", now, lambda: super(Recorder, self).interrupt(name, now, said), name=name, said=said
        )

    def close(self, name: str) -> None:
        self._call("close", 0, lambda: super(Recorder, self).close(name), name=name)

    def finish(self, step: Step[S], now: int, seconds: float) -> None:
        line, before, self._depth = _tick(step, now, seconds), len(self.events), self._depth + 1
        try:
            super().finish(step, now, seconds)
        finally:
            self._depth -= 1
        self._out(line | {"events": _events(self.events[before:])})

    def _call(self, what: str, now: int, call: Callable[[], Any], **told: Any) -> Any:
        """Make a call and tell of it; calls that it makes itself are part of it."""
        before, self._depth = len(self.events), self._depth + 1
        try:
            result = call()
        finally:
            self._depth -= 1
        if what == "open":
            self._names[id(result.session)] = told["name"]
        if not self._depth:
            plain = {key: asdict(one) if isinstance(one, Opening | Ask) else one for key, one in told.items()}
            kept = {"kept": result} if what == "update" else {}
            self._out({"what": what, "now": now} | plain | kept | {"events": _events(self.events[before:])})
        return result

    def _tell(self, what: str, session: S, waiting: list[int], chain: Sequence[int]) -> None:
        self._out({"what": what, "name": self._names[id(session)], "waiting": waiting, "chain": list(chain)})


class Heard(Generic[S]):
    """A host whose inputs are told: tokens of each that waits, and the names of the blocks that a session begins with.

    Args:
        host: does everything.
        tell: is given "queue" or "begin", the session, the tokens of each input, and the names.
    """

    def __init__(self, host: Host[S], tell: Callable[[str, S, list[int], Sequence[int]], None]) -> None:
        self._host, self._tell = host, tell

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def queue(self, session: S, data: Any, role: str | None, stream: str, kind: str | None, pts: int) -> int:
        n = self._host.queue(session, data, role, stream, kind, pts)
        self._came("queue", session)
        return n

    def begin(self, session: S, ask: Ask, role: str | None) -> None:
        self._host.begin(session, ask, role)
        self._came("begin", session)

    def _came(self, what: str, session: S) -> None:
        waiting = [len(one.ids) for one in self._host.pending(session)]
        self._tell(what, session, waiting, () if self._host.entries(session) else self._host.chain(session))


class Replayed(Synthetic):
    """Figures that are given what a recorded session was given, in the same order, whatever they are asked to take.

    Args:
        residence, block, grain: see `Synthetic`.
        lines: of the recording.
    """

    def __init__(self, lines: Iterable[Line], residence: Residence, *, block: int, grain: int = 16) -> None:
        super().__init__(residence, most=1, block=block, grain=grain)
        self.next = ""
        self._names: dict[int, str] = {}
        self._given: dict[tuple[str, str], deque[Line]] = defaultdict(deque)
        self._replies: dict[str, deque[int]] = defaultdict(deque)
        under_way: dict[str, deque[int]] = defaultdict(deque)
        for line in lines:
            if line["what"] in ("queue", "begin"):
                self._given[line["name"], line["what"]].append(line)
            if line["what"] == "begin":
                under_way[line["name"]].append(0)
            for name, _, _, _, _, ended, tokens in line.get("events", ()):
                if not under_way[name]:
                    continue
                under_way[name][0] += tokens
                if ended:
                    made = under_way[name].popleft()
                    self._replies[name].append(made if ended == "over" else 0)

    def open(self, opening: Opening, most: int = 1 << 62) -> Figure:
        figure = super().open(opening, most)
        self._names[id(figure)] = self.next
        return figure

    def prepare(
        self, session: Figure, data: Any, role: str | None, stream: str, kind: str | None, pts: int
    ) -> tuple[Any, int]:
        return data, 0

    def queue(self, session: Figure, data: Any, role: str | None, stream: str, kind: str | None, pts: int) -> int:
        return self._take(session, "queue")

    def begin(self, session: Figure, ask: Ask, role: str | None) -> None:
        self._take(session, "begin")
        replies = self._replies[self._names[id(session)]]
        session.outputs = (replies.popleft() if replies else 0) or ask.max_tokens

    def _take(self, session: Figure, what: str) -> int:
        line = self._given[self._names[id(session)], what].popleft()
        if not session.count:
            session.prefix = tuple(line["chain"])
        session.opening, session.waiting = 0, deque(line["waiting"])
        return sum(session.waiting)


def replay(lines: Sequence[Line], lane: Lane, residence: Residence, *, block: int, grain: int = 16) -> list[Line]:
    """Play a recording again, on figures: the same calls at the same times, and ticks that take as long.

    Args:
        lines: as they were written, or read back.
        lane: the scheduler, cost and limits of the recorded engine as it began.
        residence, block, grain: of the recorded model and policy, see `Synthetic`.

    Returns:
        The ticks, as a recording has them.

    Raises:
        InputError: the lines are no recording, or the engine comes to do something else than was recorded.
    """
    host = Replayed(lines, residence, block=block, grain=grain)
    everybody = Admission(sessions=1 << 30, utilisation=1e9)
    engine: Engine[Figure] = Engine(host, lane, admission=everybody)
    ticks: list[Line] = []
    for number, line in enumerate(lines):
        try:
            if line["what"] == "tick":
                ticks.append(_again(engine, line))
            else:
                _call(engine, host, line)
        except (HeadraceError, LookupError, TypeError, ValueError) as error:
            raise InputError(f"replay: line {number + 1} ({line.get('what')}) cannot be played: {error!r}") from error
    return ticks


def load(text: str) -> list[Line]:
    """The lines of a recording that was written as JSON, one a line."""
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError as error:
        raise InputError(f"this is no recording: {error}") from error


def _again(engine: Engine[Figure], line: Line) -> Line:
    step = engine.plan(line["now"])
    if step is None:
        raise InputError("nothing is ready")
    told, before = _tick(step, line["end"], line["seconds"]), len(engine.events)
    engine.run(step)
    engine.finish(step, line["end"], line["seconds"])
    return told | {"events": _events(engine.events[before:])}


def _call(engine: Engine[Figure], host: Replayed, line: Line) -> None:
    name, now = line["name"], line.get("now", 0)
    match line["what"]:
        case "open":
            host.next = name
            told = line["opening"]
            engine.open(name, Opening(**{**told, "slo": Slo(**told["slo"])}), now)
        case "push":
            engine.push(name, None, now)
        case "update":
            engine.update(name, (line["kept"], line["kept"] + 1), now)
        case "say":
            ask = Ask(**{**line["ask"], "stop": ()})
            engine.say(name, ask, now, None, line["since"], line["tag"])
        case "interrupt":
            engine.interrupt(name, now, line["said"])
        case "leave":
            engine.leave(name, line["tag"], now)
        case "close":
            engine.close(name)


def _tick(step: Step[Any], end: int, seconds: float) -> Line:
    rows = [[row.seat.id, *told] for row, told in zip(step.rows, step.plan.rows, strict=True)]
    return {
        "what": "tick",
        "now": step.now,
        "end": end,
        "seconds": seconds,
        "predicted": step.plan.seconds,
        "rows": rows,
    }


def _events(events: Iterable[Event]) -> list[list[Any]]:
    return [[one.session, one.kind, one.time, one.due, *_said(one.said)] for one in events]


def _said(said: Said | None) -> tuple[int, str, int]:
    """Its number, how it ended, and its tokens."""
    if said is None:
        return 0, "", 0
    return said.number, "over" if said.ended in ("stop", "end", "length") else said.ended, int(said.token is not None)
