import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import Emission
from headrace.core.errors import InputError
from headrace.core.item import SECOND
from headrace.evaluation.metrics import line_score, similarity, word_recall
from headrace.evaluation.metrics.score import Score
from headrace.evaluation.truth import Event


def read(text: str, start: float, t_emit: float | None = None, name: str = "") -> Emission:
    t, sent = int(start * SECOND), int((start if t_emit is None else t_emit) * SECOND)
    return Emission(name or f"{text}{start}", "text", {"text": text}, t, t, sent, t)


def line(text: str, start: float, end: float) -> Event:
    return Event(int(start * SECOND), int(end * SECOND), text)


SHOWN = [line("Gate 12 opens", 1, 5), line("Flight LX 38", 4, 9), line("Gate 12 opens", 20, 25)]


def test_lines_by_hand():
    outcome = line_score(
        [
            read("gate12 opens!", 2, 2.5),  # the first line, 1.5 s after it came
            read("Gate 12 opens", 3),  # the same again
            read("Flight LX 33", 6),  # 9 of 10 letters: found
            read("Gate 12 opens", 15),  # not there at that time
            read("Nonsense", 21),
        ],
        SHOWN,
    )
    assert outcome.delays == (int(1.5 * SECOND), 2 * SECOND)
    assert (outcome.missed, outcome.duplicates, outcome.wrong) == (1, 1, 2)
    assert outcome.delay == 1.75 * SECOND
    assert outcome.score.recall == pytest.approx(2 / 3)


def test_one_read_cannot_be_two_lines():
    assert line_score([read("same", 1)], [line("same", 0, 2), line("same", 0, 2)]).missed == 1


def test_slack_and_cancelled():
    assert line_score([read("x", 3)], [line("x", 0, 2)]).missed == 1
    assert line_score([read("x", 3)], [line("x", 0, 2)], slack=SECOND).missed == 0
    void = read("x", 1)
    void.cancelled = True
    assert line_score([void], [line("x", 0, 2)]).missed == 1


def test_words_by_hand():
    # "gate" and "12" once each of the first line; "gate" again only if read again; "lx" is read after its line.
    emitted = [read("gate 12", 2), read("lx", 12)]
    assert word_recall(emitted, SHOWN[:2]) == Score(tp=2, fp=1, fn=4)
    assert word_recall([], SHOWN).recall == 0


def test_similarity_by_hand():
    assert similarity("Kitten", "sitting") == pytest.approx(1 - 3 / 7)
    assert similarity("a b, c", "ABC") == 1
    assert similarity("", "...") == 1
    assert similarity("", "x") == 0


def test_what_is_no_text_is_refused():
    with pytest.raises(InputError, match="no text"):
        line_score([Emission("id", "event", 3, 0, 0, 0, 0)], [])


@given(st.lists(st.tuples(st.text("abcdefgh 12", min_size=1), st.integers(0, 9), st.integers(0, 9)), max_size=6))
def test_reading_all_of_it_at_once_is_perfect(rows):
    lines = [line(text, start, start + length) for text, start, length in rows]
    emitted = [read(event.content, event.start / SECOND, name=str(index)) for index, event in enumerate(lines)]
    if len({event.content for event in lines}) == len(lines):
        words = word_recall(emitted, lines)
        assert words.recall == 1
    outcome = line_score(emitted, lines, same=1.0)
    assert outcome.score.tp + outcome.missed == len(lines)
    assert outcome.wrong == 0
    assert line_score(emitted[::-1], lines[::-1], same=1.0) == outcome
