from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import MS, SECOND, Block, ConfigError, Graph, Item, Latest, Op, ProfileClock, Threads
from headrace.testing import Recorder, run_graph
from tests.core.schedules import jittered, seeds


def nearest(heads: list[Item], others: list[Item], within: int) -> list[tuple[int, set[object]]]:
    """By brute force: each head with the payloads that may be its partner (several if equally near)."""
    answers = []
    for head in heads:
        distance = min((abs(other.pts - head.pts) for other in others), default=within + 1)
        near = {other.data for other in others if abs(other.pts - head.pts) == distance}
        answers.append((head.data, near if distance <= within else {None}))
    return answers


@given(
    st.integers(0, 1 << 32),
    st.integers(0, 40),
    st.lists(st.tuples(st.sampled_from([3, 5, 10, 17]), st.integers(0, 60)), min_size=1, max_size=3),
    st.sampled_from([0, 1, 5 * MS, 12 * MS, 60 * MS, SECOND]),
)
def test_each_head_meets_its_nearest(seed, heads, others, within):
    rng = random.Random(seed)
    first = jittered(rng, heads, 10 * MS, start=rng.randrange(50) * MS)
    rest = [jittered(rng, count, period * MS, start=rng.randrange(100) * MS) for period, count in others]

    def build(graph: Graph) -> Recorder:
        seen = Recorder(graph.clock)
        streams = [graph.source(items, name=f"s{n}") for n, items in enumerate([first, *rest])]
        graph.sink(seen, graph.join(*streams, within=within))
        return seen

    seen = run_graph(build)
    assert [item.data[0] for item in seen.items] == [item.data for item in first]
    for place, items in enumerate(rest, 1):
        for item, (_, allowed) in zip(seen.items, nearest(first, items, within), strict=True):
            assert item.data[place] in allowed
    assert [item.pts for item in seen.items] == [item.pts for item in first]


