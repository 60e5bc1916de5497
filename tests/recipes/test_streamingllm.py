"""StreamingLLM, its baselines, and how recipes that keep a language model's past are measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headrace.core.errors import CapacityError, ConfigError, InputError
from headrace.recipes.baselines import BASELINES, Setting, dense, h2o, random_eviction, room_for, window
from headrace.recipes.language import pace
from headrace.recipes.language.control import in_length
from headrace.recipes.language.facts import FACT, Facts, Probe
from headrace.recipes.language.follow import PIECE, Track, follow
from headrace.recipes.language.places import by_place, places, unigram
from headrace.recipes.language.stream import SHIPPED, streams
from headrace.recipes.registry import open_registry
from headrace.recipes.streamingllm import StreamingLLM
from headrace.state import Policy, cache, pin, recent

PROBE = Probe(keys=tuple(range(900, 1024)), values=tuple(range(100, 200)), end=7)
AGES = (8, 32, 128, 512)


@pytest.fixture(scope="module")
def lm() -> Any:
    pytest.importorskip("transformers")
    from headrace.models.hf.load import load

    return load("zoo:tiny-llama", device="cpu")


@pytest.fixture(scope="module")
def texts(lm: Any) -> list[list[int]]:
    return streams(lm, SHIPPED, 2, 5 * PIECE, seed=3)


def plain(ids: list[int]) -> np.ndarray:
    """Nats of each token after the first, by the untouched model; float64 [n - 1]."""
    from transformers import AutoModelForCausalLM

    folder = Path(__file__).parents[2] / "src" / "headrace" / "zoo" / "tiny-llama"
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        logits = model(torch.tensor([ids[:-1]])).logits[0]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="none").double().numpy()


# -- the recipe and the baselines -----------------------------------------------------------------


def test_the_registry_finds_it_and_it_builds_the_policy_of_the_paper() -> None:
    assert open_registry().entry("streamingllm").load() is StreamingLLM
    assert StreamingLLM().build() == Policy(pin(tokens=4) + recent(tokens=2000), place=cache(), block=64)


def test_at_a_budget_the_sinks_count() -> None:
    assert StreamingLLM(block=16).at(256) == StreamingLLM(recent=252, block=16)
    assert StreamingLLM(sinks=0).at(256).build() == window(256)
    with pytest.raises(ConfigError, match="4 are sinks"):
        StreamingLLM().at(4)


@pytest.mark.parametrize(
    ("given", "name"),
    [({"sinks": -1}, "sinks"), ({"sinks": 4.0}, "sinks"), ({"recent": 0}, "recent"), ({"recent": True}, "recent")],
)
def test_numbers_that_it_cannot_have(given: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigError, match=f"{name}={given[name]}; use a whole number"):
        StreamingLLM(**given)


@pytest.mark.parametrize("tokens", [128, 192, 256, 300])
def test_the_rivals_take_as_many_blocks_as_it_does(lm: Any, tokens: int) -> None:
    layout = lm.attached.layout
    setting = Setting(tokens, block=64, seed=0, max_bytes=room_for(640, layout))
    ours = StreamingLLM().at(tokens).build().bind(layout)
    slots = {name: one.make(setting).bind(layout).slots for name, one in BASELINES.items()}
    assert slots["window"] == ours.slots - 1
    assert slots["window+block"] == slots["random"] == slots["h2o"] == ours.slots
    assert BASELINES["window+block"].make(setting).bind(layout).max_bytes == ours.max_bytes


def test_all_bounded_baselines_keep_about_as_much(lm: Any) -> None:
    layout = lm.attached.layout
    setting = Setting(tokens=256, block=32, seed=0, max_bytes=room_for(640, layout, 32))
    most = {name: one.make(setting).bind(layout).max_bytes for name, one in BASELINES.items()}
    pinned = most["random"] - most["window"]
    assert 0 < pinned < 0.2 * most["window"]
    assert most["window"] < most["random"] <= most["h2o"] < 1.2 * most["random"]
    assert most["dense"] == setting.max_bytes


def test_dense_takes_what_there_is_room_for_and_then_raises(lm: Any) -> None:
    with lm.session(dense(room_for(64, lm.attached.layout, 32), 32), opening=False) as session:
        session.push(list(range(1, 97)))
        with pytest.raises(CapacityError):
            session.push([1])


# -- streams and facts ----------------------------------------------------------------------------


def test_shipped_streams_begin_as_texts_do_and_do_not_overlap(lm: Any) -> None:
    found = streams(lm, SHIPPED, 6, 400, seed=1)
    assert found == streams(lm, SHIPPED, 6, 400, seed=1) != streams(lm, SHIPPED, 6, 400, seed=2)
    assert {len(ids) for ids in found} == {400}
    assert all(ids[:1] == list(lm.opening) for ids in found)
    assert len({tuple(ids) for ids in found}) == 6


def test_a_file_is_cut_into_parts(lm: Any, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    words = [f"word{i} " for i in range(300)]
    file.write_text("".join(words), encoding="utf-8")
    whole = lm.tokens("".join(words))
    width = len(whole) // 3
    found = streams(lm, file, 3, 100, seed=0)
    for number, ids in enumerate(found):
        part = whole[width * number : width * (number + 1)]
        assert any(part[i : i + 99] == ids[1:] for i in range(len(part)))


@pytest.mark.parametrize(("content", "match"), [(b"short", "a part has"), (b"\xff\xfe\x00", "no text"), (None, "read")])
def test_a_file_that_is_no_use_is_one_line(lm: Any, tmp_path: Path, content: bytes | None, match: str) -> None:
    file = tmp_path / "text.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=match):
        streams(lm, file, 2, 100)


def test_every_fact_is_asked_for_at_its_age() -> None:
    text = list(range(200, 800))
    facts = Facts.plant(PROBE, [0], text, AGES, seed=5)
    assert facts.ids == Facts.plant(PROBE, [0], text, AGES, seed=5).ids
    assert facts.ids != Facts.plant(PROBE, [0], text, AGES, seed=6).ids
    assert len({len(places) for places in facts.asked.values()}) == 1
    keys = [token for token in facts.ids if token in PROBE.keys]
    assert len(keys) == 2 * len(set(keys)) == sum(map(len, facts.asked.values()))
    for age, asked in facts.asked.items():
        for place in asked:
            assert facts.ids[place] == facts.ids[place - age]
            assert facts.ids[place] in PROBE.values
    rest = [t for t in facts.ids[1:] if t not in PROBE.keys and t not in PROBE.values and t != PROBE.end]
    assert rest[:600] == text
    assert len(rest) > 2 * FACT * len(keys) / 2


def test_facts_strip_the_opening_of_a_text() -> None:
    text = list(range(200, 800))
    whole = Facts.plant(PROBE, [0, 3], [0, 3, *text], AGES, seed=5)
    assert whole == Facts.plant(PROBE, [0, 3], text, AGES, seed=5)
    assert whole.ids[:2] == [0, 3]
    assert 0 not in whole.ids[2:]
    with pytest.raises(InputError, match="0 tokens of text"):
        Facts.plant(PROBE, [0], [0], AGES, seed=5)


@pytest.mark.parametrize("ages", [(4,), (10,), (8, 30)])
def test_ages_that_facts_cannot_have(ages: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="multiples of 4"):
        Facts.plant(PROBE, [0], [1, 2, 3], ages, seed=0)


# -- losses ---------------------------------------------------------------------------------------


def test_buckets_end_at_the_budget_and_at_multiples_of_the_trained_length() -> None:
    assert list(places(5120, 512, 256)) == ["0-256", "256-512", "512-1024", "1024-2048", "2048-5120"]
    assert list(places(600, 512, 512)) == ["0-512", "512-600"]
    assert list(places(1030, 512, 256)) == ["0-256", "256-512", "512-1030"]
    assert list(places(1088, 512, 256))[-1] == "1024-1088"
    assert list(places(40, 512, 256)) == ["0-40"]
    losses = np.arange(10.0)
    losses[0] = np.nan
    found = by_place(losses, {"a": (0, 4), "b": (4, 10)})
    assert found == {"a": 2.0, "b": 6.5}
    losses[8:] = np.nan
    assert np.isnan(by_place(losses, {"b": (4, 10)})["b"])


def test_the_blind_baseline_knows_only_what_came_before() -> None:
    losses = unigram([1, 1, 0, 1], 2)
    assert np.isnan(losses[0])
    assert losses[1:] == pytest.approx(-np.log([2 / 3, 1 / 4, 3 / 5]))


def test_the_slope_is_that_of_growth_not_of_a_window_that_fills() -> None:
    def track(held: list[int], over: int = 0) -> Track:
        points = [(PIECE * (i + 1), entries) for i, entries in enumerate(held)]
        points += [(PIECE * len(held) + over, held[-1] + over)] if over else []
        return Track(np.zeros(0), np.zeros(0, bool), tokens=PIECE * len(held) + over, held=points)

    assert track([100, 100, 100, 130] * 4).slope == 0.0
    assert track([PIECE * (i + 1) for i in range(16)]).slope == pytest.approx(1000.0)
    assert track([5]).slope == 0.0
    for over in (0, 1, 10, 63):
        assert track([100, 100, 100, 130, 100, 100, 100, 130, 100], over).slope == 0.0
        assert track([64, 128, 192, 256, 260, 260], over).slope == 0.0
        assert track([PIECE * (i + 1) for i in range(9)], over).slope == pytest.approx(1000.0)


# -- following ------------------------------------------------------------------------------------


def test_losses_are_those_of_the_untouched_model(lm: Any, texts: list[list[int]]) -> None:
    room = room_for(5 * PIECE, lm.attached.layout)
    done: list[int] = []
    found = follow(lm, {"dense": dense(room)}, texts, shared=2 * PIECE, progress=done.append)["dense"]
    for track, ids in zip(found, texts, strict=True):
        np.testing.assert_allclose(track.loss[1:], plain(ids), atol=1e-3)
        assert np.isnan(track.loss[0])
        assert track.tokens == len(ids)
    assert sum(done) == sum(map(len, texts))


def test_what_is_shared_changes_nothing_and_scores_are_not_shared(lm: Any, texts: list[list[int]]) -> None:
    methods = {
        "sinks": StreamingLLM().at(128).build(),
        "random": random_eviction(128, seed=4),
        "h2o": h2o(128),
    }
    together = follow(lm, methods, texts, shared=128, timed_at=4 * PIECE)
    for name, policy in methods.items():
        (alone,) = follow(lm, {name: policy}, texts[1:]).values()
        np.testing.assert_allclose(together[name][1].loss, alone[0].loss, atol=1e-3)
        assert together[name][1].peak == alone[0].peak
        assert together[name][1].cpu_ms > 0
        assert np.isnan(alone[0].cpu_ms)
        assert bool(together[name][1].alone) == (name != "sinks")


def test_one_that_reaches_its_limit_ends_and_the_others_go_on(lm: Any, texts: list[list[int]]) -> None:
    methods = {"window": window(128), "dense": dense(room_for(2 * PIECE, lm.attached.layout))}
    found = follow(lm, methods, texts)
    (alone,) = follow(lm, {"window": window(128)}, texts).values()
    for ended, other, same in zip(found["dense"], found["window"], alone, strict=True):
        assert ended.tokens == 3 * PIECE
        assert "max_bytes" in ended.ended
        assert np.isnan(ended.loss[3 * PIECE + 1 :]).all()
        assert not other.ended
        np.testing.assert_allclose(other.loss, same.loss, atol=1e-4)


def test_the_control_reads_every_block_as_a_text_of_its_own(lm: Any, texts: list[list[int]]) -> None:
    ids, context = texts[0], 100
    losses = in_length(lm, ids, context)
    assert np.isnan(losses[:PIECE]).all()
    for start in (PIECE, 3 * PIECE):
        before = ids[max(start - context, 1) : start]
        expected = plain([ids[0], *before, *ids[start : start + PIECE]])[-PIECE:]
        np.testing.assert_allclose(losses[start : start + PIECE], expected, atol=1e-3)


def test_pace_steps_past_evictions_and_reads_whole_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    small = {"vocab_size": 64, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1}
    monkeypatch.setattr(pace, "SHAPE", pace.SHAPE | small)
    monkeypatch.setattr(pace, "STEPS", 40)
    before = torch.get_num_threads()
    found = pace.Pace.of(StreamingLLM(block=32).at(64).build(), 64)
    assert (len(found.steps), len(found.reads)) == (64, 8)
    assert found.faster == pytest.approx(found.reads.mean() / found.steps.mean())
    assert min(found.steps.min(), found.reads.min()) > 0
    assert torch.get_num_threads() == before


@pytest.mark.slow
def test_its_check_measures_the_claim_beside_the_baselines() -> None:
    pytest.importorskip("transformers")
    check = StreamingLLM().check(seed=1)
    last = "2048-5120"
    assert set(check.baselines) == {"window", "window+block", "dense", "in length", "unigram"}
    assert "favour the method of its training" in check.note
    assert "Llama of 27 M" in check.note
    assert check.measured[f"loss_{last}"] < check.baselines["window"][f"loss_{last}"]
    assert check.measured[f"loss_{last}"] + 1 < check.baselines["dense"][f"loss_{last}"]
    assert abs(check.measured[f"against_in_length_{last}"]) < 0.1
    assert check.measured["recall_inside"] > 0.7 > 0.1 > check.measured["recall_outside"]
    assert check.measured["faster"] > 5
