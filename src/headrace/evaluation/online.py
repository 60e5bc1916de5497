"""Online: a system runs over a recording as it would have been heard and seen, and is asked when it would have been.

One worker takes what has arrived in order of arrival: frames, sound, prompts. It never gets an item before its
arrival or a prompt before its time, and the runner alone stamps what it says: when it left, on one of the clocks of
`timing`, and what had been taken by then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from headrace.core.clock import Clock, Stopwatch
from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission, Item
from headrace.core.trace import Trace
from headrace.evaluation.benchmark import Stream, Task
from headrace.evaluation.benchmarks.choices import asked
from headrace.evaluation.timing import Timing
from headrace.evaluation.truth import Exchange, Question

#: Names of steps in costs, and, but for the last, in traces.
OBSERVE, ASK, FINISH = "observe", "ask", "finish"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a system is told of a task: nothing of its truth.

    Attributes:
        id: an emission that answers it has it as `cause`.
        kind: the benchmark's name for such tasks.
        text: as the benchmark words it.
        question: the bare question; `text` if there is none.
        options: the choices, or None.
        standing: it is to be answered when it comes true, not now.
    """

    id: str
    kind: str
    text: str
    question: str
    options: tuple[str, ...] | None = None
    standing: bool = False


class Session(Protocol):
    """A system at work on one stream."""

    def observe(self, item: Item) -> Iterable[Emission]:
        """A frame or a chunk of sound has come; what is said of it, `t_emit` aside."""
        ...

    def ask(self, prompt: Prompt, now: int) -> Iterable[Emission]:
        """Somebody asks, at media time `now` (ns)."""
        ...

    def finish(self) -> Iterable[Emission]:
        """The stream is over."""
        ...


class System(Protocol):
    """Something that watches streams and is asked about them.

    Attributes:
        name: goes into reports.
        every: ns between the frames that it wants, None for all.
        sound: whether it wants sound.
        settings: what it was built with, JSON-serialisable; never a key.
    """

    @property
    def name(self) -> str: ...

    @property
    def every(self) -> int | None: ...

    @property
    def sound(self) -> bool: ...

    @property
    def settings(self) -> Mapping[str, Any]: ...

    def open(self, stream: str) -> Session:
        """A fresh session for the stream of that name."""
        ...


@dataclass(slots=True)
class Ran:
    """What one run came to.

    Attributes:
        emissions: in the order in which they left.
        skipped: items that the system was too slow for.
        end: clock time in ns at its end.
    """

    emissions: list[Emission] = field(default_factory=list)
    skipped: int = 0
    end: int = 0


def prompt(task: Task) -> Prompt | None:
    """What a system is told of a task; None if it must speak without being told."""
    truth = task.truth
    bare = truth.question if isinstance(truth, Question) else truth.request if isinstance(truth, Exchange) else ""
    text = task.prompt or bare
    if not text:
        return None
    options = truth.options if isinstance(truth, Question) else None
    return Prompt(task.id, task.kind, text, bare or text, options, not isinstance(truth, Question | Exchange))


def prompts(stream: Stream) -> list[Item]:
    """The prompts of a stream as items, in order of their times."""
    told = [(asked(task), made) for task in stream.tasks if (made := prompt(task)) is not None]
    return [Item(t, "prompt", made, t, source=stream.id) for t, made in sorted(told, key=lambda pair: pair[0])]


def last_needed(stream: Stream) -> int | None:
    """Media time in ns behind which nothing of a stream matters; None if its end is needed."""
    if stream.tasks and all(isinstance(task.truth, Question) for task in stream.tasks):
        return max(asked(task) for task in stream.tasks)
    return None


def run_online(
    system: System,
    stream: Stream,
    items: Iterable[Item],
    timing: Timing,
    trace: Trace | None = None,
    watch: Callable[[int], None] = lambda _: None,
) -> Ran:
    """Run a system over one recording.

    Args:
        items: in order of arrival; those after the last question are not read if all tasks are questions.
        trace: receives the items taken, the steps and what left; not its end.
        watch: told the media time in ns of each item.

    Raises:
        InputError: an emission answers a task that has not been put, or an item arrives before the one in front of
            it; whatever `items` raises.
    """
    clock = timing.make()
    run = _Run(system.open(stream.id), stream.id, clock, timing, trace, watch)
    clock.run(run.main(_Arriving(items, prompts(stream), last_needed(stream)), {task.id for task in stream.tasks}))
    return run.ran


