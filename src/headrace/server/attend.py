"""Attending: work for somebody who may leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

T = TypeVar("T")


class Gone(Exception):  # not an error: nobody is there to be told
    """The client has left."""


async def attended(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do work until the client leaves; it is cancelled then.

    Raises:
        Gone: the client left.
    """
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(left(request.receive))
    try:
        await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise Gone
        return doing.result()
    finally:
        await dismiss(doing, leaving)


async def left(receive: Receive) -> None:
    """Return when the client has left; the request's body was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def dismiss(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have let go of what they held."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def together(sources: Sequence[AsyncIterator[T]]) -> AsyncIterator[tuple[int, T]]:
    """What several iterators bring, as it comes, each with the number of its iterator.

    Leaving it leaves all of them. What one raises is raised; the others are left then.
    """
    queue: asyncio.Queue[tuple[int, T | None, BaseException | None]] = asyncio.Queue()

    async def follow(number: int, source: AsyncIterator[T]) -> None:
        failed: BaseException | None = None
        try:
            async for item in source:
                queue.put_nowait((number, item, None))
        except Exception as error:  # raised where the items are read
            failed = error
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                with suppress(RuntimeError):
                    await close()
        queue.put_nowait((number, None, failed))

    tasks = [asyncio.ensure_future(follow(number, source)) for number, source in enumerate(sources)]
    try:
        going = len(tasks)
        while going:
            number, item, failed = await queue.get()
            if failed is not None:
                raise failed
            if item is None:
                going -= 1
            else:
                yield number, item
    finally:
        await dismiss(*tasks)
