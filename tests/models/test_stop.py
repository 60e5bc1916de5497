from __future__ import annotations

import json
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import ConfigError, StateError
from headrace.models.hf.stop import Stops

letters = st.text("ab\n", max_size=30)
strings = st.lists(st.text("ab\n", min_size=1, max_size=5), max_size=4)


def shown(text, stops):
    """Naive: of all occurrences in the whole text the one that ends first, then the one that begins first."""
    ends = [(at + len(s), at) for s in stops for at in range(len(text)) if text[at : at + len(s)] == s]
    return (text[: min(ends)[1]], True) if ends else (text, False)


def cut(text, places):
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


@given(letters, strings, st.lists(st.integers(0, 99), max_size=8))
def test_any_pieces_show_what_the_whole_text_shows(text, strings, places):
    stops, seen, stopped = Stops(strings), "", False
    for piece in cut(text, places):
        more, stopped = stops.push(piece)
        seen += more
        whole, ended = shown(text, strings)
        assert whole.startswith(seen)  # nothing of a stop is ever shown
        assert stops.nbytes() <= stops.max_bytes()
    assert (seen + stops.flush(), stopped) == (whole, ended)
    assert stops.stopped == stopped


@pytest.mark.parametrize("strings", [("aba", "ba"), ("abab", "b\n"), ("aab", "ab", "b\n"), ("abb\n", "bb"), ("a",)])
def test_every_short_text_letter_by_letter_and_whole(strings):
    for letters in product("ab\n", repeat=6):
        text = "".join(letters)
        for pieces in (text, [text]):
            stops = Stops(strings)
            seen = "".join(stops.push(piece)[0] for piece in pieces) + stops.flush()
            assert (seen, stops.stopped) == shown(text, strings)


@given(letters, strings, st.lists(st.integers(0, 99), max_size=8), st.integers(0, 8))
def test_a_restored_search_and_a_fork_go_on_the_same(text, strings, places, done):
    stops, pieces = Stops(strings), cut(text, places)
    for piece in pieces[:done]:
        stops.push(piece)
    snapshot = stops.snapshot()
    snapshot.meta = json.loads(json.dumps(snapshot.meta))
    restored, fork = Stops(strings), stops.fork()
    restored.restore(snapshot)
    assert restored.snapshot() == fork.snapshot() == snapshot
    for piece in pieces[done:]:
        assert stops.push(piece) == restored.push(piece) == fork.push(piece)
    assert stops.flush() == restored.flush() == fork.flush()
    stops.reset()
    assert stops.snapshot() == Stops(strings).snapshot()


def test_no_more_is_held_than_may_become_a_stop():
    stops = Stops(("</s>", "\n\n"))
    assert stops.push("one<") == ("one", False)
    assert stops.push("b>\n") == ("<b>", False)
    assert stops.push("two</") == ("\ntwo", False)
    assert stops.push("s> three") == ("", True)
    assert stops.push("four") == ("", True)
    assert stops.flush() == ""


def test_one_string_is_one_stop_and_none_are_fine():
    assert Stops("end").push("a n d end") == ("a n d ", True)
    assert Stops().push("anything") == ("anything", False)


@pytest.mark.parametrize("wrong", ["", ("a", ""), (3,)])
def test_a_stop_that_is_no_text_is_one_line(wrong):
    with pytest.raises(ConfigError, match=r"^stop strings .*: give texts of one character or more$"):
        Stops(wrong)


def test_the_snapshot_of_other_stops_is_refused():
    with pytest.raises(StateError, match=r"the snapshot stops at \['a'\], this one at \['b'\]"):
        Stops("b").restore(Stops("a").snapshot())
