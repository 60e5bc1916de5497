from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from headrace.core import (
    Block,
    Graph,
    HeadraceError,
    Item,
    MeasuredClock,
    Processes,
    StateError,
    Threads,
    WallClock,
    ZeroClock,
)
from headrace.core.executor import SHARE_FROM
from headrace.core.frame import Frame
from headrace.testing import Recorder

SHARED = Path("/dev/shm")
on_linux = pytest.mark.skipif(not SHARED.is_dir(), reason="shared memory blocks are not visible as files")


def blocks() -> set[str]:
    return {path.name for path in SHARED.glob("psm_*")} if SHARED.is_dir() else set()


@pytest.fixture(scope="module")
def processes():
    before = blocks()
    pool = Processes(1)
    yield pool
    pool.close()
    assert blocks() <= before, "shared memory is left over"


def same(value):
    return value


def brighter(frame: Frame) -> Frame:
    return Frame(frame.y + 1, frame.u, frame.v)


def fail(value):
    raise ValueError(f"no {value.shape}")


def nap(seconds: float, value):
    time.sleep(seconds)
    return value


def die(value):
    os.kill(os.getpid(), signal.SIGKILL)


BIG = np.arange(SHARE_FROM, dtype=np.float32).reshape(64, -1)
VALUES = {
    "array": BIG,
    "nested": (BIG, [BIG.astype(np.int16), {"k": (BIG[:3], "text")}], None),
    "fortran": np.asfortranarray(BIG),
    "strided": BIG[::2, ::3],
    "read-only": np.broadcast_to(np.float64(3), (400, 400)),
    "records": np.zeros(9000, dtype=[("t", "<i8"), ("score", "<f4")]),
    "times": np.arange(20_000).astype("datetime64[ns]"),
    "masked": np.ma.masked_greater(np.arange(20_000), 5),
    "empty": np.zeros((0, 5)),
    "objects": np.array([{}, None] * 9000, dtype=object),
    "item": Item(3, "video", Frame(np.full((500, 500), 7, np.uint8)), epoch=4),
}


def equal(a, b) -> bool:
    if isinstance(a, np.ndarray):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, Item):
        return (a.pts, a.kind, a.epoch) == (b.pts, b.kind, b.epoch) and equal(a.data.y, b.data.y)
    return a == b


def test_values_come_back_equal_from_a_process(processes):
    async def main() -> None:
        for name, value in VALUES.items():
            if name == "objects":
                back = await processes.run(same, value)
                assert back.tolist() == value.tolist()
            else:
                assert equal(value, await processes.run(same, value)), name

    asyncio.run(main())


def test_what_a_process_returns_may_be_written(processes):
    async def main() -> None:
        back = await processes.run(same, BIG)
        back += 1
        assert np.array_equal(back, BIG + 1)

    asyncio.run(main())


def test_frames_cross_in_shared_memory(processes, monkeypatch):
    """The frame inside an item is large; what is pickled stays small."""
    from headrace.core import executor

    sizes = []
    dumps = executor.pickle.dumps
    monkeypatch.setattr(executor.pickle, "dumps", lambda *a, **k: sizes.append(len(made := dumps(*a, **k))) or made)
    graph, seen = Graph(clock := MeasuredClock()), Recorder(clock)
    frames = graph.source([Item(n, "video", Frame(np.full((480, 640), n, np.uint8))) for n in range(3)])
    graph.sink(seen, graph.map(brighter, frames, on=processes))
    graph.run()
    assert [int(frame.y[5, 5]) for frame in seen.data] == [1, 2, 3]
    assert max(sizes) < 2000


def test_an_error_in_a_process_is_the_operators(processes):
    graph = Graph(MeasuredClock())
    graph.sink(print, graph.map(fail, graph.source([Item(0, "n", BIG)]), on=processes, name="detector"))
    with pytest.raises(HeadraceError, match="operator 'detector' failed: ValueError: no"):
        graph.run()


@on_linux
def test_cancelled_mid_flight_leaves_no_shared_memory():
    before = blocks()
    pool = Processes(1)

    async def main() -> None:
        await pool.run(same, 0)
        for pause in (0, 0.001, 0.05):
            running = asyncio.create_task(pool.run(nap, 0.1, BIG))
            await asyncio.sleep(pause)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        assert np.array_equal(await pool.run(same, BIG), BIG), "the pool still works"

    asyncio.run(main())
    pool.close()
    assert blocks() <= before


@on_linux
def test_a_worker_that_dies():
    before = blocks()
    pool = Processes(1)

    async def main() -> None:
        with pytest.raises(StateError, match="worker process died while it ran die"):
            await pool.run(die, BIG)
        with pytest.raises(StateError, match="worker process died"):
            await pool.run(same, BIG)

    asyncio.run(main())
    pool.close()
    assert blocks() <= before


@pytest.mark.parametrize("clock", [WallClock, MeasuredClock, ZeroClock])
def test_threads_keep_the_order(clock):
    graph, threads = Graph(clock()), Threads(3)
    seen = Recorder(graph.clock)
    source = graph.source([Item(n, "n", n) for n in range(20)])
    graph.sink(seen, graph.map(lambda n: n * n, source, on=threads, edge=Block(4)), on=threads)
    graph.run()
    threads.close()
    assert seen.data == [n * n for n in range(20)]


def exhausted(value):
    return next(iter(()))


def test_a_stray_stop_iteration_is_an_error_and_not_a_hang(processes):
    async def main(pool) -> None:
        with pytest.raises(RuntimeError, match="exhausted raised StopIteration"):
            await asyncio.wait_for(pool.run(exhausted, 1), 60)

    threads = Threads()
    asyncio.run(main(threads))
    threads.close()
    asyncio.run(main(processes))
