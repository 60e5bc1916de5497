import pytest

from headrace.core import Emission, Graph, Item, ProfileClock, Threads, Trace
from headrace.core.errors import InputError
from headrace.core.source import Source
from headrace.evaluation.replay import Replay, arrivals, emissions

RECORDED = [Item(pts, "video", pts, arrival) for pts, arrival in ((0, 7), (30, 31), (20, 55), (40, 55))]


def test_items_enter_at_their_recorded_arrival_and_not_before():
    clock = ProfileClock()
    graph = Graph(clock)
    seen = []
    graph.sink(lambda data: seen.append((clock.now(), data)), graph.source(Replay(RECORDED)))
    graph.run()
    assert seen == [(7, 0), (31, 30), (55, 20), (55, 40)]


def test_a_recording_can_be_replayed_again():
    for _ in range(2):
        replay = Replay(RECORDED, name="cam", payload=lambda item: f"picture {item.pts}")
        items = list(replay.items())
        assert [item.data for item in items] == ["picture 0", "picture 30", "picture 20", "picture 40"]
        assert {item.source for item in items} == {"cam"}
    assert {item.source for item in RECORDED} == {""}
    assert isinstance(replay, Source)


def test_close_ends_it_and_disorder_is_refused():
    replay = Replay(RECORDED)
    items = replay.items()
    next(items)
    replay.close()
    assert list(items) == []
    with pytest.raises(InputError, match="pts 30 arrives before"):
        Replay(reversed(RECORDED))


def test_a_trace_gives_back_what_came_and_what_left(tmp_path):
    left = Emission("id", "event", {"text": "x"}, 1, 2, 9, 2, "cam", cancelled=True, cause="q")
    trace = Trace(tmp_path / "trace.jsonl")
    for item in RECORDED:
        item = Item(item.pts, item.kind, None, item.arrival, source="cam")
        trace.item(item.arrival, item)
    trace.item(60, Item(60, "audio", None, source="mic"))
    trace.emit(left)
    trace.close()
    assert emissions(trace.path) == [left]
    came = arrivals(trace.path, "cam")
    assert [(item.pts, item.arrival) for item in came] == [(item.pts, item.arrival) for item in RECORDED]
    assert len(arrivals(trace.path)) == 5


def test_what_a_slow_model_misses_is_missed_again():
    """Replay keeps the load of the recording: the same items are dropped each time."""

    def drops() -> list[int]:
        graph = Graph(ProfileClock({"model": 25}))
        graph.sink(
            lambda data: None, graph.map(lambda d: d, graph.source(Replay(RECORDED)), on=Threads(), name="model")
        )
        graph.run()
        return [pts for channel in graph.channels for pts, _ in channel.drops.recent]

    assert drops() == drops() == [20]


@pytest.mark.parametrize("record", ['{"type":"emit"}', '{"type":"in","t":1}', '{"type":"emit","id":"x","more":1}'])
def test_a_record_that_is_not_whole(tmp_path, record):
    path = tmp_path / "trace.jsonl"
    path.write_text('{"type":"header","format":1}\n' + record + "\n")
    with pytest.raises(InputError, match=r"trace\.jsonl: .* not whole"):
        (arrivals(path), emissions(path))
