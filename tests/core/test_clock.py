from __future__ import annotations

import asyncio
import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import (
    MS,
    SECOND,
    Block,
    ConfigError,
    DeadlockError,
    Graph,
    Item,
    MeasuredClock,
    ProfileClock,
    Threads,
    WallClock,
    ZeroClock,
    from_speed,
)
from headrace.testing import Recorder


@given(
    st.lists(st.integers(0, 2**51 - 3), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2)), min_size=1, max_size=40),
)
def test_timers_fire_in_order_at_their_ns_and_ties_first_in_first_out(bases, times):
    clock, fired = ZeroClock(), []
    wanted = [bases[place % len(bases)] + offset for place, offset in times]

    async def sleep(order: int, t: int) -> None:
        await clock.sleep_until(t)
        fired.append((clock.now(), order))

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            for order, t in enumerate(wanted):
                tasks.create_task(sleep(order, t))

    clock.run(main())
    ahead = [(t, order) for order, t in enumerate(wanted) if t > 0]
    assert [fire for fire in fired if fire[0] > 0] == sorted(ahead)


def test_time_after_26_days_still_passes(zero_clock):
    async def main() -> None:
        for t in (2**52 + 1, 2**53 + 1, 2**56):
            await zero_clock.sleep_until(t)
            assert abs(zero_clock.now() - t) <= 8
            await asyncio.sleep(0.25)

    zero_clock.run(main())


def test_asyncio_timeouts_follow_virtual_time(zero_clock):
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.sleep(7200)
        assert zero_clock.now() == 3600 * SECOND

    zero_clock.run(main())


def test_a_deadlock_is_raised_at_its_time_and_names_the_channels(zero_clock):
    graph = Graph(zero_clock)

    async def never(item, turn):
        await asyncio.get_running_loop().create_future()
        yield item

    items = [Item(n, "n", n, arrival=n * MS) for n in range(8)]
    graph.sink(print, graph.react(never, graph.source(items, "camera"), supersede=False, edge=Block(2), name="model"))
    with pytest.raises(DeadlockError, match=r"at virtual time 0\.004000000 s.*camera->model \(full, 2 of 2\)"):
        graph.run()


@pytest.mark.parametrize("clock", [MeasuredClock, ZeroClock])
def test_no_deadlock_while_a_thread_of_the_user_computes(clock):
    clock, gate = clock(), threading.Event()

    async def main() -> str:
        asyncio.get_running_loop().call_later(5, lambda: pytest.fail("time passed while a worker computed"))
        threading.Timer(0.05, gate.set).start()
        assert await asyncio.to_thread(gate.wait, 5)
        assert clock.now() == 0
        return "done"

    assert clock.run(main()) == "done"


def test_no_deadlock_while_a_worker_computes_and_no_time_out_fires():
    clock, gate = MeasuredClock(), threading.Event()
    graph, seen = Graph(clock), Recorder(clock)
    threads = Threads(1)

    def slow(data: int) -> int:
        gate.wait(0.02)
        return data

    frames = graph.source([Item(n * MS, "n", n, arrival=n * MS) for n in range(5)])
    joined = graph.join(frames, graph.map(slow, frames, on=threads), within=0, idle=1)
    graph.sink(seen, joined)
    graph.run()
    threads.close()
    assert seen.data == [(n, n) for n in range(5)]


def test_profile_costs_are_drawn_by_seed_and_name():
    def draws(seed: int, names: str) -> list[int]:
        clock = ProfileClock({"a": tuple(range(100)), "b": tuple(range(100)), "c": 7}, seed=seed, default=3)
        return [clock.cost(name) for name in names]

    assert draws(1, "aaaa") == draws(1, "abacada")[::2], "another worker's draws do not move these"
    assert draws(1, "aaaa") != draws(2, "aaaa")
    assert draws(1, "cxc") == [7, 3, 7]


def test_a_second_run_of_a_clock_is_as_the_first():
    clock = ProfileClock({"a": tuple(range(1000))})

    async def main() -> list[int]:
        await clock.sleep_until(5)
        return [clock.now(), *(clock.cost("a") for _ in range(5))]

    assert clock.run(main()) == clock.run(main())


