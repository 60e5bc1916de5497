from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import ConfigError, StateError
from headrace.models.hf.sampling import Sampler, Sampling

VOCABULARY = 300


def row(seed, size=VOCABULARY, scale=3.0):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * scale


def spread(sampler, logits):
    """Probabilities over all ids."""
    ids, chances = sampler.choices(logits)
    return torch.zeros(len(logits), dtype=torch.float64).index_add(0, ids, chances)


def warped(sampling, logits, recent=()):
    """The same by the classes of transformers, in the order of its `generate`."""
    process = pytest.importorskip("transformers.generation.logits_process")
    steps = []
    if sampling.repetition_penalty != 1:
        steps.append(process.RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty)))
    steps += sampling.processors
    if sampling.temperature != 1:
        steps.append(process.TemperatureLogitsWarper(float(sampling.temperature)))
    if sampling.top_k:
        steps.append(process.TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        steps.append(process.TopPLogitsWarper(sampling.top_p))
    if sampling.min_p:
        steps.append(process.MinPLogitsWarper(sampling.min_p))
    ids, scores = torch.tensor([list(recent)], dtype=torch.int64), logits[None].clone()
    for step in steps:
        scores = step(ids, scores)
    return torch.softmax(scores[0].double(), 0)


def assert_as_transformers(sampling, seed, recent=(), **shape):
    sampler, logits = Sampler(sampling), row(seed, **shape)
    for token in recent:
        sampler.note(token)
    before = logits.clone()
    mine, theirs = spread(sampler, logits), warped(sampling, logits, recent[-sampling.window :])
    assert torch.equal(mine > 0, theirs > 0)
    torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-9)
    assert torch.equal(logits, before)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=0.7),
        Sampling(temperature=1.0, top_k=7),
        Sampling(temperature=1.0, top_k=10_000),
        Sampling(temperature=1.0, top_p=0.9),
        Sampling(temperature=1.0, top_p=1e-9),
        Sampling(temperature=1.0, min_p=0.05),
        Sampling(temperature=1.0, min_p=1),
        Sampling(temperature=1.0, repetition_penalty=1.3),
        Sampling(temperature=1.0, repetition_penalty=0.8, window=3),
    ],
    ids=repr,
)
@pytest.mark.parametrize("seed", range(3))
def test_each_filter_is_that_of_transformers(sampling, seed):
    assert_as_transformers(sampling, seed, [seed, 3, 200, 17, 3])


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0, 9.0])
@pytest.mark.parametrize("share", [0.1, 0.9, 0.99, 0.99999])
def test_a_nucleus_of_a_large_vocabulary_is_that_of_transformers(share, scale):
    sampling = Sampling(temperature=1.0, top_p=share)
    sampler, logits = Sampler(sampling), row(5, 20_000, scale)
    mine, theirs = spread(sampler, logits), warped(sampling, logits)
    apart = (mine > 0) != (theirs > 0)  # sums of 20,000 float32 differ in the last digits
    assert apart.sum() <= 1e-3 * (theirs > 0).sum()
    torch.testing.assert_close(mine[~apart], theirs[~apart], rtol=1e-4, atol=1e-9)


def test_of_equal_tokens_the_later_ones_stay():
    logits = torch.zeros(10)
    ids, chances = Sampler(Sampling(temperature=1.0, top_p=0.35)).choices(logits)
    assert (
        ids.tolist() == warped(Sampling(temperature=1.0, top_p=0.35), logits).nonzero()[:, 0].tolist() == [6, 7, 8, 9]
    )
    assert chances.tolist() == [0.25] * 4


@given(
    st.builds(
        Sampling,
        temperature=st.floats(0.3, 3),
        top_k=st.integers(0, 50),
        top_p=st.floats(0.05, 1),
        min_p=st.floats(0, 0.5),
        repetition_penalty=st.floats(0.5, 2),
        window=st.integers(1, 8),
    ),
    st.integers(0, 999),
    st.lists(st.integers(0, VOCABULARY - 1), max_size=20),
)
def test_the_filters_together_are_those_of_transformers(sampling, seed, recent):
    assert_as_transformers(sampling, seed, recent)


