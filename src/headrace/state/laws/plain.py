"""Law 6: while nothing was evicted, a session is the model itself."""

from __future__ import annotations

import random

from headrace.state.laws.compare import relative
from headrace.state.laws.subject import Referenced, Subject, broken, feed, untried


def law_plain(subject: Subject, seed: int = 0, most: float = 1e-6) -> None:
    """The outputs of the first C inputs, in random chunks, are those of the reference.

    Args:
        most: relative difference that is allowed; 1e-4 against an untouched model in float32.

    Raises:
        AssertionError: they differ.
        ConfigError: the subject has no reference.
    """
    if not isinstance(subject, Referenced):
        raise untried(6, subject, "it has no plain(inputs); give one, or say in `exempt` why not")
    inputs = subject.inputs(subject.capacity, seed)
    draw = random.Random(f"{seed}/plain")
    chunks = (draw.randint(1, 7) for _ in inputs)
    far, at = relative(feed(subject, subject.open(seed=seed), inputs, chunks), subject.plain(inputs))
    if not far <= most:
        raise broken(6, subject, f"output {at} differs from the reference: {far:.2g} > {most:g}")
