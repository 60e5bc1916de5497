"""The small kinds of state take no more memory after 100,000 steps, with a transaction in each."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.laws.kinds import KINDS, Kind

STEPS, SETTLED, MOST = 100_000, 10_000, 1 << 20


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_memory_does_not_grow(kind: Kind) -> None:
    part, generator, before, most = kind.open(), np.random.default_rng(1), 0, kind.open().max_bytes()
    for step in range(STEPS + SETTLED):
        if step == SETTLED:
            before = resident()
        part.begin()
        kind.feed(part, kind.draw(generator))
        assert part.nbytes() <= most
        (part.rollback if step % 3 == 2 else part.commit)()
    grown = resident() - before
    assert grown < MOST, f"{grown} bytes more after {STEPS} steps"
