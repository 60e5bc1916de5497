"""calibrate: fit a cost model to a runner on the machine that it runs on."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.core.clock import Stopwatch
from headrace.core.errors import ConfigError
from headrace.core.stateful import Snapshot
from headrace.engine.calibration import Calibration
from headrace.engine.cost import Cost, Sample
from headrace.engine.leastsquares import nonnegative

if TYPE_CHECKING:
    from headrace.state import Session
    from headrace.state.session import Host

#: Ages at which sessions begin, and how probably one that was used is replaced by one of another age.
RUNGS, REPLACED = 8, 0.25
#: Shares of the rows of a launch that read; the others say a token.
READING = (0.0, 0.0, 0.25, 0.5, 1.0)
#: Of five launches, which are held out.
HELD_OUT = (1, 3)
#: Times that a state is saved and brought back, and read again.
REPEATS = 3


@dataclass(frozen=True, slots=True)
class Probes:
    """What is tried.

    Attributes:
        launches: that count; 60 % are fitted, 40 % held out.
        first: launches before them, which do not.
        rows: sessions in one launch at most.
        resident: entries of the oldest session; with an unbounded policy there must be room for two segments more.
        kind: of the inputs.
        wall: measure wall time, where the work is not this process's own (a GPU); else CPU time, which a neighbour on
            the machine disturbs less.
        seed: of everything drawn.

    Raises:
        ConfigError: a number is too small.
    """

    launches: int = 150
    first: int = 10
    rows: int = 16
    resident: int = 2048
    kind: str = "text"
    wall: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("launches", 40), ("first", 0), ("rows", 1), ("resident", RUNGS)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"Probes({name}={value!r}): give a whole number of {least} or more")


def calibrate(
    runner: Host,
    make_session: Callable[[], Session],
    make_data: Callable[[int, Random], Any],
    probes: Probes | None = None,
    *,
    restore: Callable[[Snapshot], Session] | None = None,
    folder: str | os.PathLike[str] | None = None,
    machine: str = "",
    model: str = "",
    fingerprint: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Run random launches, fit 60 % of them and compare with the rest.

    Launches of 1 to `rows` rows, spread evenly over the logarithm, in which none to all rows read 1 unit to a whole
    segment and the others say a token, over states of any age, are shuffled. A sample is what a tick does for its rows:
    asking what is ready, the launch, and writing its outcomes.

    Args:
        runner: runs sessions.
        make_session: opens one, of the policy that will be served.
        make_data: so many units of input, as `Session.push` takes it.
        probes: what is tried.
        restore: takes up a session from a snapshot; None: swapping is not measured and counts as free.
        folder: where swapping to disk is measured, in wall time; None: it is not, and counts as free.
        machine, model, fingerprint: to be noted.
        progress: called with launches done and in all.

    Raises:
        CapacityError: an unbounded policy has too little room for `resident`.
        StateError, InputError: the runner failed at what `make_data` gave.
    """
    probes = probes or Probes()
    draw = Random(probes.seed)
    trial = _Trial(runner, make_session, make_data, probes, draw)
    samples = []
    plan = trial.plan()
    for done, (rows, reading) in enumerate(plan, 1):
        samples.append(trial.launch(rows, reading))
        if progress is not None:
            progress(done, len(plan))
    samples = samples[probes.first :]
    held_out = [sample for i, sample in enumerate(samples) if i % 5 in HELD_OUT]
    fitted = [sample for i, sample in enumerate(samples) if i % 5 not in HELD_OUT]
    cost = replace(Cost.fit(fitted), piece=trial.segment)
    if restore is not None:
        base, each = _line(trial.swaps(restore))
        cost = replace(cost, swap_base=base, swap_per_byte=each)
    if restore is not None and folder is not None:
        base, each = _line(trial.swaps(restore, Path(folder)))
        cost = replace(cost, disk_base=base, disk_per_byte=each)
    again = trial.rereadings()
    return Calibration(
        cost=cost,
        machine=machine,
        model=model,
        fingerprint=fingerprint,
        seed=probes.seed,
        fitted=len(fitted),
        held_out=cost.error(held_out),
        reread=sum(abs(cost.recompute(n) / seconds - 1) for n, seconds in again) / len(again),
        ratios=tuple(cost.ratios(held_out)),
    )