class _Arriving:
    """Frames, sound and prompts in order of arrival; of what comes at one time, prompts last."""

    def __init__(self, items: Iterable[Item], put: Iterable[Item], until: int | None) -> None:
        self._items, self._asked, self._until = iter(items), deque(put), until
        self._item = self._next(0)

    @property
    def head(self) -> int | None:
        """Arrival in ns of what comes next, None at the end."""
        times = [queue.arrival for queue in (self._item, self._asked[0] if self._asked else None) if queue is not None]
        return min(times, default=None)

    def take(self) -> Item:
        """What comes next."""
        if self._item is None or (self._asked and self._asked[0].arrival < self._item.arrival):
            return self._asked.popleft()
        item, self._item = self._item, self._next(self._item.arrival)
        return item

    def _next(self, after: int) -> Item | None:
        item = next(self._items, None)
        if item is None or (self._until is not None and item.arrival > self._until):
            return None
        if item.arrival < after:
            raise InputError(f"the item of pts {item.pts} arrives before the one in front of it")
        return item


class _Run:
    """One session on one clock."""

    def __init__(
        self,
        session: Session,
        name: str,
        clock: Clock,
        timing: Timing,
        trace: Trace | None,
        watch: Callable[[int], None],
    ) -> None:
        self._session, self._name, self._clock, self._timing = session, name, clock, timing
        self._trace, self._watch = trace, watch
        self._waiting: deque[Item] = deque()
        self._put: set[str] = set()
        self._newest = 0
        self.ran = Ran()

    async def main(self, arriving: _Arriving, tasks: set[str]) -> None:
        self._clock.attach()
        while True:
            self._take_in(arriving)
            if self._waiting:
                await self._step(self._waiting.popleft(), tasks)
            elif (head := arriving.head) is not None:
                await self._clock.release(head)
            else:
                break
        await self._work(FINISH, None, self._session.finish, tasks)
        self.ran.end = self._clock.now()

    def _take_in(self, arriving: _Arriving) -> None:
        """All that has arrived by now, as far as the rule on late items keeps it."""
        room = {"newest": 1, "queue": self._timing.queue}.get(self._timing.late)
        while (head := arriving.head) is not None and head <= self._clock.now():
            if room is None and self._waiting:
                return  # the rest stays where it is: nothing is lost, and nothing is piled up
            item = arriving.take()
            self._waiting.append(item)
            if room is not None and item.kind != "prompt":
                self._drop(item.kind, room)

    def _drop(self, kind: str, room: int) -> None:
        held = [item for item in self._waiting if item.kind == kind]
        if len(held) > room:
            self.ran.skipped += 1
            self._waiting = deque(item for item in self._waiting if item is not held[0])

    async def _step(self, item: Item, tasks: set[str]) -> None:
        self._watch(item.pts)
        self._newest = max(self._newest, item.arrival)
        if self._trace is not None:
            self._trace.item(self._clock.now(), item)
        if item.kind == "prompt":
            self._put.add(item.data.id)
            await self._work(ASK, item, lambda: self._session.ask(item.data, item.pts), tasks)
        else:
            await self._work(OBSERVE, item, lambda: self._session.observe(item), tasks)

    async def _work(
        self, stage: str, item: Item | None, work: Callable[[], Iterable[Emission]], tasks: set[str]
    ) -> None:
        """Run one step, let its time pass, and stamp what it says."""
        began, made = self._clock.now(), 0
        if self._timing.clock == "wall":
            for emission in work():
                made += 1
                self._leave(emission, tasks)
        else:
            watch = Stopwatch()
            said = list(work())
            measured = round(watch.wall() * SECOND / self._timing.speed) if self._timing.clock == "measured" else 0
            if cost := self._clock.cost(stage) + measured:
                await self._clock.sleep_until(began + cost)
            made = len(said)
            for emission in said:
                self._leave(emission, tasks)
        if self._trace is not None and item is not None:
            self._trace.step(stage, began, self._clock.now(), item, made)
        await asyncio.sleep(0)

    def _leave(self, emission: Emission, tasks: set[str]) -> None:
        if emission.cause in tasks and emission.cause not in self._put:
            raise InputError(f"{self._name}: the system answered task {emission.cause!r} before it was put")
        emission = replace(emission, t_emit=self._clock.now(), t_input=self._newest, source=self._name)
        self.ran.emissions.append(emission)
        if self._trace is not None:
            self._trace.emit(emission)