@pytest.mark.parametrize("costs", [{"a": -1}, {"a": ()}, {"a": (3, -1)}])
def test_costs_that_cannot_be(costs):
    with pytest.raises(ConfigError, match="'a'"):
        ProfileClock(costs)


@pytest.mark.parametrize("speed", ["", "fast", "0", "-1", "nan", "1e9"])
def test_speeds_that_cannot_be(speed):
    with pytest.raises(ConfigError, match="speed"):
        from_speed(speed)


def test_speeds():
    assert isinstance(from_speed("max"), MeasuredClock)
    assert from_speed("realtime").speed == 1
    assert from_speed("2.5").speed == 2.5


def test_a_graph_runs_in_its_own_clocks_loop_only():
    with pytest.raises(ConfigError, match="ZeroClock"):
        asyncio.run(Graph(ZeroClock()).main())
    with pytest.raises(ConfigError, match="ZeroClock"):
        MeasuredClock().run(Graph(ZeroClock()).main())
    with pytest.raises(ConfigError, match="WallClock"):
        ZeroClock().run(Graph(WallClock()).main())


def test_a_wall_clock_runs_in_somebody_elses_loop():
    graph = Graph(WallClock(speed=100))
    seen = Recorder(graph.clock)
    graph.sink(seen, graph.source([Item(t, "n", t, arrival=t) for t in (0, SECOND)]))
    asyncio.run(graph.main())
    assert seen.times[0] < SECOND / 2 < SECOND - MS <= seen.times[1] < 100 * SECOND


def test_a_clock_forgets_graphs_that_have_ended(zero_clock):
    async def main() -> None:
        for _ in range(3):
            graph = Graph(zero_clock)
            graph.sink(str, graph.source([Item(0, "n", 0)]), edge=Block(1))
            await graph.main()

    zero_clock.run(main())
    assert zero_clock._describers == []


def test_many_cancelled_timers_leave_the_order_as_it_was(zero_clock):
    rng, fired = random.Random(5), []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        timers = [loop.call_at(rng.randrange(20) / 10, fired.append, n) for n in range(2000)]
        kept = {n for n in range(2000) if rng.random() < 0.2}
        whens = {n: timer.when() for n, timer in enumerate(timers)}
        for n, timer in enumerate(timers):
            if n not in kept:
                timer.cancel()
        await asyncio.sleep(5)
        assert fired == sorted(kept, key=lambda n: (whens[n], n))

    zero_clock.run(main())


@pytest.mark.parametrize(
    "make", [MeasuredClock, lambda start: WallClock(start=start), lambda start: from_speed("max", start)]
)
def test_a_clock_may_go_on_from_where_another_was(make):
    clock, times = make(90 * SECOND), []

    async def main() -> None:
        times.append(clock.now())
        await clock.sleep_until(90 * SECOND + 5 * MS)
        times.append(clock.now())
        await clock.release(60 * SECOND)
        times.append(clock.now())

    assert clock.now() == 90 * SECOND
    clock.run(main())
    assert 90 * SECOND <= times[0] < times[1] <= times[2] < 100 * SECOND
    assert times[1] >= 90 * SECOND + 5 * MS


def test_a_scaled_clock_counts_from_its_start_at_its_speed():
    clock = from_speed("50", 7 * SECOND)

    async def main() -> None:
        await clock.sleep_until(8 * SECOND)

    assert (clock.now(), clock.speed) == (7 * SECOND, 50.0)
    clock.run(main())
    assert clock.now() >= 8 * SECOND


def test_a_graph_goes_on_at_the_start_of_its_clock():
    clock, seen = MeasuredClock(30 * SECOND), []
    graph = Graph(clock)
    items = [Item(30 * SECOND + n * SECOND, "n", n, 30 * SECOND + n * SECOND) for n in range(3)]
    graph.sink(lambda n: seen.append((n, clock.now())), graph.source(items))
    graph.run()
    assert seen == [(n, (30 + n) * SECOND) for n in range(3)]