def test_processors_of_transformers_see_the_window_and_come_before_the_temperature():
    process = pytest.importorskip("transformers.generation.logits_process")
    banned = process.SuppressTokensLogitsProcessor([5, 6], device="cpu")
    sampling = Sampling(
        temperature=0.5, top_k=20, window=4, processors=(process.NoRepeatNGramLogitsProcessor(2), banned)
    )
    logits = row(1)
    logits[[5, 6, 9]] += 20
    sampler, recent = Sampler(sampling), [1, 8, 9, 2, 8]
    for token in recent:
        sampler.note(token)
    mine = spread(sampler, logits)
    torch.testing.assert_close(mine, warped(sampling, logits, recent[-4:]), rtol=1e-6, atol=1e-9)
    assert mine[[5, 6, 9]].tolist() == [0, 0, 0]  # 8 9 was said, and the last token is 8


def test_greedy_takes_the_first_of_the_best_after_penalty_and_processors_and_draws_nothing():
    logits = torch.zeros(9)
    logits[[3, 6]] = 2.0
    assert Sampler(Sampling()).pick(logits) == 3
    assert Sampling().greedy
    penalised = Sampling(repetition_penalty=1.5, processors=(lambda ids, scores: scores,))
    assert not penalised.greedy
    sampler = Sampler(penalised)
    sampler.note(3)
    sampler.note(10_000)  # an id that the head does not have
    assert sampler.pick(logits) == 6
    assert sampler.snapshot().part("rng").meta["counter"] == 0


def test_draws_follow_the_probabilities():
    sampling = Sampling(temperature=1.0, top_k=5)
    sampler, logits = Sampler(sampling, seed=4), row(2, 40, 1.0)
    chances, n = spread(sampler, logits), 4000
    counts = Counter(sampler.pick(logits) for _ in range(n))
    assert set(counts) == set(chances.nonzero()[:, 0].tolist())
    for token, count in counts.items():
        expected = float(chances[token])
        assert abs(count / n - expected) < 5 * (expected * (1 - expected) / n) ** 0.5


def test_draws_depend_on_seed_and_counter_only():
    sampling = Sampling(temperature=1.0)
    one, same, other = Sampler(sampling, 1), Sampler(sampling, 1), Sampler(sampling, 2)
    batch = torch.stack([row(seed) for seed in range(50)])
    alone = [one.pick(logits) for logits in batch]
    assert alone == [same.pick(torch.stack([logits, row(99)])[0]) for logits in batch]
    assert alone != [other.pick(logits) for logits in batch]


def test_a_transaction_takes_draws_and_tokens_back():
    sampler, logits = Sampler(Sampling(temperature=1.0, repetition_penalty=1.2, window=3), 7), row(0)
    for token in (1, 2, 3, 4):
        sampler.note(token)
    before = sampler.snapshot()
    sampler.begin()
    first = sampler.pick(logits)
    sampler.note(first)
    with pytest.raises(StateError, match="snapshot within a transaction"):
        sampler.snapshot()
    assert sampler.nbytes() <= sampler.max_bytes()
    sampler.rollback()
    assert_same(sampler.snapshot(), before)
    sampler.begin()
    assert sampler.pick(logits) == first
    sampler.note(first)
    sampler.commit()
    assert sampler.snapshot().part("recent").arrays["tokens"].tolist() == [3, 4, first]
    assert sampler.snapshot().part("rng").meta["counter"] == 1


def assert_same(one, other):
    assert (one.kind, one.meta, one.arrays.keys()) == (other.kind, other.meta, other.arrays.keys())
    assert all(np.array_equal(array, other.arrays[key]) for key, array in one.arrays.items())


