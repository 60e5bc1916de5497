"""How times, sizes and text from outside are written."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.apps.wording import clean, clock, counted, evenly, factor, length, percent, period, size, ticks


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (clock(0), "0:00"),
        (clock(59.999), "0:59"),
        (clock(3_725.04, tenths=True), "1:02:05.0"),
        (clock(360_000), "100:00:00"),
        (period(61, 61.9), "1:01"),
        (period(61, 61.9, tenths=True), "1:01.0–1:01.9"),
        (length(0.04), "0.0 s"),
        (length(43.4), "43 s"),
        (length(59.7), "1 min 00 s"),
        (length(7_200), "2 h 00 min"),
        (length(273_600), "3 d 04 h"),
        (size(1023), "1023 B"),
        (size(1024), "1.00 KiB"),
        (size(1023 * 1024), "1.00 MiB"),
        (size(64 << 20), "64.0 MiB"),
        (size(999 << 30), "999 GiB"),
        (counted(1, "line") + counted(1204, "line"), "1 line1,204 lines"),
        (percent(0) + percent(0.0021) + percent(0.0218) + percent(0.64), "0 %0.21 %2.2 %64 %"),
        (factor(4.74) + factor(120.2), "4.7×120×"),
        (clean(" a\x00b\u202e\x1b[1m\r\n\tc\ud800é "), "ab[1m cé"),
        (clean("abcdef", 4), "abc…"),
    ],
)
def test_words(written: str, expected: str) -> None:
    assert written == expected


@given(st.floats(1, 1e8), st.integers(1, 20))
def test_ticks_are_few_and_inside(span: float, most: int) -> None:
    marks = ticks(span, most)
    assert marks[0] == 0
    assert marks[-1] <= span
    assert len(marks) <= most + 1


@given(st.integers(0, 400), st.integers(1, 60))
def test_evenly_picks_the_ends_and_no_gap_is_twice_another(count: int, most: int) -> None:
    picked = evenly(count, most)
    assert len(picked) == min(count, most)
    gaps = [b - a for a, b in itertools.pairwise(picked)]
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert count == 0 or picked[0] == 0


@given(st.text(), st.integers(1, 30))
def test_clean_is_one_printable_line(text: str, limit: int) -> None:
    line = clean(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert clean(line) == line
    line.encode()
