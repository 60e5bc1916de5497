"""Capacity: what is asked, what is found, and that the simulator does what the engine does."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import pytest

from headrace.apps.capacity import words
from headrace.apps.capacity.answer import Answer, answer
from headrace.apps.capacity.figures import figures, percent, quantile
from headrace.apps.capacity.find import Point, Question, Search, largest, noisy
from headrace.apps.capacity.load import Load
from headrace.apps.capacity.simulated import Priced, Setting, priced, run
from headrace.apps.capacity.trace import requests_of
from headrace.core.clock import Stopwatch
from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.engine.admission import Admission
from headrace.engine.cost import Cost
from headrace.engine.lane import Lane
from headrace.engine.limits import Limits
from headrace.engine.request import NEVER, Chunk, Request, Slo
from headrace.engine.schedulers.registry import scheduler_of
from headrace.engine.simulator import Machine, Measured, Outcome, Replica, simulate

MS = SECOND // 1000
COST = Cost(0.01)
#: Every tick takes 10 ms, whatever is in it; four sessions a tick.
PLAIN = Priced(COST, "a machine of the test", block=64)
QUESTION = Question(
    Load.parse("live:period=1s,chunk=8,reply=7"),
    Slo(whole=SECOND),
    limits=Limits(rows=4),
    budget=100,
    seconds=20,
    seeds=2,
)
#: The same, five times as slow.
SLOW = replace(PLAIN, cost=Cost(0.05))


def machine(scheduler: str = "fcfs", cost: Cost = COST, limits: Limits | None = None, **more: object) -> Machine:
    return Machine(Lane(scheduler_of(scheduler), cost, limits or Limits(rows=4)), **more)  # type: ignore[arg-type]


# ── what is typed ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("1.5s", 1.5), ("2m", 120), (".25", 0.25), ("40us", 4e-5)]
)
def test_a_duration_has_a_unit_or_is_in_seconds(text: str, seconds: float) -> None:
    assert words.seconds(text, "x") == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "0", "-1s", "1 s s", "nan", "inf", "1d", "1e9s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="first"):
        words.seconds(text, "first")


def test_a_promise_is_read_and_told() -> None:
    slo = words.promise("first=500ms, every=100ms")
    assert slo == Slo(first=500 * MS, every=100 * MS)
    assert words.told(slo) == "first 500 ms, every 100 ms"


@pytest.mark.parametrize("text", ["", "every=1s", "soon=1s", "first", "first=1s,first=2s", "first=x"])
def test_a_promise_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        words.promise(text)


@pytest.mark.parametrize(
    "text",
    ["", "dead", "live:think=1s", "live:chunk=0", "live:reply=1.5", "live:every=0", "people:reply=0", "live:period=0"],
)
def test_a_load_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        Load.parse(text)


@pytest.mark.parametrize("text", ["live:every=2", "people:think=1s"])
def test_more_sessions_change_nothing_for_those_that_were_there(text: str) -> None:
    load = Load.parse(text)
    few, many = (load(n, 6.0, Slo(first=SECOND), 100, 3) for n in (4, 9))
    mine = {one.session for one in few}
    assert [one for one in many if one.session in mine] == few
    assert len({one.session for one in many}) == 9


def test_states_are_full_from_the_beginning_and_of_several_ages() -> None:
    first: dict[str, Request] = {}
    for request in Load()(9, 3.0, Slo(first=SECOND), 100, 0):
        assert (request.brought == 0) == (request.session in first)
        first.setdefault(request.session, request)
    assert {one.brought for one in first.values()} == {100 + 8 * i for i in range(8)}


# ── the search ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_largest_number_is_found_from_anywhere() -> None:
    draw = Random(5)
    for _ in range(300):
        most = draw.randint(1, 200)
        limit, near = draw.randint(0, most + 5), draw.randint(0, 250)
        asked: list[int] = []

        def holds(n: int, limit: int = limit, asked: list[int] = asked) -> bool:
            asked.append(n)
            return n <= limit

        assert largest(holds, near, most) == min(limit, most)
        assert all(1 <= n <= most for n in asked)
        assert len(asked) == len(set(asked)) <= 20


def test_capacity_is_what_can_be_counted() -> None:
    """A session needs 8 rows a second of the 80 that there are, and so 10 fit; a twelfth does not."""
    found = Search(QUESTION, "least-slack", SLOW).found()
    assert 9 <= found.low <= found.sessions <= found.high <= 11
    assert found.slower < found.sessions
    rates = {point.sessions: point.rate for point in found.curve}
    assert rates[found.sessions] >= 0.98 > rates[max(rates)]
    assert list(rates) == sorted(rates)


def test_a_share_that_is_never_reached_has_no_capacity() -> None:
    slower = replace(PLAIN, cost=Cost(2.0))
    assert Search(QUESTION, "fcfs", slower).found().sessions == 0


def test_noise_is_of_the_calibrated_cost_and_does_not_feed_back() -> None:
    """The engine's own predictions follow the machine; durations must not follow the predictions."""
    duration = noisy(replace(PLAIN, ratios=(2.0,)), 0)
    assert duration is not None
    outcome = simulate(QUESTION.requests(10, 0), QUESTION.machine("fcfs", PLAIN), duration=duration)
    assert outcome.busy[0] / outcome.ticks[0] == pytest.approx(0.02)
    assert noisy(PLAIN, 0) is None


