"""Listening: what leaves does not depend on the chunks; gaps; refusals. The laws run over it in tests/laws."""

from collections.abc import Iterable
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest

from headrace.core.errors import InputError
from headrace.core.item import MS, SECOND, Item, emission_id
from headrace.core.sound import Sound
from headrace.media.heard import RATE
from headrace.media.listen import Listen
from headrace.media.vad import SileroVad
from tests.media.loud import Loud
from tests.media.narration import (
    DEVELOPMENT,
    SPEAKS,
    chunks,
    narrate,
    plain,
    scene,
)

pytestmark = pytest.mark.skipif(find_spec("silero_vad") is None, reason="needs silero-vad")


@pytest.fixture(scope="module")
def network() -> SileroVad:
    return Loud()


def listened(network: SileroVad, items: Iterable[Item]) -> list[Item]:
    listen = Listen(network)
    return [found for item in items for found in listen.step(item)] + list(listen.finish())


def kept(items: Iterable[Item], *kinds: str) -> list[Item]:
    return [item for item in items if item.kind in kinds]


@pytest.mark.parametrize("sizes", [(160,), (511, 1, 700), (4096,), (30_000, 3), (10**9,)], ids=str)
def test_sounds_and_speech_do_not_depend_on_the_chunks(network: SileroVad, sizes: tuple[int, ...]) -> None:
    samples = np.concatenate([scene(18.0, 1), np.zeros(777, np.float32)])
    usual = listened(network, chunks(samples, start=5 * SECOND))
    other = listened(network, chunks(samples, sizes, start=5 * SECOND))
    kinds = ("sound", "speech")
    assert plain(kept(other, *kinds)) == plain(kept(usual, *kinds))
    assert {item.data.what for item in kept(usual, "sound")} == {"silence", "loud", "change"}
    assert len(kept(usual, "speech")) == 3


@pytest.mark.skipif(not SPEAKS, reason="needs espeak-ng")
def test_narration_is_found_whatever_the_chunks() -> None:
    real, told = SileroVad(), narrate(DEVELOPMENT[:3], "en-us", 5)
    usual = kept(listened(real, chunks(told.samples)), "sound", "speech")
    assert plain(kept(listened(real, chunks(told.samples, (333, 5000, 1))), "sound", "speech")) == plain(usual)
    utterances = [item.data for item in kept(usual, "speech")]
    assert len(utterances) == len(told.spans)
    for utterance, (first, last) in zip(utterances, told.spans, strict=True):
        assert utterance.first / SECOND == pytest.approx(first, abs=0.15)
        assert utterance.last / SECOND == pytest.approx(last, abs=0.25)
        assert utterance.score > 0.8


def test_each_audio_item_is_heard_once(network: SileroVad) -> None:
    items = list(chunks(scene(3.0), (1600, 100, 4000)))
    heard = kept(listened(network, items), "heard")
    assert [item.pts for item in heard] == [item.pts for item in items]
    assert all(-120 <= item.data.level_db <= 0 and 0 <= item.data.voice <= 1 for item in heard)
    assert max(item.data.voice for item in heard) > 0.5
    assert heard[0].data.voice < 0.5


def test_other_items_pass_as_they_are_and_nothing_is_older_than_its_cause(network: SileroVad) -> None:
    listen, picture = Listen(network), Item(7, "video", object())
    (passed,) = listen.step(picture)
    assert passed is picture
    for item in chunks(scene(9.0)):
        assert all(found.pts >= item.pts and found.source == item.source for found in listen.step(item))
    assert list(Listen(network).finish()) == []


def test_events_are_told_when_known_and_with_their_end(network: SileroVad) -> None:
    events = [item.data for item in kept(listened(network, chunks(scene(9.0))), "sound")]
    for event in events:
        assert event.id == emission_id("talk", "sound", event.first, ("silence", "loud", "change").index(event.what))
    lasting = [event for event in events if event.what != "change"]
    new, ended = ([e for e in lasting if e.new is told] for told in (True, False))
    assert [e.id for e in new] == [e.id for e in ended]
    assert all(a.first == b.first and a.last <= b.last for a, b in zip(new, ended, strict=True))
    silence = next(e for e in ended if e.what == "silence")
    assert silence.first / SECOND == pytest.approx(5.2, abs=0.1)
    assert silence.last / SECOND == pytest.approx(7.8, abs=0.1)


def test_digital_silence_is_one_silence(network: SileroVad) -> None:
    found = kept(listened(network, chunks(np.zeros(30 * RATE, np.float32))), "sound", "speech")
    assert [(one.data.what, one.data.first, one.data.new) for one in found] == [
        ("silence", 0, True),
        ("silence", 0, False),
    ]
    assert found[-1].data.last == 30 * SECOND


def test_a_gap_closes_what_is_under_way_and_begins_anew(network: SileroVad) -> None:
    """Both sides are as if they were streams of their own."""
    samples = scene(9.0, 3)
    cut = round(1.4 * RATE)  # within speech
    before = list(chunks(samples[:cut]))
    after = list(chunks(samples[cut:], start=60 * SECOND))
    both = kept(listened(network, before + after), "sound", "speech")
    alone = [one for part in (before, after) for one in kept(listened(network, part), "sound", "speech")]
    assert plain(both) == plain(alone)
    speech = [one.data for one in kept(both, "speech")]
    assert speech[0].last <= cut * SECOND // RATE < 60 * SECOND <= speech[1].first


def test_times_that_waver_are_no_gap(network: SileroVad) -> None:
    items = list(chunks(scene(9.0, 3)))
    wavering = [
        Item(item.pts + (-1) ** k * 2 * MS * (k > 0), item.kind, item.data, source=item.source)
        for k, item in enumerate(items)
    ]
    steady, other = (kept(listened(network, one), "speech") for one in (items, wavering))
    assert len(steady) == len(other)
    for a, b in zip(steady, other, strict=True):
        assert abs(a.data.first - b.data.first) <= 4 * MS
        assert b.data.last > b.data.first
    assert all(a.data.last <= b.data.first + 4 * MS for a, b in pairwise(other))


def test_what_is_no_number_is_silent(network: SileroVad) -> None:
    samples = scene(3.0)
    samples[20_000:22_000] = np.nan
    samples[23_000] = np.inf
    found = listened(network, chunks(samples))
    assert all(np.isfinite(item.data.level_db) and np.isfinite(item.data.voice) for item in kept(found, "heard"))
    assert all(np.isfinite(item.data.samples).all() for item in kept(found, "speech"))


def test_no_samples_are_no_harm(network: SileroVad) -> None:
    (heard,) = Listen(network).step(Item(0, "audio", Sound(np.zeros(0, np.float32)), source="talk"))
    assert (heard.kind, heard.data.level_db, heard.data.voice) == ("heard", -120.0, 0.0)


def test_another_rate_is_refused(network: SileroVad) -> None:
    with pytest.raises(InputError, match="talk: sound at 48000 Hz cannot be listened to"):
        list(Listen(network).step(Item(0, "audio", Sound(np.zeros(10, np.float32), 48_000), source="talk")))


def test_time_does_not_go_back(network: SileroVad) -> None:
    listen, items = Listen(network), list(chunks(scene(3.0)))
    list(listen.step(items[5]))
    with pytest.raises(InputError, match=r"talk: sound goes back by 0\.300 s at 0\.300 s"):
        list(listen.step(items[3]))
