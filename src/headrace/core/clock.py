"""Clock: the only place that reads the machine's time.

| clock | time | workers | use |
|---|---|---|---|
| `WallClock(speed)` | the machine's, scaled | beside the loop | live, `--speed realtime`, `--speed N` |
| `MeasuredClock()` | follows the media, waits for workers | beside the loop | files at full speed |
| `ProfileClock(costs, seed)` | jumps to the next timer | inline, charged a seeded cost | replay, tests |
| `ZeroClock()` | jumps to the next timer | inline, free | upper bound, unit tests |

The virtual ones run an asyncio loop whose selector jumps to the next timer when nothing else can
run, breaks ties first in, first out, and raises `DeadlockError` when nothing can ever run again.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import random
import selectors
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from hashlib import blake2b
from typing import Any, TypeVar

from headrace.core.errors import ConfigError, DeadlockError

T = TypeVar("T")
#: The least factor of real time that can be asked for: below it a run stands still for people.
SLOWEST = 0.001
#: A cost in ns: constant, or one drawn (seeded) from a list of observed ones.
Cost = int | tuple[int, ...]


class Clock(ABC):
    """Time for one run: integers in ns from 0 at the start of `run`.

    Attributes:
        inline: workers' functions run on the loop and are charged `cost(name)`.
        paced: sources that can wait are released at their arrival, not as fast as they are read.
    """

    inline = False
    paced = True

    def __init__(self) -> None:
        self._describers: list[Callable[[], Iterable[str]]] = []

    @abstractmethod
    def now(self) -> int:
        """ns since the start of `run`, where a clock that goes on begins at its `start`."""

    @abstractmethod
    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run `main` to its end on this clock, in a fresh event loop."""

    async def sleep_until(self, t: int) -> None:
        """Return at time `t` (ns), or after one turn of the loop if that has passed."""
        loop = asyncio.get_running_loop()
        if t <= self.now():
            await asyncio.sleep(0)
            return
        waiter = loop.create_future()
        timer = loop.call_at(self._loop_time(t), _set, waiter)
        try:
            await waiter
        finally:
            timer.cancel()

    async def release(self, arrival: int) -> None:
        """Wait until an item with this arrival may enter the graph."""
        if arrival > self.now():
            await self.sleep_until(arrival)

    def cost(self, name: str) -> int:
        """ns that one run of the worker `name` is charged; 0 where time passes by itself."""
        return 0

    def explain(self, describer: Callable[[], Iterable[str]]) -> None:
        """Register who can name what is blocked, for the report of a deadlock."""
        self._describers.append(describer)

    def forget(self, describer: Callable[[], Iterable[str]]) -> None:
        """Undo `explain`."""
        self._describers.remove(describer)

    @abstractmethod
    def attach(self) -> None:
        """Called in the running loop by what is about to run on this clock.

        Raises:
            ConfigError: the loop is not one that this clock can run in.
        """

    @abstractmethod
    def _loop_time(self, t: int) -> float: ...


class WallClock(Clock):
    """The machine's monotonic clock, `speed` times as fast, from `start` ns."""

    def __init__(self, speed: float = 1.0, start: int = 0) -> None:
        if not 0 < speed < 1e6:
            raise ConfigError(f"speed {speed!r}: a number above 0 and below 1,000,000 is needed")
        super().__init__()
        self.speed, self.start = speed, start
        self._origin: int | None = None

    def now(self) -> int:
        if self._origin is None:
            return self.start
        elapsed = time.monotonic_ns() - self._origin
        return self.start + (elapsed if self.speed == 1.0 else int(elapsed * self.speed))

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        self._origin = time.monotonic_ns()
        with asyncio.Runner() as runner:
            return runner.run(main)

    def attach(self) -> None:
        """In a loop that somebody else runs, time begins now."""
        if isinstance(asyncio.get_running_loop(), _VirtualLoop):
            raise ConfigError("a graph on a WallClock cannot run in the loop of a virtual clock")
        if self._origin is None:
            self._origin = time.monotonic_ns()

    def _loop_time(self, t: int) -> float:
        loop = asyncio.get_running_loop()
        return loop.time() + max(0, t - self.now()) / self.speed / 1e9


class VirtualClock(Clock):
    """Base of the clocks whose time is a number, from `start`. Exact to the ns below 2^51 ns (26 days)."""

    def __init__(self, start: int = 0) -> None:
        super().__init__()
        self.start = self._now = start

    def now(self) -> int:
        return self._now

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        self._now = self.start
        with asyncio.Runner(loop_factory=lambda: _VirtualLoop(self)) as runner:
            return runner.run(main)

    def attach(self) -> None:
        if getattr(asyncio.get_running_loop(), "clock", None) is not self:
            raise ConfigError(f"a graph on a {type(self).__name__} runs in that clock's loop: use its run()")

    def _loop_time(self, t: int) -> float:
        return t / 1e9

    def _deadlock(self) -> DeadlockError:
        names = sorted({name for describe in self._describers for name in describe()})
        where = f"; blocked: {', '.join(names)}" if names else ""
        return DeadlockError(
            f"deadlock at virtual time {self._now / 1e9:.9f} s: nothing can run and no timer is set{where}"
        )