def test_equal_seeds_equal_answers() -> None:
    noise = replace(SLOW, ratios=(0.8, 1.0, 1.3))
    first, second = (Search(QUESTION, "fcfs", noise).point(12) for _ in range(2))
    assert first == second
    assert first.hits[0] != first.hits[1]


# ── a replica ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_inputs_that_are_read_together_end_together_each_by_its_own_promise() -> None:
    """While another session is served, two inputs of one wait."""
    requests = [
        Request(0, 8, 30, session="other", slo=Slo()),
        Request(1 * MS, 8, 0, session="a", slo=Slo(first=1)),
        Request(2 * MS, 8, 0, session="a", slo=Slo(first=SECOND)),
        Request(3 * MS, 8, 2, session="a", slo=Slo(first=SECOND)),
    ]
    served = simulate(requests, machine(limits=Limits(rows=1))).served
    assert [one.end is not None for one in served] == [True] * 4
    assert [one.hits for one in served[1:]] == [0, 1, 2]
    assert [len(one.times) for one in served[1:]] == [1, 1, 2]
    assert served[1].times == served[2].times


def test_what_is_refused_does_not_stand_in_the_way() -> None:
    bound = Admission(sessions=1)
    requests = [Request(0, 8, 3, session="a"), Request(0, 8, 3, session="b"), Request(SECOND, 8, 3, session="a")]
    served = simulate(requests, machine(admission=bound)).served
    assert [bool(one.refused) for one in served] == [False, True, False]
    assert [one.end is not None for one in served] == [True, False, True]


def test_what_comes_during_a_tick_is_seen_after_it() -> None:
    """An update in the middle of the tick that reads what it replaces."""
    requests = [Request(0, 100, 2, chunks=(Chunk(5 * MS, 20, 40),))]
    outcome = simulate(requests, machine(remember=1 << 20))
    (served,) = outcome.served
    assert served.release == 5 * MS
    assert served.times == [30 * MS, 40 * MS]
    assert outcome.ticks == [4]


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_figures_count_what_was_sent_and_not_only_what_came() -> None:
    requests = [Request(0, 8, 4, slo=Slo(first=15 * MS, every=10 * MS)), Request(0, 8, 4, slo=Slo(first=SECOND))]
    outcome = simulate(requests, machine(limits=Limits(rows=1)), until=95 * MS)
    found = figures(outcome)
    assert (found.sent, found.wanted, found.made, found.hits) == (2, 8, 7, 3)
    assert found.hit_rate == 3 / 8
    assert (found.finished, found.kept, found.ticks) == (1, 0, outcome.ticks[0])
    assert found.tardiness == pytest.approx((0.005, 0.005))


def test_figures_of_nothing_are_none() -> None:
    found = figures(Outcome([], [0], [0.0]))
    assert math.isnan(found.hit_rate)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["first"] == [None, None, None]


def test_quantiles_are_values_that_were_there() -> None:
    assert quantile([1, 2, 3, 4], 0.5) == 2
    assert quantile([1, 2, 3, 4], 0.99) == 4
    assert math.isnan(quantile([], 0.5))


def test_a_share_does_not_look_whole_unless_it_is() -> None:
    assert [percent(share) for share in (1.0, 0.99999, 0.5, 0.0)] == ["100.0 %", "99.999 %", "50.0 %", "0.0 %"]


