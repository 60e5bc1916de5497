"""Drawn: what may be ready, by hypothesis, and a job in a few words."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from headrace.engine.cost import Cost
from headrace.engine.job import Job
from headrace.engine.limits import Limits
from headrace.engine.ready import Ready
from headrace.engine.request import Slo

MS = 1_000_000
NOW = 10_000 * MS


def job(seq: int, todo_in: int = 0, todo_out: int = 1, slo: Slo | None = None, **given: Any) -> Job:
    given.setdefault("piece", max(todo_in, 1))
    given.setdefault("release", seq)
    return Job(f"s{seq}", seq, given.pop("release"), slo or Slo(), todo_in, todo_out, **given)


@st.composite
def slos(draw: st.DrawFn) -> Slo:
    kind = draw(st.sampled_from(["none", "first", "paced", "whole"]))
    ms = st.integers(1, 20_000).map(lambda n: n * MS)
    if kind == "first":
        return Slo(first=draw(ms))
    if kind == "paced":
        return Slo(first=draw(ms), every=draw(st.integers(1, 300)) * MS)
    return Slo(whole=draw(ms)) if kind == "whole" else Slo()


@st.composite
def jobs(draw: st.DrawFn, seq: int, promises: bool = True) -> Job:
    reads, done = draw(st.booleans()), draw(st.integers(0, 40))
    todo_in = draw(st.integers(1, 600)) if reads else 0
    return Job(
        session=f"s{seq}",
        seq=seq,
        release=draw(st.integers(0, NOW)),
        slo=draw(slos()) if promises else Slo(),
        todo_in=todo_in,
        todo_out=draw(st.integers(0 if reads else 1, 300)),
        done_in=draw(st.integers(0, 500)),
        done_out=0 if reads else done,
        piece=draw(st.integers(1, 600)) if reads else 1,
        atomic=reads and draw(st.booleans()),
        resident=draw(st.integers(0, 2000)),
        away=draw(st.sampled_from([0.0, 0.01])),
        value=draw(st.sampled_from([0.5, 1.0, 4.0])),
        program=draw(st.sampled_from(["", "a", "b"])),
        group=draw(st.sampled_from([None, 1, 2])),
        last_chunk=draw(st.integers(0, NOW)),
        open=reads and draw(st.booleans()),
    )


@st.composite
def readies(draw: st.DrawFn, promises: bool = True) -> Ready:
    count = draw(st.integers(1, 12))
    limits = Limits(
        rows=draw(st.integers(1, 6)),
        units=draw(st.integers(1, 800)),
        seconds=draw(st.sampled_from([float("inf"), 0.005, 0.05])),
    )
    served = draw(st.dictionaries(st.sampled_from(["", "a", "b"]), st.floats(0, 10), max_size=3))
    cost = draw(st.sampled_from([Cost(), Cost(base=0.01, per_pair=1e-7, per_entry=1e-6)]))
    found = tuple(draw(jobs(seq, promises)) for seq in range(count))
    return Ready(NOW, found, cost, limits, served, draw(st.sampled_from([0.0, 0.02])))
