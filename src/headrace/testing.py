"""testing: a pytest plugin for tests of streams.

It brings two fixtures, `virtual_clock` and `zero_clock`, a marker `costs`, and for any test
`run_graph`, `Recorder`, `assert_deterministic` and `leak_test`; and, loaded when they are first used, the laws of
everything that remembers: `check_laws`, `PolicySubject` and what else `LAWFUL` lists. See docs/testing.md.
"""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from hashlib import blake2b
from itertools import zip_longest
from typing import Any, TypeVar

import pytest

from headrace.core.clock import Clock, ProfileClock, ZeroClock
from headrace.core.errors import ConfigError
from headrace.core.graph import Graph
from headrace.core.item import Emission, Item
from headrace.core.op import Op

T = TypeVar("T")
#: What replaces the items that arrive after a cut.
Noise = Callable[[list[Item], random.Random], Sequence[Item]]

#: What comes from the room of state, which takes torch to load.
LAWFUL = (
    "DenseSubject",
    "LAWS",
    "PolicySubject",
    "Subject",
    "check_laws",
    "digest",
    "law_absence",
    "law_chunk",
    "law_constant",
    "law_isolation",
    "law_plain",
    "law_provisional",
    "law_saved",
    "law_shift",
    "law_snapshot",
)

__all__ = ["Noise", "Recorder", "assert_deterministic", "leak_test", "run_graph", "virtual_clock", "zero_clock"]
__all__ += LAWFUL


def __getattr__(name: str) -> Any:
    if name not in LAWFUL:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from headrace.state import laws

    return getattr(laws, name)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "costs(**ns): what workers cost on virtual_clock, by their name")


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest) -> ProfileClock:
    """A fresh `ProfileClock` whose seed comes from the test's name: the same in every run.

    Workers are free unless the test is marked, such as `@pytest.mark.costs(model=20 * MS)`.
    """
    marker = request.node.get_closest_marker("costs")
    digest = blake2b(request.node.name.encode(), digest_size=4).digest()
    return ProfileClock(marker.kwargs if marker is not None else None, seed=int.from_bytes(digest))


@pytest.fixture
def zero_clock() -> ZeroClock:
    """A fresh `ZeroClock`."""
    return ZeroClock()


