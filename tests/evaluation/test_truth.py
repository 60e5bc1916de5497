import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import InputError
from headrace.evaluation.truth import (
    Event,
    Exchange,
    Question,
    Series,
    from_json,
    read_truth,
    to_json,
    write_truth,
)

TRUTHS = [
    Question(5, "which?", ("a", "b"), "b", ((1, 2), (3, 3))),
    Question(6, "how?"),
    Event(1, 4, {"what": "cut"}),
    Exchange(0, 3, 9, "say when", "now", interrupted=True, group="g"),
    Series((0, 10), (1, [2, 3])),
]


@pytest.mark.parametrize("truth", TRUTHS)
def test_json_gives_the_truth_back(truth, tmp_path):
    assert from_json(to_json(truth)) == truth
    write_truth(tmp_path / "truth.jsonl", [truth, truth])
    assert read_truth(tmp_path / "truth.jsonl") == [truth, truth]


def test_a_series_holds_its_value_until_the_next():
    series = Series((10, 20), ("x", "y"))
    assert [series.at(t) for t in (9, 10, 19, 20, 99)] == [None, "x", "x", "y", "y"]


@pytest.mark.parametrize(
    "record",
    [
        {"shape": "probe"},
        {"shape": []},
        {"shape": "event", "start": 2, "end": 1},
        {"shape": "event", "start": 2},
        {"shape": "series", "times": [1, 1], "values": [0, 0]},
        {"shape": "series", "times": [1], "values": []},
        {"shape": "exchange", "start": 0, "t_answer": 5, "end": 4},
        {"shape": "question", "t": 1, "question": "?", "options": ["a"], "answer": "b"},
        {"shape": "question", "t": 1, "question": "?", "evidence": [[1]]},
    ],
)
def test_what_is_no_truth_is_refused_in_one_line(record):
    with pytest.raises(InputError) as caught:
        from_json(record)
    assert "\n" not in str(caught.value)


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "truth.jsonl"
    path.write_text('{"shape": "event", "start": 1, "end": 2}\n[]\n')
    with pytest.raises(InputError, match="line 2"):
        read_truth(path)
    with pytest.raises(InputError, match=r"missing\.jsonl"):
        read_truth(tmp_path / "missing.jsonl")


@given(st.integers(0, 1 << 62), st.integers(0, 1 << 62))
def test_a_midpoint_lies_inside(a, b):
    event = Event(min(a, b), max(a, b))
    assert event.start <= event.midpoint <= event.end
