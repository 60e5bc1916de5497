from math import isnan, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.evaluation.baselines import speak
from headrace.evaluation.blind import exchange_rows
from headrace.evaluation.judges import Exact
from headrace.evaluation.metrics import ByJudge, Graded, Rule, chunks, lay_out, quality
from headrace.evaluation.metrics.quality import CAUSAL, CAUSAL_STEPS, PUBLISHED, PUBLISHED_STEPS, decay
from headrace.evaluation.truth import Exchange

EXACT = ByJudge(Exact())


class Contains(Exact):
    """Right as soon as the reference has been said."""

    def judge(self, question, reference, said):
        return float(bool(reference) and reference in said)


def exchange(start, t_answer, end, answer="yes", **more):
    return Exchange(start * SECOND, t_answer * SECOND, end * SECOND, "?", answer, **more)


def say(*spoken):
    """(text, start[, end]) in seconds."""
    said = speak("test", [round(start * SECOND) for _, start, *_ in spoken])
    for one, (text, start, *end) in zip(said, spoken, strict=True):
        one.content, one.end = {"text": text}, round((end[0] if end else start) * SECOND)
    return said


def only(emitted, one, rule=PUBLISHED, listener=EXACT):
    return quality(emitted, [one], listener, rule).outcomes[0]


def test_decay_by_hand():
    assert [decay(t, 10, 20) for t in (5, 10, 15, 20, 25)] == [1, 1, 0.5, 0, 0]
    assert decay(15, 10, 20, alpha=0.5, gamma=2) == 1 - 0.5 * 0.25
    assert decay(15, 10, 20, alpha=3) == 0
    assert [decay(t, 10, 10) for t in (10, 11)] == [1, 0]


def test_one_exchange_by_hand():
    """Speaks halfway through the wait, answers a quarter into the time for it."""
    outcome = only(say(("one moment", 5, 6), ("yes", 12.5, 13)), exchange(0, 10, 20))
    assert outcome.ack == pytest.approx(0.2 * 0.5)
    assert outcome.core == pytest.approx(0.8 * 0.75)
    assert outcome.graded == Graded(pytest.approx(0.7), 0, 0)
    assert outcome.answered == round(12.5 * SECOND)


def test_wrong_late_and_missing_answers():
    assert only(say(("no", 11)), exchange(0, 10, 20)).graded == Graded(0, 1, 1)
    assert only([], exchange(0, 10, 20)).graded == Graded(0, 0, 1)
    late = quality(say(("yes", 20)), [exchange(0, 10, 20)], EXACT)
    assert late.graded == Graded(0, 1, 1)
    assert late.unmatched == 1


def test_answering_before_it_can_be_known_is_made_up():
    assert only(say(("yes", 5)), exchange(0, 10, 20)).graded == Graded(0, 1, 1)


def test_speech_past_a_hard_end_is_a_false_positive_and_past_a_soft_one_free():
    said = say(("yes", 10, 21))
    hard = only(said, exchange(0, 10, 20))
    assert (hard.graded, hard.spill) == (Graded(pytest.approx(0.8), 1, 0), SECOND)
    soft = only(said, exchange(0, 10, 20), PUBLISHED_STEPS)
    assert (soft.graded, soft.spill) == (Graded(pytest.approx(0.8), 0, 0), 0)


def test_a_chunk_belongs_to_the_exchange_that_starts_latest():
    outer, inner = exchange(0, 20, 30, "outer"), exchange(5, 8, 20, "inner")
    laid, loose = lay_out(chunks(say(("a", 4), ("b", 6), ("c", 9), ("d", 20), ("e", 30))), [outer, inner])
    assert [[part.text for part in one.early] for one in laid] == [["a"], ["b"]]
    assert [[part.text for part in one.core] for one in laid] == [["d"], ["c"]]
    assert [chunk.text for chunk in loose] == ["e"]


def test_words_divide_a_chunk_where_the_answer_is_known():
    said = say(("well let me see yes", 8, 13))
    said[0].content["words"] = [["Well, let me see:", 8 * SECOND, 9 * SECOND], ["yes", 12 * SECOND, 13 * SECOND]]
    outcome = only(said, exchange(0, 10, 20))
    assert outcome.core == pytest.approx(0.8 * 0.8)
    assert outcome.ack == pytest.approx(0.2 * 0.2)
    # Without times of words the whole chunk is early.
    assert only(say(("well yes", 8, 13)), exchange(0, 10, 20)).core == 0


def test_words_that_claim_to_be_spoken_later_than_they_left_win_nothing():
    """Said at 1 s, before it can be known, with words that lie about when, or about what."""
    said = say(("yes", 1, 1))
    said[0].content["words"] = [["yes", 10 * SECOND, 11 * SECOND]]
    for rule in (PUBLISHED, CAUSAL):
        assert only(said, exchange(0, 10, 20), rule).graded == Graded(0, 1, 1)
    drawn_out = say(("yes", 1, 15))
    drawn_out[0].content["words"] = [["yes", 10 * SECOND, 15 * SECOND]]
    assert only(drawn_out, exchange(0, 10, 20), CAUSAL).graded == Graded(0, 1, 1)
    said[0].content["words"] = [["no", 1 * SECOND, 1 * SECOND]]
    with pytest.raises(InputError, match="its words are not those of its text"):
        chunks(said)


def test_the_words_that_begin_the_answer_set_its_time():
    class Pointing(ByJudge):
        def core(self, one, text, later):
            return 1.0, "yes it is"

    said = say(("hm hm yes it is", 10, 16))
    said[0].content["words"] = [
        [word, (10 + second) * SECOND, (11 + second) * SECOND]
        for second, word in enumerate(["hm", "hm", "Yes", "it", "is"])
    ]
    assert only(said, exchange(0, 10, 20), listener=Pointing(Exact())).answered == 12 * SECOND
    assert only(say(("hm yes it is", 11, 16)), exchange(0, 10, 20), listener=Pointing(Exact())).answered == 11 * SECOND


