"""Executors: where the function of an operator runs. Inline is the absence of one."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import accumulate
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Protocol, TypeVar

from headrace.core.errors import HeadraceError, StateError

T = TypeVar("T")
#: Buffers below this many bytes are pickled; from here on they cross by shared memory.
SHARE_FROM = 1 << 16


class Executor(Protocol):
    """Runs functions beside the event loop.

    Attributes:
        shares_memory: whether the function sees the caller's objects (a thread does, a process
            does not), and so whether a stateful operator may run there.
    """

    shares_memory: bool

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Await the function's result; cancelling the wait does not stop the function."""
        ...

    def close(self) -> None:
        """Wait for what runs, then free threads, processes and shared memory."""
        ...


class Threads:
    """A pool of threads: for functions that release the GIL (decoders, torch, onnxruntime)."""

    shares_memory = True

    def __init__(self, workers: int = 1, name: str = "headrace") -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, _guarded, function, *args)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class Processes:
    """A pool of spawned processes for plain functions; large arrays cross by shared memory.

    A function must be importable by name. Contiguous arrays of 64 KiB or more, wherever they lie in the
    arguments and in the result, are copied once into shared memory and once out of it; the rest is pickled.

    Raises:
        StateError: from `run`, if a worker process died; the pool is then unusable.
    """

    shares_memory = False

    def __init__(self, workers: int = 1) -> None:
        self._pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        parcel = _Parcel((function, args))
        work: Future[_Parcel] | None = None
        try:
            work = self._pool.submit(_call, parcel)
            result = await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, work.result))
        except BrokenProcessPool:
            name = getattr(function, "__qualname__", repr(function))
            raise StateError(f"a worker process died while it ran {name}; a new pool is needed") from None
        except asyncio.CancelledError:
            if work is not None:  # the worker may still write its answer
                work.add_done_callback(_abandon)
            raise
        finally:
            if work is None:
                parcel.free()
            else:  # cancelled while the worker may still read: free when it is done
                work.add_done_callback(lambda _: parcel.free())
        return result.open()  # type: ignore[no-any-return]

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class _Parcel:
    """A pickled value whose large buffers (pickle protocol 5, PEP 574) lie in one shared memory block."""

    def __init__(self, value: Any) -> None:
        large: list[memoryview] = []
        self.pickled = pickle.dumps(value, protocol=5, buffer_callback=partial(_set_apart, large))
        self.sizes = [buffer.nbytes for buffer in large]
        self.name: str | None = None
        if not large:
            return
        block = SharedMemory(create=True, size=sum(self.sizes))
        self.name = block.name
        for part, buffer in zip(self._parts(block), large, strict=True):
            part[:] = buffer
            part.release()
        block.close()

    def read(self) -> Any:
        """The value, with copies of the buffers."""
        if self.name is None:
            return pickle.loads(self.pickled)  # noqa: S301 - from our own process
        block = SharedMemory(self.name)
        copies = []
        for part in self._parts(block):
            copies.append(bytearray(part))
            part.release()
        block.close()
        return pickle.loads(self.pickled, buffers=copies)  # noqa: S301

    def free(self) -> None:
        if self.name is not None:
            block = SharedMemory(self.name)
            block.close()
            block.unlink()

    def open(self) -> Any:
        """`read`, then `free`."""
        try:
            return self.read()
        finally:
            self.free()

    def _parts(self, block: SharedMemory) -> Iterator[memoryview]:
        assert block.buf is not None
        for end, size in zip(accumulate(self.sizes), self.sizes, strict=True):
            yield block.buf[end - size : end]


def _set_apart(large: list[memoryview], buffer: pickle.PickleBuffer) -> bool:
    """Whether a buffer stays in the pickle; if not, add it to `large`."""
    raw = buffer.raw()
    if raw.nbytes < SHARE_FROM:
        return True
    large.append(raw)
    return False


def _call(parcel: _Parcel) -> _Parcel:
    """In the worker process. The block of the answer is the parent's to free."""
    function, args = parcel.read()
    return _Parcel(_guarded(function, *args))


def _guarded(function: Callable[..., T], *args: Any) -> T:
    """Call a function; its StopIteration, which no future can carry, becomes a RuntimeError (as in PEP 479)."""
    try:
        return function(*args)
    except StopIteration as error:
        raise RuntimeError(f"{getattr(function, '__qualname__', function)} raised StopIteration") from error


def _abandon(done: Future[_Parcel]) -> None:
    if not done.cancelled() and done.exception() is None:
        done.result().free()


def worker_error(name: str, error: BaseException) -> str:
    """One line for a failed operator."""
    if isinstance(error, HeadraceError):
        return str(error)
    return f"operator {name!r} failed: {type(error).__name__}: {error}".splitlines()[0]
