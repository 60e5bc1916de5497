"""Systems run online: what they get, when, and what their words are stamped with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import MS, SECOND, Emission, Item, emission_id
from headrace.core.trace import Trace, read_trace
from headrace.evaluation.benchmark import Stream, Task
from headrace.evaluation.online import Prompt, prompts, run_online
from headrace.evaluation.replay import emissions
from headrace.evaluation.timing import Timing, costs_of
from headrace.evaluation.truth import Event, Exchange, Question
from headrace.testing import assert_deterministic, leak_test


def item(pts: int, kind: str = "video", data: Any = None) -> Item:
    return Item(pts, kind, pts if data is None else data, pts)


def word(text: str, at: int, cause: str | None = None, seen: int = 0) -> Emission:
    return Emission(emission_id("s", text, at), "answer", {"text": text}, at, at, -1, seen, cause=cause)


@dataclass
class Diary:
    """Writes down what it gets; answers every prompt with the newest frame."""

    name: str = "diary"
    every: int | None = None
    sound: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    got: list[tuple[str, int]] = field(default_factory=list)
    newest: int = -1

    def open(self, stream: str) -> Diary:
        return self

    def observe(self, item: Item) -> Iterable[Emission]:
        self.got.append((item.kind, item.pts))
        self.newest = item.data
        return ()

    def ask(self, prompt: Prompt, now: int) -> Iterator[Emission]:
        self.got.append((prompt.id, now))
        yield word(str(self.newest), now, prompt.id)

    def finish(self) -> Iterable[Emission]:
        self.got.append(("finish", 0))
        return ()


def asking(*times: float) -> Stream:
    return Stream("s", "", tuple(Task(f"q{t:g}", "now", Question(round(t * SECOND), "?")) for t in times))


SECONDS = [item(t * SECOND) for t in range(6)]


def test_prompts_come_at_their_times_and_behind_what_arrives_with_them() -> None:
    diary = Diary()
    ran = run_online(diary, asking(3, 1.5), SECONDS, Timing())
    seen = [("video", 0), ("video", SECOND), ("q1.5", 3 * SECOND // 2), ("video", 2 * SECOND), ("video", 3 * SECOND)]
    assert diary.got == [*seen, ("q3", 3 * SECOND), ("finish", 0)]  # behind the last question nothing is read
    assert [(one.cause, one.t_emit, one.source) for one in ran.emissions] == [
        ("q1.5", 3 * SECOND // 2, "s"), ("q3", 3 * SECOND, "s"),
    ]  # fmt: skip
    assert (ran.skipped, ran.end) == (0, 3 * SECOND)


def test_a_stream_with_other_tasks_is_read_to_its_end_and_a_prompt_behind_it_is_put() -> None:
    diary = Diary()
    standing = Task("wait", "alert", Event(SECOND, SECOND), "tell me", {"asked": 2 * SECOND})
    late = Task("late", "now", Question(9 * SECOND, "?"))
    run_online(diary, Stream("s", "", (standing, late)), SECONDS, Timing())
    assert diary.got[3:] == [
        ("wait", 2 * SECOND), *(("video", t * SECOND) for t in (3, 4, 5)), ("late", 9 * SECOND), ("finish", 0),
    ]  # fmt: skip


def test_a_prompt_tells_nothing_of_the_truth() -> None:
    tasks = (
        Task("a", "now", Question(5, "which?", ("x", "y"), "y", ((1, 2),)), "which? A. x B. y"),
        Task("b", "turn", Exchange(3, 4, 9, "hello", "secret")),
        Task("c", "alert", Event(7, 8, "secret"), "tell me"),
        Task("d", "alert", Event(7, 8, "secret")),
    )
    told = prompts(Stream("s", "", tasks))
    assert [(one.arrival, one.data) for one in told] == [
        (0, Prompt("c", "alert", "tell me", "tell me", None, True)),
        (3, Prompt("b", "turn", "hello", "hello")),
        (5, Prompt("a", "now", "which? A. x B. y", "which?", ("x", "y"))),
    ]
    assert "secret" not in repr(told)


@pytest.mark.parametrize(
    ("late", "seen", "skipped"),
    [("newest", [0, 2, 5], 3), ("queue", [0, 1, 4, 5], 2), ("every", [0, 1, 2, 3, 4, 5], 0)],
)
def test_what_comes_while_a_step_runs(late: Any, seen: list[int], skipped: int) -> None:
    """A frame a second, and 2.5 s for each: the newest is taken, or the newest two, or all of them, late."""
    diary = Diary()
    timing = Timing("profile", late, queue=2, costs={"observe": 5 * SECOND // 2})
    ran = run_online(diary, Stream("s", "", ()), SECONDS, timing)
    assert [pts // SECOND for kind, pts in diary.got if kind == "video"] == seen
    assert ran.skipped == skipped
    assert ran.end == len(seen) * 5 * SECOND // 2


def test_a_late_prompt_is_never_lost_and_its_answer_is_late() -> None:
    diary = Diary()
    timing = Timing("profile", "newest", costs={"observe": 5 * SECOND // 2, "ask": SECOND})
    ran = run_online(diary, asking(1, 1.25, 5), SECONDS, timing)
    assert [(one.cause, one.t_emit / SECOND) for one in ran.emissions] == [("q1", 3.5), ("q1.25", 4.5), ("q5", 10.5)]


def test_sound_and_pictures_do_not_push_each_other_out() -> None:
    both = sorted([*SECONDS, *(item(t * SECOND, "audio") for t in range(6))], key=lambda one: one.arrival)
    diary = Diary()
    run_online(diary, Stream("s", "", ()), both, Timing("profile", "newest", costs={"observe": 10 * SECOND}))
    assert diary.got[1:] == [("video", 5 * SECOND), ("audio", 5 * SECOND), ("finish", 0)]


def test_the_trace_tells_all_and_costs_come_out_of_it(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "t.jsonl", {"stream": "s"})
    timing = Timing("profile", costs={"observe": 10 * MS, "ask": (1 * MS, 3 * MS)}, seed=4)
    ran = run_online(Diary(), asking(1, 2, 3, 4), SECONDS, timing, trace)
    trace.end(ran.end)
    trace.close()
    assert emissions(trace.path) == ran.emissions
    costs = costs_of([trace.path])
    assert costs["observe"] == (10 * MS,) * 5
    assert set(costs["ask"]) == {1 * MS, 3 * MS}  # type: ignore[arg-type]
    assert [record["kind"] for record in read_trace(trace.path) if record["type"] == "in"].count("prompt") == 4


def test_two_runs_on_a_profile_are_equal_byte_for_byte(tmp_path: Path) -> None:
    def run() -> bytes:
        trace = Trace(tmp_path / "t.jsonl")
        timing = Timing("profile", costs={"observe": (MS, 900 * MS, 1700 * MS), "ask": (5, 6, 7)}, seed=1)
        run_online(Diary(), asking(1, 2.5, 4), SECONDS, timing, trace)
        trace.close()
        return trace.path.read_bytes()

    assert_deterministic(run)


@pytest.mark.parametrize("costs", [{"observe": 0}, {"observe": 1300 * MS}])
def test_nothing_leaks_from_the_future(costs: dict[str, int]) -> None:
    def run(items: list[Item]) -> list[Emission]:
        return run_online(Diary(), asking(*range(6)), items, Timing("profile", "newest", costs=costs)).emissions

    def noise(future: list[Item], draw: Any) -> Sequence[Item]:
        return [item(one.pts, data=draw.randrange(1 << 30)) for one in future]

    leak_test(run, SECONDS, noise=noise, cuts=[t * SECOND + 1 for t in range(5)])


def test_a_measured_step_takes_its_time_and_a_wait_none() -> None:
    class Slow(Diary):
        def observe(self, item: Item) -> Iterable[Emission]:
            sum(range(200_000))
            yield word("x", item.pts)

    hours = [item(t * 3600 * SECOND) for t in range(3)]
    ran = run_online(Slow(), Stream("s", "", ()), hours, Timing("measured"))
    assert all(0 < one.t_emit - one.start < 3600 * SECOND for one in ran.emissions)
    assert len(ran.emissions) == 3


def test_on_the_wall_clock_words_leave_as_they_are_made() -> None:
    class Talker(Diary):
        def observe(self, item: Item) -> Iterator[Emission]:
            yield word("first", item.pts)
            sum(range(100_000))
            yield word("second", item.pts)

    ran = run_online(Talker(), Stream("s", "", ()), [item(0), item(20 * MS)], Timing("wall", "every"))
    first, second, third, _ = (one.t_emit for one in ran.emissions)
    assert first < second < third
    assert third >= 20 * MS


def test_the_runner_alone_says_how_new_the_evidence_is() -> None:
    """Whatever a system claims: the newest that it was given."""

    class Boaster(Diary):
        def ask(self, prompt: Prompt, now: int) -> Iterator[Emission]:
            yield word("old", now, prompt.id, seen=0)
            yield word("new", now, prompt.id, seen=99 * SECOND)

    timing = Timing("profile", costs={"observe": 5 * SECOND // 2})
    ran = run_online(Boaster(), asking(2, 4), SECONDS, timing)
    times = [(one.t_emit / SECOND, one.t_input / SECOND) for one in ran.emissions]
    assert times == [(5, 2), (5, 2), (7.5, 4), (7.5, 4)]


def test_an_answer_before_the_question_is_a_fault() -> None:
    class Prophet(Diary):
        def observe(self, item: Item) -> Iterator[Emission]:
            yield word("I know", item.pts, "q3")

    with pytest.raises(InputError, match="s: the system answered task 'q3' before it was put"):
        run_online(Prophet(), asking(3), SECONDS, Timing())


def test_items_out_of_order_are_a_fault() -> None:
    with pytest.raises(InputError, match="the item of pts 1 arrives before the one in front of it"):
        run_online(Diary(), Stream("s", "", ()), [item(5), item(1)], Timing())


def test_timings_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match="the profile clock needs costs"):
        Timing("profile")
    with pytest.raises(ConfigError, match="queue 0"):
        Timing("zero", "queue", 0)
    with pytest.raises(ConfigError, match="speed 0"):
        Timing("wall", speed=0)


def test_traces_without_steps_give_no_costs(tmp_path: Path) -> None:
    Trace(tmp_path / "t.jsonl").close()
    with pytest.raises(InputError, match="hold no step"):
        costs_of([tmp_path / "t.jsonl"])
