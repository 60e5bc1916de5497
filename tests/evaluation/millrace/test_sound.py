"""Words, beeps and noise at their times; and the tokens that are made of them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import islice
from random import Random
from typing import Any

import numpy as np
import pytest

from headrace.core.errors import ConfigError, InputError, StateError
from headrace.core.item import MS, SECOND, Emission, Item, emission_id
from headrace.core.sound import Sound
from headrace.evaluation.millrace.sound import APART, BEEPS, FULL, Soundtrack, lasting, sounded
from headrace.evaluation.millrace.words import LEVEL, RATE, WORDS, lasts, spoken
from headrace.evaluation.millrace.world import World
from headrace.testing import assert_deterministic, leak_test
from headrace.understanding.tokens.bursts import BurstEncoder
from zoo.words.render import SHIPPED, rendered

NAMES = (*WORDS, *BEEPS)


@dataclass(frozen=True)
class Said:
    word: str
    start: int


def plan(rounds: int, seed: int) -> list[Said]:
    """Every word and beep `rounds` times, in shuffled order, at uneven times."""
    draw = Random(seed)
    said, at = [], SECOND
    for _ in range(rounds):
        for word in draw.sample(NAMES, len(NAMES)):
            said.append(Said(word, at))
            at += lasting(word) + APART + draw.randrange(600 * MS)
    return said


def encoded(items: Any) -> list[Item]:
    encoder = BurstEncoder()
    return [token for item in items for token in encoder.step(item)]


@cache
def templates() -> Any:
    encoder = BurstEncoder()
    return np.stack([encoder.token(heard(name)) for name in NAMES])


def named(tokens: Sequence[Item]) -> list[str]:
    return [NAMES[int(np.argmax(templates() @ token.data.features[0, 0]))] for token in tokens]


def heard(name: str) -> Any:
    return sounded(name).astype(np.float32) / FULL


def until(said: Sequence[Said]) -> float:
    return said[-1].start / SECOND + 2


def test_words_are_short_equally_loud_and_shared_by_nobody() -> None:
    assert len(set(WORDS)) == len(WORDS) == 20
    for word in WORDS:
        samples = spoken(word)
        assert samples.dtype == np.int16
        assert 300 * MS < lasts(word) < 600 * MS
        assert np.sqrt(np.mean((samples / FULL) ** 2)) == pytest.approx(LEVEL, rel=1e-3)
        assert not samples.flags.writeable
    with pytest.raises(ConfigError, match="'piano' has no sound; use one of apple"):
        spoken("piano")


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng (apt install espeak-ng)")
def test_the_file_that_ships_is_what_the_script_renders() -> None:
    """Another release of espeak-ng may say a word a little differently."""
    for word in ("fish", "window"):
        new, shipped = rendered(word).astype(float), spoken(word).astype(float)
        length = min(len(new), len(shipped))
        assert abs(len(new) - len(shipped)) < RATE // 20
        assert np.corrcoef(new[:length], shipped[:length])[0, 1] > 0.9
    assert SHIPPED.stat().st_size <= 300_000


def test_a_soundtrack_holds_its_words_where_the_plan_puts_them() -> None:
    said = [Said("window", 1_234_567_890), Said("beep", 3 * SECOND)]
    items = list(Soundtrack(said, 5, 5.0, noise_db=-90).items())
    assert [item.pts for item in items] == [index * 100 * MS for index in range(50)]
    assert all(item.arrival == item.pts + 100 * MS and item.kind == "audio" for item in items)
    samples = np.concatenate([item.data.samples for item in items])
    first = 1_234_567_890 * RATE // SECOND
    assert np.allclose(samples[first : first + len(spoken("window"))], spoken("window") / FULL, atol=1e-3)
    quiet = np.r_[0:first, first + len(spoken("window")) : 3 * RATE, 3 * RATE + len(sounded("beep")) : 5 * RATE]
    assert np.abs(samples[quiet]).max() < 1e-3


def test_a_soundtrack_is_deterministic_lazy_and_may_be_endless() -> None:
    def endless() -> Any:
        at = SECOND
        while True:
            yield Said("rope", at)
            at += 2 * SECOND

    def digest() -> list[Any]:
        return [[item.pts, item.data.samples.tobytes().hex()] for item in islice(Soundtrack(endless(), 3).items(), 60)]

    assert_deterministic(digest)
    other = next(iter(Soundtrack(endless(), 4).items())).data.samples
    assert not np.array_equal(other, next(iter(Soundtrack(endless(), 3).items())).data.samples)


def test_what_is_audible_is_part_of_the_whole_and_gives_the_same_tokens() -> None:
    said = [Said("glass", 2 * SECOND + 7), Said("high beep", 9 * SECOND), Said("onion", 20 * SECOND - 100 * MS)]
    track = Soundtrack(said, 1, 30.0)
    whole = {item.pts: item.data.samples for item in track.items()}
    part = list(track.audible())
    assert len(part) < len(whole) / 6
    assert all(np.array_equal(item.data.samples, whole[item.pts]) for item in part)
    full, quick = encoded(track.items()), encoded(track.audible())
    assert [item.pts for item in full] == [item.pts for item in quick]
    assert all(np.array_equal(a.data.features, b.data.features) for a, b in zip(full, quick, strict=True))
    assert named(full) == [one.word for one in said]


def test_all_that_is_said_in_a_world_is_heard_in_it() -> None:
    world = World(2, "calm", 1800)
    tokens = encoded(world.soundtrack.audible())
    assert len(world.said) > 20
    assert named(tokens) == [one.word for one in world.said]
    assert max(abs(token.pts - one.start) for token, one in zip(tokens, world.said, strict=True)) < 60 * MS


@pytest.mark.parametrize("noise_db", [-60.0, -50.0])
def test_every_word_is_told_from_every_other_at_any_offset(noise_db: float) -> None:
    said = plan(3, 11)
    tokens = encoded(Soundtrack(said, 2, until(said), noise_db).items())
    assert named(tokens) == [one.word for one in said]
    for one, token in zip(said, tokens, strict=True):
        assert abs(token.pts - one.start) < 60 * MS
        assert token.arrival > one.start + lasting(one.word)
        likeness = templates() @ token.data.features[0, 0]
        own = NAMES.index(one.word)
        assert likeness[own] > 0.95
        assert np.delete(likeness, own).max() < 0.65
        assert token.data.features.shape == (1, 1, 48)
        assert token.data.sense == "sound"


def test_in_loud_noise_most_words_are_still_told_apart() -> None:
    said = plan(2, 12)
    tokens = encoded(Soundtrack(said, 2, until(said), -40.0).items())
    right = sum(
        any(abs(token.pts - one.start) < 150 * MS and name == one.word for token, name in heard)
        for heard in [list(zip(tokens, named(tokens), strict=True))]
        for one in said
    )
    assert 0.9 * len(said) <= right


def test_noise_alone_is_no_burst_even_where_it_grows() -> None:
    for noise_db in (-60.0, -40.0, -30.0):
        assert len(encoded(Soundtrack([], 8, 20.0, noise_db).items())) <= 1


def test_a_gap_in_the_sound_ends_a_burst() -> None:
    items = list(Soundtrack([Said("ocean", SECOND)], 0, 3.0).items())
    kept = [item for item in items if item.pts < SECOND + 300 * MS or item.pts >= 2 * SECOND]
    (token,) = encoded(kept)
    assert (token.pts, token.arrival) == (pytest.approx(SECOND, abs=60 * MS), 2 * SECOND + 100 * MS)


def test_tokens_do_not_leak_what_is_still_to_come() -> None:
    def run(items: Sequence[Item]) -> list[Emission]:
        return [
            Emission(emission_id("s", "token", one.pts), "token", np.asarray(one.data.features).tolist(), one.pts,
                     one.pts, one.arrival, one.pts)
            for one in encoded(items)
        ]  # fmt: skip

    def noise(future: list[Item], draw: Random) -> list[Item]:
        random = np.random.default_rng(draw.randrange(1 << 30))
        return [
            Item(item.pts, "audio", Sound(random.normal(0, 0.3, 1600).astype(np.float32)), item.arrival)
            for item in future
        ]

    said = plan(1, 4)[:8]
    leak_test(run, list(Soundtrack(said, 3, 8.0).items()), noise=noise, cuts=[s * 700 * MS for s in range(2, 10)])
    assert_deterministic(lambda: [asdict(one) for one in run(list(Soundtrack(said, 3, 8.0).items()))])


def test_bad_plans_and_bad_sound_are_named() -> None:
    with pytest.raises(InputError, match="'beep' at 5 ns begins before the sound in front of it"):
        list(Soundtrack([Said("rope", 9), Said("beep", 5)], 0, 1.0).items())
    with pytest.raises(ConfigError, match="a soundtrack needs seconds > 0"):
        Soundtrack([], seconds=0)
    encoder = BurstEncoder()
    wrong = {
        "sound is needed, got int": 3,
        "1600 samples at 8000 Hz": Sound(np.zeros(1600, np.float32), 8000),
        "a sample is not finite": Sound(np.full(1600, np.nan, np.float32)),
    }
    for what, data in wrong.items():
        with pytest.raises(InputError, match=what):
            encoder.step(Item(0, "audio", data, source="mic"))
    with pytest.raises(InputError, match="holds 0 bursts"):
        encoder.token(np.zeros(800, np.float32))
    with pytest.raises(ConfigError, match="size 0"):
        BurstEncoder(0)
    encoder.step(next(Soundtrack([Said("rope", 30 * MS)], 0, 0.5).items()))
    with pytest.raises(StateError, match="this encoder cuts them at 40000000"):
        BurstEncoder(longest=40 * MS).restore(encoder.snapshot())
    picture = Item(0, "video", None)
    assert list(encoder.step(picture)) == [picture]