# ── simulate ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_simulation_says_that_it_is_one_and_runs_every_scheduler() -> None:
    requests = requests_of("synthetic:chat:rate=4,seconds=5,reply=16,prompt=32", promised={"first": 0.2, "every": 0.1})
    made = run(Setting("chat", requests, PLAIN, ("fcfs", "edf"), replicas=2, route="power-of-two"))
    assert made.to_json()["simulated"] is True
    assert made.title().startswith("simulated: ")
    assert list(made.found) == ["fcfs", "edf"]
    assert all(one.finished == len(requests) for one in made.found.values())


def test_a_trace_of_shared_prefixes_reads_them_once() -> None:
    requests = requests_of("synthetic:shared_prefix:groups=2,members=6,prefix=256,spread=0")
    found = run(Setting("x", requests, PLAIN, ("grouped",), limits=Limits(rows=4, bytes=1 << 62))).found["grouped"]
    assert found.reused >= 2 * 5 * 128


def test_sessions_make_room_and_nothing_is_lost() -> None:
    requests = requests_of("synthetic:live:sessions=6,seconds=4,chunk=16,reply=4")
    swaps = replace(PLAIN, cost=Cost(0.01, swap_base=0.005), entry_bytes=10)
    setting = Setting("x", requests, swaps, ("fcfs",), limits=Limits(rows=4, bytes=2_560), budget=100)
    found = run(setting).found["fcfs"]
    assert found.finished == found.sent
    assert found.parked > 0
    assert found.tick == pytest.approx(0.01 + 0.005 * found.parked / found.ticks, rel=0.05)
    assert found.tick > 0.0101


@pytest.mark.parametrize(
    ("trace", "options", "said"),
    [
        ("nowhere.csv", {}, "no such file"),
        ("synthetic:talk", {}, "no load 'talk'"),
        ("synthetic:chat:tempo=3", {}, "not 'tempo'"),
        ("synthetic:chat:prompt=1.5", {}, "whole number"),
        ("synthetic:live", {"rate": 3.0}, "sessions="),
        ("synthetic:chat", {"horizon": 0.001}, "no request is left"),
    ],
)
def test_a_trace_that_cannot_be_run_says_why(trace: str, options: dict[str, float], said: str) -> None:
    with pytest.raises((ConfigError, InputError), match=said):
        requests_of(trace, **options)  # type: ignore[arg-type]


def test_costs_come_by_name_or_file() -> None:
    assert "tiny-llama" in priced("zoo:tiny-llama").told
    assert "OPT-13B" in priced("opt-13b").told
    with pytest.raises(InputError, match="headrace calibrate"):
        priced("nowhere.json")


# ── the answer ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def simulated() -> Answer:
    return answer(QUESTION, ["least-slack", "fcfs"], SLOW)


def test_an_answer_says_which_of_it_is_simulated(simulated: Answer) -> None:
    said = json.loads(json.dumps(simulated.to_json(), allow_nan=False))
    for one in said["schedulers"].values():
        assert one["simulated"] is True
        assert one["engine"] is None
        assert one["low"] <= one["sessions"] <= one["high"]
    assert [len(simulated.cells(name)) for name in simulated.found] == [7, 7]


def test_the_picture_is_drawn(simulated: Answer) -> None:
    pytest.importorskip("matplotlib")
    from headrace.apps.capacity.picture import png

    assert png(simulated).startswith(b"\x89PNG")


def test_all_curves_begin_at_one_number(simulated: Answer) -> None:
    begins = {one.curve[0].sessions for one in simulated.found.values()}
    assert len(begins) == 1
    for one in simulated.found.values():
        at = [point.sessions for point in one.curve]
        assert at == sorted(set(at))


def test_a_table_leaves_out_what_was_not_run(simulated: Answer) -> None:
    head, rule, *rows = [line for line in simulated.markdown().splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in head.strip("|").split("|")] == [
        "scheduler",
        "sessions, simulated",
        "over runs",
        "if 10 % slower",
    ]
    assert [row.split("|")[1].strip() for row in rows] == list(simulated.found)
    assert rule.count("|") == head.count("|")


