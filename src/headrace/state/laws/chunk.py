"""Law 1: what comes out does not depend on how the input was cut into calls."""

from __future__ import annotations

import random
from itertools import repeat

from headrace.state.laws.compare import relative
from headrace.state.laws.subject import Subject, broken, feed


def law_chunk(subject: Subject, seed: int = 0, most: float = 1e-9) -> None:
    """Outputs by input index are those of one input a call, for chunks of 7, 64, the whole and random ones.

    Args:
        most: relative difference that is allowed.

    Raises:
        AssertionError: they differ.
    """
    inputs = subject.inputs(8 * subject.capacity, seed)
    draw = random.Random(f"{seed}/chunk")
    expected = feed(subject, subject.open(seed=seed), inputs)
    cuts = {
        "7": repeat(7),
        "64": repeat(64),
        "all at once": repeat(len(inputs)),
        "random size": iter(lambda: draw.randint(1, 2 * subject.capacity), 0),
    }
    for name, chunks in cuts.items():
        far, at = relative(feed(subject, subject.open(seed=seed), inputs, chunks), expected)
        if not far <= most:
            what = f"inputs in chunks of {name}" if name != "all at once" else "inputs all at once"
            raise broken(1, subject, f"{what} differ from one at a time at output {at}: {far:.2g} > {most:g}")