def test_a_join_fires_as_soon_as_watermarks_allow(zero_clock):
    graph, seen = Graph(zero_clock), Recorder(zero_clock)
    a = graph.source([Item(pts * MS, "a", pts, arrival=pts * MS) for pts in (0, 10)])
    b = graph.source([Item(pts * MS, "b", pts, arrival=(pts + 7) * MS) for pts in (0, 4, 16)])
    graph.sink(seen, graph.join(a, b, within=5 * MS))
    graph.run()
    assert [(now // MS, item.data) for now, item in seen.records] == [(7, (0, 0)), (23, (10, None))]


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("hops", range(4))
def test_news_between_two_waits_is_not_missed(zero_clock, hops, flip):
    """Both sources wake at the same ns, and the partner comes some hops later: while the join begins to wait."""
    graph, seen = Graph(zero_clock), Recorder(zero_clock)
    sides = [[Item(n, str(side), n, arrival=n * SECOND) for n in range(1, 4)] for side in range(2)]
    streams = [graph.source(items, str(n)) for n, items in enumerate(sides)]
    for _ in range(hops):
        streams[1] = graph.map(lambda n: n, streams[1], edge=Block(2))
    graph.sink(seen, graph.join(*(reversed(streams) if flip else streams), within=0, idle=400 * MS))
    graph.run()
    assert seen.times == [SECOND, 2 * SECOND, 3 * SECOND]
    assert seen.data == [(1, 1), (2, 2), (3, 3)]


def test_an_idle_stream_is_left_out_until_it_speaks_again(zero_clock):
    graph, seen = Graph(zero_clock), Recorder(zero_clock)
    a = graph.source([Item(n * SECOND, "a", n, arrival=n * SECOND) for n in range(10)])
    b = graph.source([Item(n * SECOND, "b", n, arrival=n * SECOND + MS) for n in (0, 1, 7, 8, 9)])
    graph.sink(seen, graph.join(a, b, within=0, idle=1500 * MS))
    graph.run()
    partners = dict(item.data for item in seen.items)
    assert partners == {n: n if n in (0, 1, 8, 9) else None for n in range(10)}
    waited = {item.data[0]: now - item.arrival for now, item in seen.records}
    assert waited[2] == 1500 * MS, "the first silence lasts the whole time-out"
    assert waited[4] == 0, "then the join does not wait for it"
    assert waited[8] == MS, "and waits again once it has spoken"


@pytest.mark.parametrize("fused", [False, True])
def test_a_stream_held_up_by_a_full_edge_is_not_idle(fused):
    """The source of `b` also feeds a slow worker through a blocking edge: 300 ms a frame, time-out 50 ms."""
    clock = ProfileClock({"slow": 300 * MS})
    graph, seen = Graph(clock), Recorder(clock)
    items = [Item(n * 10 * MS, "b", n, arrival=n * 10 * MS) for n in range(12)]
    a = graph.source([Item(i.pts, "a", i.data, arrival=i.pts) for i in items], "a")
    b = graph.source(items, "b")
    feed = graph.map(lambda data: data, b) if fused else b
    graph.sink(lambda _: None, feed, on=Threads(), edge=Block(1), name="slow")
    graph.sink(seen, graph.join(a, b, within=0, idle=50 * MS))
    graph.run()
    assert seen.data == [(n, n) for n in range(12)]
    assert seen.times[-1] > 2 * SECOND, "the worker held the source up far beyond the time-out"


def test_time_held_up_does_not_count_as_silence():
    """Held up for most of the time-out, then silent: the whole time-out runs from the release."""
    clock = ProfileClock({"slow": 90 * MS})
    graph, seen = Graph(clock), Recorder(clock)
    a = graph.source([Item(50, "a", "head", arrival=20 * MS)], "a")
    b = graph.source([Item(n, "b", n, arrival=0) for n in range(3)] + [Item(50, "b", "late", arrival=170 * MS)], "b")
    graph.sink(lambda _: None, b, on=Threads(), edge=Block(1), name="slow")  # held up until 90 ms
    graph.sink(seen, graph.join(a, b, within=0, idle=100 * MS))
    graph.run()
    assert seen.data == [("head", "late")]


def test_a_hold_up_that_never_ends_is_a_deadlock_not_a_spin(zero_clock):
    graph = Graph(zero_clock)

    async def never(item, turn):
        await asyncio.get_running_loop().create_future()
        yield item

    b = graph.source([Item(n, "b", n) for n in range(9)], "b")
    graph.sink(print, graph.react(never, b, supersede=False, edge=Block(1)))
    graph.sink(print, graph.join(graph.source([Item(99, "a", 0)], "a"), b, within=0, idle=5))
    with pytest.raises(Exception, match=r"b->never \(full"):
        graph.run()


class Rarely(Op):
    """Lets every 30th item through, and says that it holds nothing back."""

    holds_back = False

    def step(self, item: Item):
        return (item,) if item.data % 30 == 0 else ()


@pytest.mark.parametrize("how", ["function", "operator", "edge", "worker", "twice", "merge"])
@pytest.mark.parametrize("rare_first", [False, True])
def test_a_filter_beside_its_own_source_does_not_stall_the_join(how, rare_first):
    """Promises pass through operators that drop items, so neither side fills up while the other is silent."""

    def build(graph: Graph) -> Recorder:
        frames = graph.source([Item(n * MS, "f", n, arrival=n * MS) for n in range(100)], "frames")
        keep = Rarely() if how == "operator" else lambda n: n if n % 30 == 0 else None
        on, edge = (Threads() if how == "worker" else None), (Block(2) if how in ("edge", "worker") else None)
        rare = graph.map(keep, frames, on=on, edge=edge, name="rare")
        if how == "twice":
            rare = graph.map(lambda n: n, rare, edge=Block(1))
        if how == "merge":
            rare = graph.merge(rare)
        seen = Recorder(graph.clock)
        graph.sink(seen, graph.join(*((rare, frames) if rare_first else (frames, rare)), within=0, edge=Block(2)))
        return seen

    seen = run_graph(build)
    if rare_first:
        assert seen.data == [(n, n) for n in range(0, 100, 30)]
    else:
        assert seen.data == [(n, n if n % 30 == 0 else None) for n in range(100)]


def test_an_idle_time_out_breaks_a_circle_through_the_join_itself():
    """`within` is longer than what the edges hold, so the source waits for the join that waits for it."""

    def build(graph: Graph) -> Recorder:
        frames = graph.source([Item(n * MS, "f", n, arrival=n * MS) for n in range(40)], "frames")
        rare = graph.map(lambda n: n if n == 30 else None, graph.map(lambda n: n, frames, edge=Block(1)))
        seen = Recorder(graph.clock)
        graph.sink(seen, graph.join(frames, rare, within=20 * MS, idle=50 * MS, edge=Block(2)))
        return seen

    assert [head for head, _ in run_graph(build).data] == list(range(40))


def test_the_rest_is_drained_so_that_one_source_of_two_sides_ends():
    def build(graph: Graph) -> Recorder:
        a = graph.source([Item(n, "a", n, arrival=n) for n in range(2)], "a")
        b = graph.source([Item(n, "b", n, arrival=n) for n in range(100)], "b")
        seen = Recorder(graph.clock)
        graph.sink(seen, graph.join(a, b, graph.map(lambda n: n, b), within=0))
        return seen

    assert run_graph(build).data == [(0, 0, 0), (1, 1, 1)]


def test_a_voided_partner_does_not_void_the_head(zero_clock):
    graph, seen = Graph(zero_clock), Recorder(zero_clock)

    async def respond(item, turn):
        yield item.data

    a = graph.source([Item(10, "a", "head", arrival=10 * MS)], "a")
    b = graph.react(respond, graph.source([Item(9, "b", "old"), Item(30, "b", "new", arrival=20 * MS)], "b"))
    graph.sink(lambda _: None, graph.map(lambda _: graph.interrupt(), graph.source([Item(0, "c", 0, arrival=15 * MS)])))
    graph.sink(seen, graph.join(a, b, within=5))
    graph.run()
    assert seen.data == [("head", None)]


def test_random_joins_on_lossy_edges_end():
    for seed in seeds(300):
        rng = random.Random(seed)

        def build(graph: Graph, rng: random.Random = rng) -> Recorder:
            streams = [
                graph.source(jittered(rng, rng.randrange(30), rng.choice((5, 10)) * MS), f"s{n}") for n in range(3)
            ]
            slow = graph.map(lambda data: data, streams[1], on=Threads(), edge=Latest(), name="slow")
            seen = Recorder(graph.clock)
            graph.sink(seen, graph.join(streams[0], slow, streams[1], streams[2], within=8 * MS))
            build.heads = streams[0].node._source
            return seen

        seen = run_graph(build, ProfileClock({"slow": (3 * MS, 25 * MS)}, seed=seed))
        assert [item.data[0] for item in seen.items] == [item.data for item in build.heads]


def test_joins_that_cannot_be(zero_clock):
    graph = Graph(zero_clock)
    a = graph.source([], "a")
    with pytest.raises(ConfigError, match="two streams"):
        graph.join(a, within=0)
    with pytest.raises(ConfigError, match="within"):
        graph.join(a, a, within=-1)
    with pytest.raises(ConfigError, match="another graph"):
        Graph(zero_clock).merge(a)
