"""Channel against a model of a few lines, and under several producers that wait and are cancelled."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import (
    Block,
    CapacityError,
    Channel,
    Closed,
    DropNewest,
    DropOldest,
    Epoch,
    Fail,
    Item,
    Latest,
    StateError,
    ZeroClock,
)
from headrace.core.overflow import payload_bytes
from tests.core.schedules import seeds

BOUNDS = st.fixed_dictionaries(
    {"items": st.integers(1, 4)}, optional={"nbytes": st.integers(1, 9), "span": st.integers(1, 9)}
)
RULES = st.one_of(
    *(BOUNDS.map(lambda bounds, rule=rule: rule(**bounds)) for rule in (Block, DropOldest, DropNewest, Fail)),
    st.builds(Latest),
    st.just(Latest(merge=lambda old, new: new.derive(f"{old.data}{new.data}"[-4:]))),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 20), st.integers(1, 4), st.integers(0, 2)),
        st.tuples(st.just("take")),
        st.tuples(st.just("advance"), st.integers(0, 20)),
        st.tuples(st.just("rise")),
        st.tuples(st.just("close")),
    ),
    max_size=40,
)


class Model:
    """What a channel should hold: lists and loops only."""

    def __init__(self, rule):
        self.rule, self.queue, self.taken, self.drops = rule, [], [], []
        self.watermark, self.late, self.epoch = None, 0, 0

    def full(self, item):
        if not self.queue:
            return False
        sizes = sum(payload_bytes(held.data) for held in [*self.queue, item])
        over = self.rule.nbytes is not None and sizes > self.rule.nbytes
        apart = self.rule.span is not None and item.pts - self.queue[0].pts > self.rule.span
        return len(self.queue) >= self.rule.items or over or apart

    def put(self, item):
        if item.epoch < self.epoch:
            self.drops.append((item.pts, "stale"))
            return "dropped"
        if self.full(item):
            if isinstance(self.rule, Block):
                return "waits"
            if isinstance(self.rule, Fail):
                return "fails"
            if isinstance(self.rule, DropNewest):
                self.drops.append((item.pts, "full"))
                return "dropped"
            if getattr(self.rule, "merge", None):
                old = self.queue.pop()
                self.drops.append((old.pts, "merged"))
                item = self.rule.merge(old, item)
            while self.full(item):
                self.drops.append((self.queue.pop(0).pts, "full"))
        if self.watermark is not None and item.pts < self.watermark:
            self.late += 1
        self.watermark = item.pts if self.watermark is None else max(self.watermark, item.pts)
        self.queue.append(item)
        return "held"

    def rise(self):
        self.epoch += 1
        self.drops += [(item.pts, "stale") for item in self.queue if item.epoch < self.epoch]
        self.queue = [item for item in self.queue if item.epoch >= self.epoch]


@given(RULES, STEPS)
def test_a_channel_holds_what_the_model_holds(rule, steps):
    epoch = Epoch()
    channel, model = Channel(rule, epoch=epoch), Model(rule)
    closed, taken, offered = False, [], 0
    for step, *values in steps:
        if step == "put":
            item = Item(values[0], "x", "x" * values[1], epoch=epoch.value + values[2] - 1)
            if closed:
                with pytest.raises(StateError, match="closed"):
                    channel.offer(item)
                continue
            expected = model.put(item)
            if expected == "fails":
                with pytest.raises(CapacityError, match="full"):
                    channel.offer(item)
            else:
                assert channel.offer(item) is (expected != "waits")
                offered += expected != "waits"
        elif step == "take":
            item = channel.take()
            assert item == (model.queue.pop(0) if model.queue else None)
            taken += [item] if item else []
        elif step == "advance" and not closed:
            channel.advance(values[0])
            model.watermark = values[0] if model.watermark is None else max(model.watermark, values[0])
        elif step == "rise":
            assert epoch.rise() == epoch.value
            model.rise()
        elif step == "close":
            channel.close()
            closed = True
        assert channel.closed is closed
        assert (len(channel), channel.peek()) == (len(model.queue), model.queue[0] if model.queue else None)
        assert (list(channel.drops.recent), channel.drops.count) == (model.drops, len(model.drops))
        assert channel.late == model.late
        if not closed and model.watermark is not None:
            assert channel.watermark == model.watermark
    assert len(taken) + len(channel) + channel.drops.count == offered, "every item put is taken, queued or dropped"


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.mark.parametrize("rule", [Block(1), Block(3), Block(8, nbytes=6), Block(8, span=6), DropOldest(3),
                                  DropNewest(2), Fail(2), Latest(), DropOldest(8, nbytes=6)], ids=repr)  # fmt: skip
def test_nothing_is_lost_between_producers_that_wait_and_are_cancelled(rule):
    """Every item put is taken, queued, dropped, refused, or its put was cancelled: exactly once."""

    async def schedule(rng: random.Random) -> None:
        epoch = Epoch()
        channel = Channel(rule, epoch=epoch)
        clock, outcome, made, taken = 0, {}, [], []
        puts: dict[int, asyncio.Task[None]] = {}
        holds: dict[int, list[int]] = {0: [], 1: [], 2: []}  # producer: pts in the order of its puts

        async def put(item: Item) -> None:
            try:
                await channel.put(item)
                outcome[item.pts] = "accepted"
            except (CapacityError, StateError):
                outcome[item.pts] = "refused"
            except asyncio.CancelledError:
                outcome[item.pts] = "cancelled"

        for _ in range(rng.randint(10, 60)):
            act = rng.choices(["put", "take", "cancel", "rise", "advance", "close"], [12, 6, 2, 1, 1, 0.3])[0]
            producer = rng.randrange(3)
            if act == "put" and (producer not in puts or puts[producer].done()):
                clock += rng.randint(1, 3)
                fresh = 1 << 62 if rng.random() < 0.7 else epoch.value
                item = Item(clock, "x", "x" * rng.randint(1, 3), epoch=fresh)
                made.append(item)
                holds[producer].append(item.pts)
                puts[producer] = asyncio.create_task(put(item))
            elif act == "take" and (item := channel.take()) is not None:
                assert item.epoch >= epoch.value
                taken.append(item.pts)
            elif act == "cancel" and producer in puts:
                if rng.random() < 0.5:
                    channel_item = channel.take()  # the wake-up and the cancellation meet
                    taken += [channel_item.pts] if channel_item else []
                puts[producer].cancel()
            elif act == "rise":
                epoch.rise()
            elif act == "advance":
                channel.advance(clock)
            elif act == "close":
                channel.close()
            if rng.random() < 0.7:
                await settle()
            queued = list(channel._queue)
            assert len(queued) <= rule.capacity
            if rule.nbytes and len(queued) > 1:
                assert sum(len(item.data) for item in queued) <= rule.nbytes
        await settle()
        waiting = [task for task in puts.values() if not task.done()]
        assert not waiting or len(channel), "a producer waits at an empty channel"
        while (item := channel.take()) is not None:
            taken.append(item.pts)
            await settle()
        assert all(task.done() for task in puts.values()), "a producer was never woken"
        dropped = Counter(pts for pts, _ in channel.drops.recent)
        for item in made:
            here = (
                taken.count(item.pts)
                + dropped[item.pts]
                + (outcome.get(item.pts, "cancelled") in ("refused", "cancelled"))
            )
            assert here == 1, (item.pts, outcome.get(item.pts), taken, channel.drops)
        if isinstance(rule, Block):
            assert set(channel.drops.by_reason) <= {"stale"}
        for order in holds.values():
            mine = [pts for pts in taken if pts in order]
            assert mine == sorted(mine), "one producer's items changed places"

    async def main() -> None:
        for seed in seeds(1500):
            await schedule(random.Random(f"{rule}{seed}"))

    ZeroClock().run(main())


def test_latest_delivers_the_newest(zero_clock):
    async def main() -> None:
        channel = Channel(Latest())
        for pts in range(5):
            await channel.put(Item(pts, "x", pts))
        assert (await channel.get()).pts == 4
        assert list(channel.drops.recent) == [(pts, "full") for pts in range(4)]

    zero_clock.run(main())


def test_the_old_are_dropped_when_taken(zero_clock):
    async def main() -> None:
        channel = Channel(Block(4, max_age=10), clock=zero_clock)
        for pts in (0, 5, 20):
            channel.offer(Item(pts, "x", None, arrival=pts))
        await zero_clock.sleep_until(16)
        assert channel.take().pts == 20
        assert list(channel.drops.recent) == [(0, "old"), (5, "old")]

    zero_clock.run(main())
    with pytest.raises(StateError, match="needs a clock"):
        Channel(Block(4, max_age=10))


def test_close_wakes_everybody(zero_clock):
    async def main() -> None:
        channel = Channel(Block(1))
        await channel.put(Item(0, "x", 0))
        waiting = [asyncio.create_task(channel.put(Item(n, "x", n))) for n in (1, 2)]
        await settle()
        channel.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(result) for result in results] == [StateError, StateError]
        assert (await channel.get()).pts == 0
        with pytest.raises(Closed):
            await channel.get()
        with pytest.raises(StateError):
            await channel.put(Item(3, "x", 3))

    zero_clock.run(main())


def test_a_closed_channel_still_forgets_what_an_interruption_voids():
    epoch = Epoch()
    channel = Channel(Block(4), epoch=epoch)
    channel.offer(Item(0, "x", 0, epoch=0))
    channel.offer(Item(1, "x", 1))
    channel.close()
    epoch.rise()
    assert channel.peek().pts == 1
    assert epoch._listeners == [channel._purge]
    channel.take()
    epoch.rise()
    assert epoch._listeners == [], "an empty closed channel is no longer held"


def test_one_consumer_at_a_time(zero_clock):
    async def main() -> None:
        channel = Channel(Block(1), "edge")
        first = asyncio.create_task(channel.get())
        await settle()
        with pytest.raises(StateError, match="has a consumer already"):
            await channel.get()
        first.cancel()
        await settle()
        await channel.put(Item(0, "x", 0))
        assert (await channel.get()).pts == 0, "a cancelled consumer leaves the channel usable"

    zero_clock.run(main())