def test_progress_names_the_scheduler_and_what_comes_after_the_last_request() -> None:
    said: list[str] = []
    requests = [Request(0, 8, 400), Request(SECOND, 8, 400)]
    run(
        Setting("x", requests, replace(PLAIN, cost=Cost(0.01)), ("fcfs", "edf")),
        lambda what, done, total: said.append(what),
    )
    assert said[0] == "simulating fcfs (1 of 2)"
    assert "simulating edf (2 of 2), 1 s past the last request" in said


def test_points_without_anything_sent_hold() -> None:
    assert Point(1, (0,), (0,)).rate == 1.0


# ── the engine itself ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def lm() -> Iterator[object]:
    pytest.importorskip("transformers")
    import torch

    from headrace.models.hf.load import load

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load("zoo:tiny-llama")
    torch.set_num_threads(threads)


def _fresh(sessions: int) -> list[Request]:
    """Sessions that begin with nothing, several exchanges each, some in chunks."""
    draw, found = Random(7), []
    for number in range(sessions):
        for exchange in range(3):
            chunks = (Chunk(20 * MS, draw.randint(1, 40)),) if exchange == 0 and number % 2 else ()
            found.append(
                Request(
                    (exchange * 150 + draw.randint(0, 100)) * MS,
                    draw.randint(1, 90),
                    draw.choice((0, 3, 6)),
                    session=f"s-{number}",
                    slo=Slo(first=80 * MS, every=20 * MS),
                    chunks=chunks,
                )
            )
    return sorted(found, key=lambda request: request.arrival)


@pytest.mark.parametrize("load", ["full", "fresh"])
@pytest.mark.parametrize("scheduler", ["least-slack", "fcfs", "prefill-first"])
def test_recorded_ticks_give_the_same_plans_and_times_in_the_simulator(lm: object, load: str, scheduler: str) -> None:
    """What the engine did with a model, tick by tick and nanosecond by nanosecond, from its durations alone."""
    from headrace.apps.capacity.subject import Words, machine_of

    budget = 100
    lane = Lane(scheduler_of(scheduler), Cost(2e-3, per_row=5e-4, per_unit=2e-5), Limits(rows=3, units=70))
    one = machine_of(lane, budget, 64, len(lm.opening))  # type: ignore[attr-defined]
    asked = Load.parse("live:period=200ms,chunk=24,reply=4")
    slo = Slo(first=80 * MS, every=20 * MS)
    requests = asked(5, 0.6, slo, budget, 1) if load == "full" else _fresh(5)
    replicas: list[Measured] = []

    def make(machine: Machine, number: int) -> Replica:
        replicas.append(Measured(machine, number, Words(lm, budget), Stopwatch.cpu))  # type: ignore[arg-type]
        return replicas[-1]

    real = simulate(requests, one, make=make)
    (replica,) = replicas
    recorded, plans = iter(replica.samples), []

    def duration(number: int, rows: Sequence[tuple[int, int]], predicted: float) -> float:
        plans.append(list(rows))
        return next(recorded)[1]

    again = simulate(requests, one, duration=duration)
    assert plans == [rows for rows, _ in replica.samples]
    assert len(plans) > 20
    for left, right in zip(real.served, again.served, strict=True):
        assert (left.times, left.due, left.end, left.read) == (right.times, right.due, right.end, right.read)
    assert real.end == again.end


@pytest.mark.slow
def test_the_engine_bears_what_the_simulator_says(lm: object) -> None:
    """Within a session, or a tenth of them: a machine that others use is not steadier than that."""
    from headrace.apps.capacity.measure import measure

    question = Question(
        Load.parse("live:period=1s,chunk=64,reply=40"),
        Slo(first=500 * MS, every=50 * MS),
        limits=Limits(rows=8, units=128),
        budget=508,
        seconds=6.0,
        seeds=3,
    )
    known = Priced.of(measure(lm, budget=508, rows=8, launches=200))  # type: ignore[arg-type]
    found = answer(question, ["least-slack"], known, lm, real=True)  # type: ignore[arg-type]
    real = found.verified["least-slack"]
    assert real.sessions is not None
    assert real.bounded
    simulated = found.found["least-slack"].sessions
    assert abs(real.sessions - simulated) <= max(1, 0.1 * simulated)


def test_never_is_no_promise() -> None:
    assert words.told(Slo()) == "nothing promised"
    assert Slo().first == NEVER