class MeasuredClock(VirtualClock):
    """Files at full speed: sources run as fast as their consumers take, and time follows the media.

    An item's arrival sets the time; while a worker computes, no timer fires. So time-outs and
    cool-downs mean media time, however fast the machine is.
    """

    paced = False

    async def release(self, arrival: int) -> None:
        self._now = max(self._now, arrival)


class ProfileClock(VirtualClock):
    """Deterministic time: workers run inline, each charged a cost.

    Args:
        costs: ns by worker name: a constant, or observed costs to draw from.
        seed: draws of each worker are a sequence of its own, so adding one does not move another's.
        default: cost of workers that `costs` does not name.

    Raises:
        ConfigError: a cost is negative, or there is none to draw from.
    """

    inline = True

    def __init__(self, costs: Mapping[str, Cost] | None = None, seed: int = 0, default: Cost = 0) -> None:
        super().__init__()
        self._costs, self._seed, self._default = dict(costs or {}), seed, default
        self._draws: dict[str, random.Random] = {}
        for name, given in (*self._costs.items(), ("default", default)):
            if min(given if isinstance(given, tuple) else (given,), default=-1) < 0:
                raise ConfigError(f"cost of {name!r} is {given!r}: one or several times in ns >= 0 are needed")

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        self._draws.clear()
        return super().run(main)

    def cost(self, name: str) -> int:
        cost = self._costs.get(name, self._default)
        if isinstance(cost, int):
            return cost
        if name not in self._draws:
            digest = blake2b(f"{self._seed}\x1f{name}".encode(), digest_size=8).digest()
            self._draws[name] = random.Random(int.from_bytes(digest))
        return self._draws[name].choice(cost)


class ZeroClock(ProfileClock):
    """Infinite compute: every worker is free."""

    def __init__(self) -> None:
        super().__init__()


def machine_now() -> int:
    """ns of the machine's monotonic clock: one time for all processes of it, for who serves several."""
    return time.monotonic_ns()


class Stopwatch:
    """What a run has cost so far, on the machine's own clocks."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def wall(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._wall

    def cpu(self) -> float:
        """CPU seconds that this process, all its threads, has used since."""
        return time.process_time() - self._cpu


def from_speed(speed: str, start: int = 0) -> Clock:
    """The clock that `--speed` names: "max", "realtime", or a number such as "2"; its time begins at `start` ns.

    Raises:
        ConfigError: it is none of these.
    """
    if speed == "max":
        return MeasuredClock(start)
    if speed == "realtime":
        return WallClock(start=start)
    try:
        factor = float(speed)
        if 0 < factor < SLOWEST:
            raise ConfigError(f"speed {speed!r}: the slowest is {SLOWEST:g} times real time")
        return WallClock(factor, start)
    except ValueError:
        raise ConfigError(f"speed {speed!r}: use max, realtime, or a number such as 2") from None


def _set(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class _Timer(asyncio.TimerHandle):
    """A timer that knows its birth order: asyncio's heap is not stable by itself."""

    __slots__ = ("order",)
    order: int

    def __lt__(self, other: Any) -> bool:
        if self.when() == other.when():
            return self.order < int(getattr(other, "order", 0))
        return self.when() < float(other.when())


class _VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time. Timers lie on whole ns.

    Touches three private names of asyncio (`_scheduled`, `_clock_resolution`, `TimerHandle._scheduled`),
    stable from CPython 3.11 to 3.14.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.working = 0
        self._order = 0
        super().__init__(_Jump(self))

    def time(self) -> float:
        return self.clock._now / 1e9

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle:  # type: ignore[override]
        self._order += 1
        timer = _Timer(round(when * 1e9) / 1e9, callback, args, self, context)
        timer.order = self._order
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True  # type: ignore[attr-defined]
        return timer

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        """As asyncio's; time stands still until the result is back."""
        future = super().run_in_executor(executor, func, *args)
        self.working += 1
        future.add_done_callback(self._worked)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        self.working += 1
        try:
            await super().shutdown_default_executor()
        finally:
            self.working -= 1

    def _worked(self, _: Any) -> None:
        self.working -= 1

    def jump(self) -> bool:
        """Set the time to that of the next timer; False if there is none."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        if not scheduled:
            return False
        self.clock._now = max(self.clock._now, round(scheduled[0].when() * 1e9))
        self._clock_resolution = max(0.5e-9, 2 * math.ulp(self.time()))  # this ns is due, not the next
        return True


class _Jump(selectors.DefaultSelector):
    """A selector that never waits for time, only for workers."""

    def __init__(self, loop: _VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0 and not self._loop.working:
            return []
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if self._loop.working:
            return super().select(None)
        if self._loop.jump():
            return []
        raise self._loop.clock._deadlock()