class _Trial:
    """Sessions of all ages, and what is done with them.

    Attributes:
        segment: units of a whole segment, the longest piece that a launch takes.
        rungs: sessions of growing age, of which the others are forks; the first is empty.
        pool: sessions that launches are made of.
    """

    def __init__(
        self,
        runner: Host,
        make_session: Callable[[], Session],
        make_data: Callable[[int, Random], Any],
        probes: Probes,
        draw: Random,
    ) -> None:
        self.runner, self.make_session, self.make_data = runner, make_session, make_data
        self.probes, self.draw = probes, draw
        session = make_session()
        self.segment = session.container.room(kind=probes.kind)
        self.rungs = [session.fork()]
        for rung in range(1, RUNGS + 1):
            self.read(session, probes.resident * rung // RUNGS - probes.resident * (rung - 1) // RUNGS)
            self.rungs.append(session.fork())
        session.close()
        self.pool = [draw.choice(self.rungs).fork() for _ in range(probes.rows)]

    def plan(self) -> list[tuple[int, float]]:
        """Rows of each launch, and the share of them that reads."""
        n, most = self.probes.launches, self.probes.rows
        spread = [max(1, round(most ** (i / (n - 1)))) for i in range(n)]
        plan = [(rows, READING[i % len(READING)]) for i, rows in enumerate(spread)]
        self.draw.shuffle(plan)
        return plan[: self.probes.first] + plan

    def read(self, session: Session, n: int) -> None:
        """Let a session read n units, up to the boundary of a segment at a time."""
        while n > 0:
            piece = min(n, session.container.room(kind=self.probes.kind))
            session.push(self.make_data(piece, self.draw), kind=self.probes.kind)
            n -= piece

    def launch(self, rows: int, reading: float) -> Sample:
        """Run one launch, and replace some of its sessions."""
        places = self.draw.sample(range(len(self.pool)), rows)
        sessions = [self.pool[place] for place in places]
        for session in sessions:
            self._want(session, reading)
        resident = {id(session): session.container.entries for session in sessions}
        watch = Stopwatch()
        work = [self.runner.ready(session)[0] for session in sessions]
        work = [one for one in work if one.shape == work[0].shape]
        for one, out in zip(work, self.runner.run(work), strict=True):
            self.runner.apply(one, out)
        seconds = self._seconds(watch)
        shape = [(one.units, resident[id(one.session)]) for one in work]
        for place, session in zip(places, sessions, strict=True):
            session.inbox.clear()
            session.outbox.clear()
            session.wanted = 0
            if self.draw.random() < REPLACED or session.container.entries > self.probes.resident + self.segment:
                session.close()
                self.pool[place] = self.draw.choice(self.rungs).fork()
        return shape, seconds

    def swaps(self, restore: Callable[[Snapshot], Session], folder: Path | None = None) -> list[tuple[int, float]]:
        """Bytes held, and seconds to save them and bring them back, by way of a file if there is a folder."""
        found = []
        for _ in range(REPEATS):
            for session in self.rungs[1:]:
                watch = Stopwatch()
                if folder is None:
                    back = restore(session.snapshot())
                    seconds = self._seconds(watch)
                else:
                    with tempfile.TemporaryDirectory(dir=folder) as place:
                        watch = Stopwatch()
                        session.snapshot().save(Path(place) / "session.safetensors")
                        back = restore(Snapshot.load(Path(place) / "session.safetensors"))
                        seconds = watch.wall()
                found.append((back.nbytes(), seconds))
                back.close()
        return found

    def rereadings(self) -> list[tuple[int, float]]:
        """Units read from the beginning, and seconds for it."""
        found = []
        for part in range(1, REPEATS + 1):
            n = max(1, self.probes.resident * part // REPEATS)
            with self.make_session() as session:
                watch = Stopwatch()
                self.read(session, n)
                found.append((n, self._seconds(watch)))
        return found

    def _want(self, session: Session, reading: float) -> None:
        """Give a session something to read, or a token to say."""
        if session.container.count and self.draw.random() >= reading:
            session.wanted = 1
            return
        room = session.container.room(kind=self.probes.kind)
        n = min(room, max(1, round(self.segment ** self.draw.random())))
        session.inbox.extend(self.runner.take(session, self.make_data(n, self.draw), "main", self.probes.kind, 0))

    def _seconds(self, watch: Stopwatch) -> float:
        return watch.wall() if self.probes.wall else watch.cpu()


def _line(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Seconds at 0 bytes and a byte, of least relative error, none below 0."""
    seconds = np.array([seconds for _, seconds in points])
    matrix = np.array([(1.0, float(nbytes)) for nbytes, _ in points]) / seconds[:, None]
    base, each = nonnegative(matrix, np.ones(len(points))).tolist()
    return base, each
