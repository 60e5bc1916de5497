"""Executors: where the function of an operator runs. Inline is the absence of one."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Protocol, TypeVar

import numpy as np

from headrace.core.errors import HeadraceError, StateError

T = TypeVar("T")
#: Arrays below this many bytes are pickled; above, they cross by shared memory.
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
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class Processes:
    """A pool of spawned processes for plain functions; large arrays cross by shared memory.

    A function must be importable by name. Arrays among the arguments and in the result (alone, or
    in a tuple or list) of 64 KiB or more are copied once into shared memory and once out of it.

    Raises:
        StateError: from `run`, if a worker process died; the pool is then unusable.
    """

    shares_memory = False

    def __init__(self, workers: int = 1) -> None:
        self._pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        shared = [_share(argument) for argument in args]
        work: Future[Any] | None = None
        try:
            work = self._pool.submit(_call, function, shared)
            wrapped = asyncio.get_running_loop().run_in_executor(None, work.result)
            result = await asyncio.shield(wrapped)
            work = None
        except BrokenProcessPool:
            name = getattr(function, "__qualname__", repr(function))
            raise StateError(f"a worker process died while it ran {name}") from None
        finally:
            if work is None:
                _unlink(shared)
            else:  # cancelled while the worker may still read: free when it is done
                work.add_done_callback(lambda done: _abandon(done, shared))
        return _collect(result)  # type: ignore[no-any-return]

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


class _Shared:
    """An array in a shared memory block, by name. The receiver copies it out."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        block = SharedMemory(create=True, size=array.nbytes)
        self.name, self.shape, self.dtype = block.name, array.shape, array.dtype.str
        np.ndarray(array.shape, array.dtype, buffer=block.buf)[...] = array
        block.close()

    def read(self) -> np.ndarray[Any, Any]:
        block = SharedMemory(self.name)
        try:
            return np.ndarray(self.shape, self.dtype, buffer=block.buf).copy()
        finally:
            block.close()

    def unlink(self) -> None:
        block = SharedMemory(self.name)
        block.close()
        block.unlink()


def _share(value: Any) -> Any:
    big = isinstance(value, np.ndarray) and value.nbytes >= SHARE_FROM and not value.dtype.hasobject
    return _Shared(value) if big else value


def _unlink(values: list[Any]) -> None:
    for value in values:
        if isinstance(value, _Shared):
            value.unlink()


def _abandon(done: Future[Any], shared: list[Any]) -> None:
    _unlink(shared)
    if not done.cancelled() and done.exception() is None:
        _collect(done.result())


def _call(function: Callable[..., Any], shared: list[Any]) -> Any:
    """In the worker process. Blocks made here are the parent's to free."""
    result = function(*(value.read() if isinstance(value, _Shared) else value for value in shared))
    if type(result) in (tuple, list):
        return type(result)(_share(part) for part in result)
    return _share(result)


def _collect(value: Any) -> Any:
    if type(value) in (tuple, list):
        return type(value)(_collect(part) for part in value)
    if isinstance(value, _Shared):
        array = value.read()
        value.unlink()
        return array
    return value


def worker_error(name: str, error: BaseException) -> str:
    """One line for a failed operator."""
    if isinstance(error, HeadraceError):
        return str(error)
    return f"operator {name!r} failed: {type(error).__name__}: {error}".splitlines()[0]
