"""When an answer counts: not before it is asked, and not when all is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from headrace.core.item import SECOND, Emission, Item
from headrace.evaluation.benchmark import Stream, Task, say, text_of
from headrace.evaluation.benchmarks.choices import right
from headrace.evaluation.benchmarks.marks import causal, counted, delay, mark
from headrace.evaluation.benchmarks.svbench import SVBench
from headrace.evaluation.benchmarks.vcbench import VCBench
from headrace.evaluation.judges import Exact
from headrace.evaluation.metrics.windows import PATIENCE
from headrace.evaluation.online import Prompt, run_online
from headrace.evaluation.timing import Timing
from headrace.evaluation.truth import Question


class Hindsight:
    """Knows every answer, and gives it `wait` ns after it was asked, or else when the stream is over."""

    name, sound = "hindsight", False
    every: int | None = None

    def __init__(self, answers: dict[str, str], wait: int) -> None:
        self.answers, self.wait = answers, wait
        self.settings: dict[str, Any] = {}
        self.put: list[tuple[int, str]] = []

    def open(self, stream: str) -> Hindsight:
        return self

    def observe(self, item: Item) -> Iterator[Emission]:
        due = [one for one in self.put if item.pts >= one[0] + self.wait]
        self.put = [one for one in self.put if one not in due]
        yield from (self.say(name) for _, name in due)

    def ask(self, prompt: Prompt, now: int) -> Iterable[Emission]:
        self.put.append((now, prompt.id))
        return ()

    def finish(self) -> Iterator[Emission]:
        yield from (self.say(name) for _, name in self.put)

    def say(self, name: str) -> Emission:
        return say(Task(name, "", Question(0, "")), Stream("s", "", ()), self.answers[name], 0)


TASKS = tuple(Task(str(t), "kind", Question(t * SECOND, "?", ("x", "y"), "xy"[t % 2])) for t in (10, 25, 40, 100))


@pytest.mark.parametrize(("seconds", "in_time"), [(0, 4), (10, 4), (11, 1), (1000, 1)])
def test_what_is_said_when_the_stream_is_over_is_no_answer_to_what_was_asked_long_before(
    seconds: int, in_time: int
) -> None:
    """The last question is put as the stream ends: an answer then is in time."""
    stream = Stream("s", "", TASKS)
    system = Hindsight({task.id: right(task) for task in TASKS}, seconds * SECOND)
    items = [Item(t * SECOND, "video", None, t * SECOND) for t in range(101)]
    said = {"s": run_online(system, stream, items, Timing()).emissions}
    marks = mark([stream], said, lambda task, one: text_of(one) == right(task))
    assert counted(marks).value == 100
    assert causal(marks).value == 100 * in_time / 4
    assert delay(marks).count == in_time


@pytest.mark.parametrize(("late", "figure"), [(PATIENCE, 100.0), (PATIENCE + 1, 0.0)])
def test_dialogues_and_counts_do_not_wait_either(late: int, figure: float) -> None:
    question = Question(5 * SECOND, "?", None, "7")
    turn = Task("t", "dialogue", question, "?", {"chain": 0, "turn": 0, "linked": False})
    point = Task("t", "O1-Snap", question, "?", {"question": "q", "index": 0})
    for bench, task, name in ((SVBench(), turn, "turns"), (VCBench(), point, "GPA")):
        stream = Stream("s", "", (task,))
        report = bench.score([stream], {"s": [say(task, stream, "7", 5 * SECOND + late)]}, Exact())
        assert (report.published[name].value, report.causal[name].value) == (100, figure)
