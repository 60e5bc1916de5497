"""calibrate: what it tries, and that it finds what a runner costs. Time here is what the runner says it took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
import torch

from headrace.core.errors import ConfigError, StateError
from headrace.core.stateful import Snapshot
from headrace.engine import calibrate as module
from headrace.engine.calibrate import RUNGS, Probes, calibrate
from headrace.engine.calibration import Calibration
from headrace.engine.cost import TERMS, Cost
from headrace.state import Container, Input, Layout, Policy, Session, Site, Work, cache, pin, recent

LAYOUT = Layout((Site("only", 1, 1, 2, 2),))
TRUE = Cost(3e-3, 5e-5, 4e-4, 6e-7, 7e-6, 4e-6)
PROBES = Probes(launches=80, first=4, rows=6, resident=64, seed=3)


@dataclass
class Machine:
    """A runner of numbers whose launches take what a cost model says, and the clock of it."""

    cost: Cost
    noise: Random | None = None
    now: float = 0.0
    launches: list[list[tuple[int, int]]] = field(default_factory=list)
    broken: bool = False

    def session(self, budget: int = 200) -> Session:
        policy = Policy(pin(tokens=4) + recent(tokens=budget), place=cache(), block=8)
        return Session(self, Container(LAYOUT, policy), {})  # type: ignore[arg-type]

    def take(self, session: Session, data: Any, stream: str, kind: str, pts: int) -> list[Input]:
        return [Input(data, stream, kind, pts)]

    def ready(self, session: Session) -> list[Work[Session]]:
        if not session.inbox:
            return [Work(session, "n", 1)] if session.wanted else []
        waiting = session.inbox[0]
        n = min(len(waiting.data), session.container.room())
        return [Work(session, "n", n, replace(waiting, data=waiting.data[:n]))]

    def run(self, work: Sequence[Work[Session]]) -> list[Any]:
        rows = [(one.units, one.session.container.entries) for one in work]
        self.launches.append(rows)
        self.now += self.cost.seconds(rows) * (self.noise.lognormvariate(0, 0.05) if self.noise else 1.0)
        for one in work:
            one.session.container.begin(one.units)
            one.session.container.write(0, torch.zeros(1, one.units, 2), torch.zeros(1, one.units, 2))
        return [StateError("the runner broke") if self.broken else None for _ in work]

    def apply(self, work: Work[Session], out: Any) -> None:
        if out is not None:
            raise out
        work.session.container.commit()
        if work.payload is None:
            work.session.wanted -= 1
            return
        waiting = work.session.inbox[0]
        waiting.data = waiting.data[work.units :]
        if not waiting.data:
            work.session.inbox.popleft()

    def fork(self, session: Session, policy: Policy | None) -> Session:
        return Session(self, session.container.fork(), {})  # type: ignore[arg-type]

    def save(self, session: Session) -> Snapshot:
        return session.container.snapshot()

    def restore(self, snapshot: Snapshot) -> Session:
        session = self.session()
        session.container.restore(snapshot)
        self.now += 1e-3 + 2e-9 * session.nbytes()
        return session

    def watch(self) -> Any:
        began = self.now

        class Watch:
            cpu = staticmethod(lambda: self.now - began)
            wall = staticmethod(lambda: 2 * (self.now - began))

        return Watch()


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Machine]:
    def make(cost: Cost = TRUE, **options: Any) -> Machine:
        machine = Machine(cost, **options)
        monkeypatch.setattr(module, "Stopwatch", machine.watch)
        return machine

    return make


def calibrated(runner: Machine, probes: Probes = PROBES, **options: Any) -> Calibration:
    def data(n: int, draw: Random) -> list[int]:
        return [draw.randrange(9) for _ in range(n)]

    return calibrate(runner, runner.session, data, probes, **options)  # type: ignore[arg-type]


def test_finds_what_launches_cost(clocked) -> None:
    found = calibrated(clocked(), machine="here", model="m", fingerprint="f")
    assert [getattr(found.cost, name) for name in TERMS] == pytest.approx([getattr(TRUE, name) for name in TERMS])
    assert (found.machine, found.model, found.fingerprint, found.seed) == ("here", "m", "f", 3)
    assert (found.fitted, len(found.ratios)) == (48, 32)
    assert found.held_out.mean < 1e-6
    assert found.reread is not None
    assert found.reread < 1e-6
    assert found.cost.piece == 8


def test_the_error_is_that_of_launches_it_was_not_fitted_to(clocked) -> None:
    found = calibrated(clocked(noise=Random(1)))
    assert 0.02 < found.held_out.mean < 0.08
    assert found.held_out.mean < found.held_out.p95
    assert len(set(found.ratios)) == len(found.ratios)


def test_tries_rows_ages_and_mixes_of_all_kinds(clocked) -> None:
    machine = clocked()
    calibrated(machine)
    tried = [rows for rows in machine.launches if len(rows) > 1]
    assert {len(rows) for rows in tried} == {2, 3, 4, 5, 6}
    flat = [row for rows in machine.launches for row in rows]
    assert {units for units, _ in flat} == set(range(1, 9))
    assert min(resident for _, resident in flat) == 0
    assert 64 <= max(resident for _, resident in flat) <= 64 + 2 * 8
    assert any(all(units == 1 for units, _ in rows) for rows in tried)
    assert any(all(units > 1 for units, _ in rows) for rows in tried)
    assert any(len({units > 1 for units, _ in rows}) == 2 for rows in tried)


def test_swapping_is_measured_by_bytes_held(clocked, tmp_path) -> None:
    without = calibrated(clocked()).cost
    assert (without.swap(1000), without.disk(1000)) == (0.0, 0.0)
    found = calibrated(machine := clocked(), restore=machine.restore, folder=tmp_path).cost
    assert (found.swap_base, found.swap_per_byte) == pytest.approx((1e-3, 2e-9))
    assert (found.disk_base, found.disk_per_byte) == pytest.approx((2e-3, 4e-9)), "to disk, it is wall time"
    assert not list(tmp_path.iterdir())


def test_equal_seeds_try_equal_launches(clocked) -> None:
    tried = []
    for seed in (3, 3, 4):
        calibrated(machine := clocked(), replace(PROBES, seed=seed))
        tried.append(machine.launches)
    assert tried[0] == tried[1]
    assert tried[0] != tried[2]


def test_wall_time_where_it_is_asked_for(clocked) -> None:
    found = calibrated(clocked(), replace(PROBES, wall=True)).cost
    assert found.base == pytest.approx(2 * TRUE.base)


def test_tells_how_far_it_is(clocked) -> None:
    seen: list[tuple[int, int]] = []
    calibrated(clocked(), progress=lambda done, of: seen.append((done, of)))
    assert seen == [(i, 84) for i in range(1, 85)]


def test_a_policy_that_keeps_less_is_measured_full(clocked) -> None:
    machine = clocked()
    machine.session = lambda: Machine.session(machine, 16)  # type: ignore[method-assign]
    calibrated(machine)
    residents = [resident for rows in machine.launches for _, resident in rows]
    assert max(residents) <= 4 + 16 + 2 * 8


def test_what_the_runner_cannot_do_comes_out(clocked) -> None:
    with pytest.raises(StateError, match="the runner broke"):
        calibrated(clocked(broken=True))


@pytest.mark.parametrize("wrong", [{"launches": 39}, {"rows": 0}, {"resident": RUNGS - 1}, {"first": -1}])
def test_refuses_too_few_probes(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Probes(**wrong)
