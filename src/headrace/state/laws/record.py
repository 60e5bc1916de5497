"""Record: what a part asks of torch, and where its tensors lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

#: An operation and the shapes of the tensors it was given.
Op = tuple[str, tuple[tuple[int, ...], ...]]


class Ops(TorchDispatchMode):  # type: ignore[misc]
    """Within `with Ops() as ops:`, every dispatched operation; `ops.seen` lists them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Op] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append((str(func), tuple(_shapes((args, kwargs)))))
        return func(*args, **(kwargs or {}))


def places(tensors: Iterable[Tensor]) -> set[tuple[tuple[int, ...], str, int]]:
    """(shape, dtype, storage) of each tensor."""
    return {(tuple(one.shape), str(one.dtype), one.untyped_storage().data_ptr()) for one in tensors}


def _shapes(given: Any) -> Iterator[tuple[int, ...]]:
    if isinstance(given, Tensor):
        yield tuple(given.shape)
    elif isinstance(given, (list, tuple)):
        for one in given:
            yield from _shapes(one)
    elif isinstance(given, dict):
        yield from _shapes(list(given.values()))