class Recorder(Op):
    """A sink that remembers what reached it, and when.

    Args:
        clock: the clock of the graph.

    Attributes:
        records: (clock time in ns, item), in order.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.records: list[tuple[int, Item]] = []

    def step(self, item: Item) -> tuple[()]:
        self.records.append((self._clock.now(), item))
        return ()

    def reset(self) -> None:
        self.records.clear()

    @property
    def items(self) -> list[Item]:
        return [item for _, item in self.records]

    @property
    def data(self) -> list[Any]:
        """The payloads."""
        return [item.data for _, item in self.records]

    @property
    def times(self) -> list[int]:
        """When each item came, in ns."""
        return [now for now, _ in self.records]


def run_graph(build: Callable[[Graph], T], clock: Clock | None = None) -> T:
    """Make a graph on a clock (a `ZeroClock` if None), let `build` wire it, run it to its end.

    Returns:
        What `build` returned, usually a `Recorder`.
    """
    graph = Graph(clock or ZeroClock())
    built = build(graph)
    graph.run()
    return built


def assert_deterministic(run: Callable[[], bytes | Iterable[Any]], times: int = 2) -> None:
    """Assert that several runs give the same, byte for byte.

    Args:
        run: makes one run and returns bytes (a trace file's), or Emissions, Items or other things that
            JSON can hold. It must build everything anew.
        times: how many runs, at least 2.

    Raises:
        AssertionError: two runs differ; names the first place where they do.
        ConfigError: `times` is below 2, the runs make nothing, or something is not JSON.
    """
    if times < 2:
        raise ConfigError(f"assert_deterministic(times={times}): two runs or more are needed")
    first = _lines(run())
    for number in range(2, times + 1):
        again = _lines(run())
        if (place := _first_difference(first, again)) is not None:
            raise AssertionError(f"run {number} differs from run 1, first in record {_describe(place, first, again)}")
    if not first:
        raise ConfigError("assert_deterministic: the runs make nothing, so nothing would be compared")


def leak_test(
    run: Callable[[list[Item]], Iterable[Emission]],
    items: Sequence[Item],
    *,
    noise: Noise,
    cuts: Iterable[int],
    seed: int = 0,
) -> None:
    """Assert that nothing which leaves depends on what has not arrived yet.

    For each cut c, all items that arrive after c are replaced by noise; every emission with
    `t_emit <= c` must then be byte-identical (as JSON) to that of the unbroken run.

    Args:
        run: runs the whole stream on a deterministic clock (`ZeroClock`, `ProfileClock`) and returns what
            left. It gets copies of the items (payloads are shared) and must build everything anew.
        items: the stream.
        noise: gets the items after the cut and a seeded generator, and returns as many, fewer or more
            that also arrive after the cut. One at least: a stream that ends at the cut would let an honest
            operator flush what it held back. It must differ from what it replaces.
        cuts: clock times in ns, from the first arrival up to, but not at, the last.
        seed: of the noise; each cut has a generator of its own.

    Raises:
        AssertionError: something leaks; names the cut and the first emission that differs.
        ConfigError: nothing would be tested (no cut is given, a cut lies outside the stream, the noise changes
            nothing, nothing leaves up to any cut), the noise arrives before the cut or is empty, or an
            emission's content is not JSON.
    """
    whole = [(emission.t_emit, _line(emission)) for emission in run([replace(item) for item in items])]
    cuts = list(cuts)
    if not cuts:
        raise ConfigError("leak_test: no cut is given, so nothing would be tested")
    compared = 0
    for cut in cuts:
        rng = random.Random(f"{seed}/{cut}")
        expected = [line for t_emit, line in whole if t_emit <= cut]
        found = [_line(emission) for emission in run(_break(items, cut, noise, rng)) if emission.t_emit <= cut]
        compared += len(expected)
        if (place := _first_difference(expected, found)) is not None:
            what = _describe(place, expected, found)
            raise AssertionError(f"leak: noise after {cut} ns changes what left before it, first emission {what}")
    if not compared:
        raise ConfigError("leak_test: nothing leaves up to any cut, so nothing would be tested; cut later")


def _break(items: Sequence[Item], cut: int, noise: Noise, rng: random.Random) -> list[Item]:
    """The stream with noise for everything that arrives after the cut."""
    past, future = ([replace(i) for i in items if (i.arrival > cut) is after] for after in (False, True))
    if not past or not future:
        raise ConfigError(f"leak_test: the cut at {cut} ns lies outside the stream, so it would test nothing")
    replaced = sorted(noise(future, rng), key=lambda item: item.arrival)
    if not replaced or replaced[0].arrival <= cut:
        raise ConfigError(f"leak_test: the noise for the cut at {cut} ns needs an item, and none before the cut")
    if len(replaced) == len(future) and all(map(_same, replaced, sorted(future, key=lambda item: item.arrival))):
        raise ConfigError(f"leak_test: the noise for the cut at {cut} ns changes nothing")
    return past + replaced


def _same(one: Item, other: Item) -> bool:
    """Whether two items are known to be equal; payloads may be arrays, for which == does not tell."""
    if replace(one, data=None) != replace(other, data=None):
        return False
    try:
        return one.data is other.data or pickle.dumps(one.data) == pickle.dumps(other.data)
    except (pickle.PicklingError, TypeError, AttributeError):
        return False


def _lines(made: bytes | Iterable[Any]) -> list[str]:
    """One comparable line for each thing made."""
    if isinstance(made, bytes):
        return made.decode(errors="backslashreplace").splitlines(keepends=True)
    return [_line(thing) for thing in made]


def _line(thing: Any) -> str:
    try:
        return json.dumps(asdict(thing) if isinstance(thing, (Emission, Item)) else thing, ensure_ascii=False)
    except TypeError as error:
        raise ConfigError(f"{thing!r} cannot be compared as JSON: {error}") from error


def _first_difference(left: list[str], right: list[str]) -> int | None:
    """The first place at which two lists differ, None if they are equal."""
    pairs = enumerate(zip_longest(left, right))
    return next((place for place, (one, other) in pairs if one != other), None)


def _describe(place: int, left: list[str], right: list[str]) -> str:
    one, other = (lines[place].rstrip() if place < len(lines) else "nothing" for lines in (left, right))
    return f"{place}: {one} became {other}"