def test_a_restored_sampler_and_a_fork_go_on_the_same():
    sampling = Sampling(temperature=0.9, top_p=0.8, repetition_penalty=1.5, window=5)
    sampler = Sampler(sampling, 11)

    def say(one, steps):
        said = []
        for step in steps:
            said.append(one.pick(row(step)))
            one.note(said[-1])
        return said

    say(sampler, range(9))
    snapshot = sampler.snapshot()
    snapshot.meta = json.loads(json.dumps(snapshot.meta))
    restored = Sampler(Sampling.from_data(snapshot.meta["own"]["sampling"]))
    restored.restore(snapshot)
    assert_same(restored.snapshot(), snapshot)
    fork = sampler.fork()
    said = say(sampler, range(9, 40))
    assert_same(fork.snapshot(), snapshot)
    assert said == say(restored, range(9, 40)) == say(fork, range(9, 40))
    assert sampler.nbytes() <= sampler.max_bytes()
    sampler.reset()
    assert_same(sampler.snapshot(), Sampler(sampling, 11).snapshot())


class Nothing:
    def __call__(self, ids, scores):
        return scores


def test_processors_are_named_in_a_snapshot_and_have_to_be_given_again():
    data = json.loads(json.dumps(Sampling(processors=(Nothing(),)).as_data()))
    assert data["processors"] == ["Nothing"]
    assert Sampling.from_data(data, [Nothing()]).as_data() == data
    with pytest.raises(StateError, match=r"the processors \['Nothing'\], but \[\] were given; give the same"):
        Sampling.from_data(data)
    with pytest.raises(StateError, match="a damaged description of Sampling"):
        Sampling.from_data({**data, "top_p": 7}, [Nothing()])
    with pytest.raises(StateError, match="build it with the same"):
        Sampler(Sampling()).restore(Sampler(Sampling(top_k=3)).snapshot())


def flat(ids, scores):
    return scores[0]


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.0, top_k=3), Sampling(repetition_penalty=2)])
@pytest.mark.parametrize(
    ("value", "where", "said"),
    [
        (float("nan"), slice(4, 5), "hold NaN"),
        (float("inf"), slice(4, 5), r"hold \+inf"),
        (-float("inf"), slice(None), "are all -inf"),
    ],
)
def test_logits_without_a_choice_are_a_state_error_and_draw_nothing(sampling, value, where, said):
    sampler, logits = Sampler(sampling, 3), row(0)
    logits[where] = value
    sampler.note(2)
    before = sampler.snapshot()
    with pytest.raises(StateError, match=f"^no token can be picked: the logits.* {said}"):
        sampler.pick(logits)
    assert_same(sampler.snapshot(), before)


def test_some_impossible_tokens_are_no_harm_and_wrong_shapes_are():
    logits = torch.full((50,), -torch.inf)
    logits[[7, 30]] = torch.tensor([1.0, 0.5])
    sampler = Sampler(Sampling(temperature=1.0, top_p=0.99))
    assert {sampler.pick(logits) for _ in range(40)} == {7, 30}
    assert sampler.pick(logits.double()) in (7, 30)
    assert sampler.pick(logits.bfloat16()) in (7, 30)
    with pytest.raises(StateError, match=r"shape \[1, 50\]"):
        sampler.pick(logits[None])
    wrong = Sampler(Sampling(processors=(flat,)))
    with pytest.raises(ConfigError, match=r"flat must return scores of shape \[1, 50\]"):
        wrong.pick(logits)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"temperature": -1.0}, "temperature=-1.0): give 0 or from 0.001"),
        ({"temperature": 1e-9}, "temperature=1e-09): give 0 or"),
        ({"temperature": float("nan")}, "temperature=nan)"),
        ({"temperature": "hot"}, "temperature='hot', .*the others numbers"),
        ({"top_k": -1}, "top_k=-1): give 0"),
        ({"top_k": 2.5}, "top_k=2.5, .*are whole numbers"),
        ({"top_k": True}, "are whole numbers"),
        ({"top_p": 0.0}, "top_p=0.0): give above 0"),
        ({"top_p": 1.1}, "top_p=1.1)"),
        ({"min_p": 1.1}, "min_p=1.1)"),
        ({"repetition_penalty": 0}, "repetition_penalty=0): give above 0"),
        ({"window": 0}, "window=0): give 1 or more"),
        ({"processors": (3,)}, "processors=.3,.): give objects"),
    ],
)
def test_settings_out_of_range_are_one_line(settings, said):
    with pytest.raises(ConfigError, match=said.replace(")", r"\)")) as raised:
        Sampling(**settings)
    assert "\n" not in str(raised.value)
