"""Law 5: a session is not worse for being old."""

from __future__ import annotations

from headrace.state.laws.compare import relative
from headrace.state.laws.subject import Subject, broken, feed

#: Where counters begin, and the relative difference that is allowed there.
STARTS = {2**31: 1e-6, 10**9: 1e-6, 10**12: 1e-3}


def law_shift(subject: Subject, seed: int = 0) -> None:
    """With counters of positions and times that begin at 2^31, 1e9 and 1e12, the outputs are those from 0 on.

    Raises:
        AssertionError: they differ.
    """
    inputs = subject.inputs(8 * subject.capacity, seed)
    expected = feed(subject, subject.open(seed=seed), inputs)
    for start, most in STARTS.items():
        far, at = relative(feed(subject, subject.open(start, seed), inputs), expected)
        if not far <= most:
            raise broken(5, subject, f"begun at {start}, output {at} differs from one begun at 0: {far:.2g} > {most:g}")
