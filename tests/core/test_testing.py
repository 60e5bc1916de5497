"""The plugin itself: it must catch those that cheat and pass those that do not."""

from __future__ import annotations

import doctest
import os
import random
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from headrace.core import MS, ConfigError, Emission, Graph, Item, Op, ProfileClock, Threads, ZeroClock, emission_id
from headrace.testing import Recorder, assert_deterministic, leak_test, run_graph

ROOT = Path(__file__).parents[2]
STREAM = [Item(n * MS, "n", (n * 7) % 5, arrival=n * MS + n % 3) for n in range(30)]
CUTS = [0, 7 * MS, 7 * MS + 1, 20 * MS + MS // 2, 28 * MS]


def emissions(seen: Recorder) -> list[Emission]:
    return [Emission(emission_id("s", "n", i.pts), "n", i.data, i.pts, i.pts, now, i.pts) for now, i in seen.records]


class Running(Op):
    """The mean of what has come so far; the last one again at the end."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def step(self, item: Item):
        self.seen.append(item.data)
        return [item.derive(sum(self.seen) / len(self.seen))]

    def finish(self):
        return [Item(1 << 40, "n", sum(self.seen))]


def honest(items: list[Item], clock=ZeroClock) -> list[Emission]:
    def build(graph: Graph) -> Recorder:
        seen = Recorder(graph.clock)
        graph.sink(seen, graph.map(Running(), graph.source(items), on=Threads(), name="mean"))
        return seen

    return emissions(run_graph(build, clock()))


def peeks_one_ahead(items: list[Item]) -> list[Emission]:
    ahead = [replace(item, data=following.data) for item, following in pairwise(items)]
    return honest(ahead)


def knows_the_mean(items: list[Item]) -> list[Emission]:
    mean = sum(item.data for item in items) / len(items)
    return honest([replace(item, data=item.data - mean) for item in items])


def counts_ahead(items: list[Item]) -> list[Emission]:
    return honest([replace(item, data=len(items)) for item in items])


def changed(future: list[Item], rng: random.Random) -> list[Item]:
    return [replace(item, data=rng.randrange(100, 200)) for item in future]


def fewer(future: list[Item], rng: random.Random) -> list[Item]:
    return changed(future[: len(future) // 2 + 1], rng)


def more(future: list[Item], rng: random.Random) -> list[Item]:
    noise = changed(future, rng)
    return noise + [replace(item, pts=item.pts + 1, arrival=item.arrival + 1) for item in noise]


@pytest.mark.parametrize("noise", [changed, fewer, more])
@pytest.mark.parametrize("clock", [ZeroClock, lambda: ProfileClock({"mean": (MS // 2, 3 * MS)}, seed=3)])
def test_the_honest_pass(noise, clock):
    leak_test(lambda items: honest(items, clock), STREAM, noise=noise, cuts=CUTS)


@pytest.mark.parametrize("noise", [changed, fewer, more])
@pytest.mark.parametrize("cheater", [peeks_one_ahead, knows_the_mean])
def test_cheaters_are_caught(cheater, noise):
    with pytest.raises(AssertionError, match=r"leak: noise after \d+ ns .* first emission \d+: .* became"):
        leak_test(cheater, STREAM, noise=noise, cuts=CUTS)


def test_the_first_emission_that_differs_is_named():
    with pytest.raises(AssertionError, match=rf"after {7 * MS} ns .* first emission 6: .*\"content\": 2.2857.* became"):
        leak_test(peeks_one_ahead, STREAM, noise=changed, cuts=[7 * MS])


def test_another_count_catches_those_who_count():
    leak_test(counts_ahead, STREAM, noise=changed, cuts=CUTS)
    with pytest.raises(AssertionError, match="leak"):
        leak_test(counts_ahead, STREAM, noise=fewer, cuts=CUTS)


def test_an_emission_too_many_or_too_few_is_a_leak():
    def early(items: list[Item]) -> list[Emission]:
        return honest(items)[: len(items) // 2]

    with pytest.raises(AssertionError, match="became nothing"):
        leak_test(early, STREAM, noise=fewer, cuts=[14 * MS])
    with pytest.raises(AssertionError, match="nothing became"):
        leak_test(early, STREAM, noise=more, cuts=[20 * MS])


def test_noise_that_cannot_be():
    for noise in (lambda future, rng: [], lambda future, rng: [replace(future[0], arrival=0)]):
        with pytest.raises(ConfigError, match="noise"):
            leak_test(honest, STREAM, noise=noise, cuts=CUTS)
    with pytest.raises(ConfigError, match="no cut"):
        leak_test(honest, STREAM, noise=changed, cuts=[])
    with pytest.raises(ConfigError, match="JSON"):
        leak_test(lambda items: [Emission("i", "n", object(), 0, 0, 0, 0)], STREAM, noise=changed, cuts=CUTS)


def test_the_stream_is_not_touched():
    before = [replace(item) for item in STREAM]

    def careless(items: list[Item]) -> list[Emission]:
        made = honest(items)
        for item in items:
            item.data = item.pts = 0
        return made

    leak_test(careless, STREAM, noise=changed, cuts=CUTS)
    assert before == STREAM


def test_assert_deterministic():
    calls = []
    assert_deterministic(lambda: honest(STREAM), times=3)
    with pytest.raises(AssertionError, match=r"run 3 differs from run 1, first in record 1: 5 became 3"):
        assert_deterministic(lambda: calls.append(0) or [9, 5 if len(calls) < 3 else len(calls)], times=3)
    with pytest.raises(AssertionError, match="record 1: b became c"):
        assert_deterministic(iter([b"a\nb\n", b"a\nc\n"]).__next__)
    with pytest.raises(ConfigError, match="two runs"):
        assert_deterministic(list, times=1)


@pytest.mark.costs(model=tuple(range(1000)), other=7)
@pytest.mark.parametrize("first", [pytest.param(893, id="one"), pytest.param(934, id="two")])
def test_the_clock_is_seeded_by_the_tests_name(virtual_clock, first):
    assert virtual_clock.now() == 0
    assert [virtual_clock.cost("model"), virtual_clock.cost("other"), virtual_clock.cost("free")] == [first, 7, 0]


def test_recorder(zero_clock):
    items = [Item(n, "n", n, arrival=n * MS) for n in range(3)]
    seen = Recorder(zero_clock)
    run_graph(lambda graph: graph.sink(seen, graph.source(items)), zero_clock)
    assert (seen.data, seen.times, seen.items) == ([0, 1, 2], [0, MS, 2 * MS], items)
    seen.reset()
    assert seen.records == []


def test_the_plugin_is_light_and_works_in_a_project_of_its_own(tmp_path):
    (tmp_path / "test_user.py").write_text(
        "import sys\n"
        "import pytest\n"
        "@pytest.mark.costs(model=5)\n"
        "def test_light(virtual_clock, zero_clock):\n"
        "    assert not {'torch', 'cv2', 'av'} & set(sys.modules)\n"
        "    assert virtual_clock.cost('model') == 5\n"
        "    assert type(virtual_clock).__name__ == 'ProfileClock' and type(zero_clock).__name__ == 'ZeroClock'\n"
    )
    options = ["-p", "headrace.testing", "-p", "no:cacheprovider", "--strict-markers", "-q", "--rootdir", "."]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_examples_in_the_documentation():
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testfile(str(ROOT / "docs" / "testing.md"), module_relative=False, optionflags=options)
    assert result.attempted > 10
    assert result.failed == 0


def test_what_would_test_nothing_is_refused():
    def silent(items: list[Item]) -> list[Emission]:
        return []

    with pytest.raises(ConfigError, match="nothing leaves"):
        leak_test(silent, STREAM, noise=changed, cuts=CUTS)
    with pytest.raises(ConfigError, match="changes nothing"):
        leak_test(honest, STREAM, noise=lambda future, rng: [replace(item) for item in future], cuts=CUTS)
    arrays = [replace(item, data=np.arange(3)) for item in STREAM]
    with pytest.raises(ConfigError, match="changes nothing"):
        leak_test(
            counts_ahead, arrays, noise=lambda future, rng: [replace(i, data=i.data.copy()) for i in future], cuts=CUTS
        )
    for cut in (-1, STREAM[-1].arrival, 1 << 50):
        with pytest.raises(ConfigError, match="outside the stream"):
            leak_test(honest, STREAM, noise=changed, cuts=[cut])
    for nothing in (list, bytes):
        with pytest.raises(ConfigError, match="make nothing"):
            assert_deterministic(nothing)
