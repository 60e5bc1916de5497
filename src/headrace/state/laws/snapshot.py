"""Law 4: a session that was saved goes on as if it never had been."""

from __future__ import annotations

import tempfile
from pathlib import Path

from headrace.core.stateful import load, save
from headrace.state.laws.compare import altered, first_change, marks
from headrace.state.laws.subject import Subject, broken, feed

#: Inputs after the restored snapshot whose outputs are compared.
FURTHER = 64


def law_snapshot(subject: Subject, seed: int = 0) -> None:
    """Saved to a file and restored, into a fresh part and into a used one, it is the same and goes on the same.

    What a snapshot holds does not change afterwards, and `reset` leaves nothing behind.

    Raises:
        AssertionError: something was lost.
    """
    size = subject.capacity
    fresh = marks(subject.open(seed=seed))
    for begun, further in ((0, 1), (size // 2 + 1, size), (2 * size + 3, FURTHER)):
        inputs = subject.inputs(begun + further, seed)
        part, used = subject.open(seed=seed), subject.open(seed=seed)
        feed(subject, part, inputs[:begun])
        feed(subject, used, subject.inputs(size + 1, seed + 1))
        held = part.snapshot()
        state = marks(held)
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder, "state"), held)
            read = load(Path(folder, "state"))
        others = {"fresh": subject.open(seed=seed), "used": used}
        for name, other in others.items():
            other.restore(read)
            if (what := altered(state, marks(other))) is not None:
                raise broken(4, subject, f"restored into a {name} part after {begun} inputs, its {what} is another")
        expected = feed(subject, part, inputs[begun:])
        for name, other in others.items():
            if (index := first_change(feed(subject, other, inputs[begun:]), expected)) is not None:
                raise broken(4, subject, f"restored into a {name} part after {begun} inputs, output {index} is another")
            if (what := altered(marks(part), marks(other))) is not None:
                raise broken(4, subject, f"{further} inputs after it was restored, its {what} is another")
        for changed in (held, read):
            if (what := altered(state, marks(changed))) is not None:
                raise broken(4, subject, f"the snapshot after {begun} inputs changed afterwards: {what}")
        part.reset()
        if (what := altered(fresh, marks(part))) is not None:
            raise broken(4, subject, f"reset after {begun + further} inputs, its {what} is not that of a fresh part")
        again = inputs[:size]
        if (
            index := first_change(feed(subject, part, again), feed(subject, subject.open(seed=seed), again))
        ) is not None:
            raise broken(
                4, subject, f"reset after {begun + further} inputs, output {index} is not that of a fresh part"
            )
