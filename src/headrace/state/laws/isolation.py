"""Law 7: whatever happens to a session, its neighbours in the step do not notice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headrace.core.errors import HeadraceError
from headrace.core.stateful import Snapshot
from headrace.state.laws.compare import altered, first_change, marks
from headrace.state.laws.subject import Mixed, Subject, broken

#: Makes other neighbours of two; None: it does not apply to these.
Change = Callable[[list[Any]], list[Any] | None]


def law_isolation(subject: Subject, seed: int = 0) -> None:
    """A row between two others gives the same bits whether these are left alone, reset, replaced, of another policy,
    restored from a state full of NaN, or fed with NaN; all at equal shapes of the batch.

    Where NaN is refused, the refusal leaves the row as it was.

    Raises:
        AssertionError: it noticed.
    """
    size = subject.capacity
    expected, state = _run(subject, seed, lambda pair: pair, spoil=False)
    changes: dict[str, tuple[Change, bool]] = {
        "reset": (_reset, False),
        "replaced": (lambda _: [subject.open(seed=seed + 7 + k) for k in range(2)], False),
        "full of NaN": (_spoilt, False),
        "fed with NaN": (lambda pair: pair, True),
    }
    if isinstance(subject, Mixed):
        changes["of another policy"] = lambda _: list(subject.strangers(seed))[:2], False
    for name, (change, spoil) in changes.items():
        outputs, after = _run(subject, seed, change, spoil)
        if (index := first_change(outputs, expected[: len(outputs)])) is not None:
            raise broken(7, subject, f"output {index} is another when neighbours are {name} after {size} inputs")
        if len(outputs) == len(expected) and (what := altered(state, after)) is not None:
            raise broken(7, subject, f"its {what} is another when neighbours are {name} after {size} inputs")


def _run(subject: Subject, seed: int, change: Change, spoil: bool) -> tuple[list[Any], dict[str, str]]:
    """Outputs and state of the row between two neighbours that change after C of 2C inputs."""
    size = subject.capacity
    streams = [subject.inputs(2 * size, seed + k) for k in range(3)]
    left, part, right = (subject.open(seed=seed + k) for k in range(3))
    pair: list[Any] = [left, right]
    outputs: list[Any] = []
    for at in range(2 * size):
        if at == size:
            changed = change(pair)
            pair = pair if changed is None else changed
        before = marks(part) if spoil and at >= size else {}
        one, own, other = (stream[at : at + 1] for stream in streams)
        if before:
            one, other = ([poisoned(value) for value in given] for given in (one, other))
        try:
            outputs += subject.step([(pair[0], one), (part, own), (pair[1], other)])[1]
        except HeadraceError:
            if not before:
                raise
            if (what := altered(before, marks(part))) is not None:
                raise broken(
                    7, subject, f"its neighbours' NaN was refused at input {at}, but its {what} changed"
                ) from None
            break
    return outputs, marks(part)


def poisoned(value: Any) -> Any:
    """The same with NaN for every float; what holds none is given back."""
    if isinstance(value, Tensor):
        return torch.full_like(value, torch.nan) if value.is_floating_point() else value
    if isinstance(value, np.ndarray):
        return np.full_like(value, np.nan) if value.dtype.kind == "f" else value
    if isinstance(value, float):
        return np.nan
    if isinstance(value, (list, tuple)):
        return type(value)(poisoned(one) for one in value)
    return {key: poisoned(one) for key, one in value.items()} if isinstance(value, dict) else value


def _reset(pair: Sequence[Any]) -> list[Any]:
    for part in pair:
        part.reset()
    return list(pair)


def _spoilt(pair: Sequence[Any]) -> list[Any] | None:
    """Neighbours whose arrays are NaN; None if they take no such snapshot."""
    for part in pair:
        held = part.snapshot()
        arrays = {name: poisoned(array) for name, array in held.arrays.items()}
        try:
            part.restore(Snapshot(held.kind, held.meta, arrays))
        except HeadraceError:
            return None
    return list(pair)