def test_published_one_moment_wins_two_sevenths_and_causal_nothing():
    talks = [exchange(start, start + 10, start + 20) for start in range(0, 400, 20)]
    rows = exchange_rows(talks)
    assert quality(rows["one moment"], talks, EXACT).graded.f1 == pytest.approx(2 / 7)
    assert quality(rows["one moment"], talks, EXACT, CAUSAL).graded.f1 == 0
    assert quality(rows["never"], talks, EXACT).graded == Graded(0, 0, 20)
    # Talking all the time earns as much, and a false positive for an answer that is none.
    assert quality(rows["always"], talks, EXACT).graded == Graded(pytest.approx(4), 20, 20)


def test_published_any_word_stops_the_clock_and_causal_waits_for_the_answer():
    said, listener = say(("hm", 10, 11), ("yes", 18, 19)), ByJudge(Contains())
    assert only(said, exchange(0, 10, 20), PUBLISHED, listener).core == pytest.approx(0.8)
    assert only(said, exchange(0, 10, 20), CAUSAL, listener).core == pytest.approx(0.8 * 0.2)


def test_silence_where_nothing_should_be_said():
    quiet = exchange(0, 10, 20, answer=None)
    assert only([], quiet, CAUSAL).graded == Graded()
    assert only(say(("hm", 12)), quiet, CAUSAL).graded == Graded(0, 1, 0)


def test_interruptions():
    talks = [exchange(start, start + 10, start + 20, interrupted=True) for start in (0, 20, 40, 60)]
    said = say(("yes", 11, 19), ("yes", 31, 43), ("no", 51, 58))
    outcome = quality(said, talks, EXACT)
    assert outcome.no_output_rate == 0.25
    assert outcome.partial_quality == pytest.approx(2 / 3)
    assert outcome.spill_rate == pytest.approx(1 / 3)
    assert outcome.spill_seconds == pytest.approx(1)
    assert outcome.graded == Graded(0, 1, 0)
    assert quality(said, talks, EXACT, CAUSAL).graded == Graded(2, 2, 2)
    nothing = quality([], talks, EXACT)
    assert (nothing.no_output_rate, nothing.graded) == (1, Graded())
    assert isnan(nothing.partial_quality)
    assert isnan(nothing.spill_rate)


def test_what_an_interruption_cut_counts_there_alone():
    said = say(("yes", 11, 19))
    said[0].cancelled = True
    assert only(said, exchange(0, 10, 20)).silent
    assert only(said, exchange(0, 10, 20, interrupted=True)).partial == 1


def test_nested_chain():
    def pair(number, begin):
        return [
            exchange(begin, begin + 20, begin + 30, "outer", group=str(number)),
            exchange(begin + 5, begin + 8, begin + 20, "inner", group=str(number)),
        ]

    talks = [one for number in range(4) for one in pair(number, 100 * number)]
    said = say(
        ("inner", 14), ("outer", 25),  # halfway through each
        ("outer", 120),  # the inner one is missing
        ("inner", 208), ("outer", 220),  # both at once
        ("outer", 302), ("inner", 308),  # the outer one was guessed
    )  # fmt: skip
    outcome = quality(said, talks, EXACT)
    assert outcome.nested == pytest.approx((sqrt(0.4 * 0.4), 0, 0.8, 0))
    assert outcome.nccs == pytest.approx(1.2 / 4)
    assert isnan(quality([], [exchange(0, 1, 2)], EXACT).nccs)


def test_steps_after_the_first_have_all_their_weight_on_the_answer():
    steps = [exchange(0, 10, 20, "one", group="p"), exchange(20, 20, 30, "two", group="p")]
    outcome = quality(say(("hm", 0), ("one", 10), ("two", 20)), steps, EXACT, PUBLISHED_STEPS)
    assert [(one.ack, one.core) for one in outcome.outcomes] == [(pytest.approx(0.2), pytest.approx(0.8)), (0, 1)]
    assert quality(say(("one", 10)), steps, EXACT, CAUSAL_STEPS).graded == Graded(pytest.approx(0.8), 0, 1)


def test_a_judge_without_an_opinion_is_no_credit():
    class Mute(Exact):
        def judge(self, question, reference, said):
            return float("nan")

    assert only(say(("yes", 10)), exchange(0, 10, 20), listener=ByJudge(Mute())).graded == Graded(0, 1, 1)


def test_wrong_arguments():
    with pytest.raises(ConfigError):
        Rule(ack=1.5)
    said = say(("yes", 1))
    said[0].content["words"] = [["yes", "soon"]]
    with pytest.raises(InputError):
        chunks(said)


@given(st.lists(st.tuples(st.sampled_from(["yes", "no", "hm"]), st.integers(0, 99), st.integers(0, 5)), max_size=12))
def test_credit_is_bounded_and_causal_credit_is_no_more(spoken):
    talks = [exchange(start, start + 8, start + 20, interrupted=start == 40) for start in range(0, 80, 20)]
    said = say(*((text, start, start + length) for text, start, length in spoken))
    published, causal = quality(said, talks, EXACT), quality(said, talks, EXACT, CAUSAL)
    for one, strict in zip(published.outcomes, causal.outcomes, strict=True):
        assert 0 <= one.graded.tp <= 1
        if not one.exchange.interrupted:
            assert strict.graded.tp <= one.graded.tp
            assert strict.fn == one.fn
    assert 0 <= published.graded.f1 <= 1
