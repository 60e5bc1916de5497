"""A trigger that waits for an appearance fires once a visit, on time, and on nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from random import Random
from typing import Any

import numpy as np
import pytest

from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.core.item import SECOND, Emission, Item, emission_id
from headrace.testing import assert_deterministic, leak_test
from headrace.understanding.appearance import AppearanceTrigger, Awaited
from headrace.understanding.tokens import Rows, Tokens, TokenView
from headrace.understanding.tokens.tokens import tokens_of

SIZE = 48
#: Looks of four things and of the background.
LOOKS = np.linalg.qr(np.random.default_rng(9).normal(size=(SIZE, 5)))[0].T.astype(np.float32)


def view(pts: int, *things: int, noise: float = 0.02, sense: str = "sight") -> TokenView:
    """Rows of the things that are in sight, each under noise."""
    draw = np.random.default_rng([pts % (1 << 32), *things])
    features = LOOKS[list(things)] + draw.normal(0, noise, (len(things), SIZE))
    places = np.array([[thing, 0] for thing in things]).reshape(-1, 2)
    return TokenView(Rows.of(features.astype(np.float32), places, pts, sense), pts)


def waiting(*things: int, **options: Any) -> AppearanceTrigger:
    return AppearanceTrigger([Awaited(f"thing {one}", LOOKS[[one]]) for one in things], **options)


def times(trigger: AppearanceTrigger, seen: Sequence[tuple[int, ...]]) -> list[tuple[str, int]]:
    """What fires when, in s, where `seen` says what is in sight in each second."""
    fired = [
        (one.question, one.since)
        for s, what in enumerate(seen)
        for one in trigger.decide(s * SECOND, view(s * SECOND, *what))
    ]
    return [(name, since // SECOND) for name, since in fired]


def test_it_fires_once_a_visit_and_again_after_a_rest() -> None:
    seen = [(4,)] * 3 + [(4, 1)] * 5 + [(4,)] * 6 + [(1, 4)] * 2 + [(4,)] * 2 + [(1,)] * 2
    assert times(waiting(1, 2), seen) == [("thing 1", 3), ("thing 1", 14)]
    assert times(waiting(1, 2, rest=SECOND * 2), seen) == [("thing 1", 3), ("thing 1", 14), ("thing 1", 18)]


def test_a_long_visit_fires_once_and_what_never_comes_never_fires() -> None:
    assert times(waiting(1), [(1, 4)] * 200) == [("thing 1", 0)]
    assert times(waiting(3), [(0, 1, 2, 4)] * 200) == []


def test_what_was_in_sight_before_it_was_asked_for_does_not_count() -> None:
    def fired(seen: Sequence[tuple[int, ...]]) -> list[tuple[str, int]]:
        return times(AppearanceTrigger([Awaited("later", LOOKS[[1]], after=10 * SECOND)]), seen)

    assert fired([(1,)] * 20) == []
    assert fired([(1,)] * 5 + [(4,)] * 10 + [(1,)] * 3) == [("later", 15)]


def test_the_action_tells_what_where_and_when() -> None:
    (fired,) = waiting(2).decide(7 * SECOND, view(5 * SECOND, 0, 2))
    assert (fired.question, fired.since, fired.now, fired.latency) == ("thing 2", 5 * SECOND, 7 * SECOND, 2 * SECOND)
    ((span, place, likeness),) = fired.evidence
    assert (span, place) == ((5 * SECOND, 5 * SECOND), (2, 0))
    assert 0.9 < likeness <= 1.0


def test_rows_that_were_shown_before_are_not_new() -> None:
    trigger = waiting(1, rest=SECOND)
    memory = view(SECOND, 1, 4).rows
    assert len(trigger.decide(SECOND, TokenView(memory, SECOND))) == 1
    for s in range(2, 30):
        memory = Rows.join([memory, view(s * SECOND, 4).rows])
        assert trigger.decide(s * SECOND, TokenView(memory, s * SECOND)) == []
    trigger.add(Awaited("late", LOOKS[[1]]))
    trigger.add(Awaited("latest", LOOKS[[4]]))
    assert trigger.decide(40 * SECOND, TokenView(memory, 40 * SECOND)) == []


def test_sound_comes_late_and_is_new_all_the_same() -> None:
    trigger = AppearanceTrigger([Awaited("word", LOOKS[[3]], sense="sound")])
    assert trigger.decide(9 * SECOND, view(9 * SECOND, 3)) == []
    (fired,) = trigger.decide(9 * SECOND, view(8 * SECOND, 3, sense="sound"))
    assert (fired.question, fired.since) == ("word", 8 * SECOND)


def test_it_neither_leaks_nor_depends_on_the_run() -> None:
    def run(items: Sequence[Item]) -> list[Emission]:
        trigger, made = waiting(1, 2), []
        for item in items:
            tokens = tokens_of(item)
            rows = Rows.of(tokens.features.reshape(-1, SIZE), np.argwhere(np.ones(tokens.grid)), item.pts)
            for fired in trigger.decide(item.pts, TokenView(rows, item.pts)):
                since, name = fired.since, emission_id("s", fired.question, fired.since)
                made.append(Emission(name, "alert", asdict(fired), since, since, item.arrival, item.pts))
        return made

    draw = Random(2)
    items = []
    for s in range(60):
        features = view(s * SECOND, draw.choice((0, 1, 2, 3, 4)), 4).rows.features
        items.append(Item(s * SECOND, "tokens", Tokens(features[None]), s * SECOND))

    def noise(future: list[Item], random: Random) -> list[Item]:
        return [
            Item(item.pts, "tokens", Tokens(LOOKS[[random.randrange(5), random.randrange(5)]][None]), item.arrival)
            for item in future
        ]

    leak_test(run, items, noise=noise, cuts=[s * SECOND for s in (5, 20, 40, 58)])
    assert_deterministic(lambda: run(items))
    assert len(run(items)) > 4


def test_cues_come_and_go_within_their_room() -> None:
    trigger = waiting(0, 1, room=2 * (4 * SIZE + 256))
    with pytest.raises(CapacityError, match=r"'thing 2': no room: 896 of 896 bytes are taken; drop a cue"):
        trigger.add(Awaited("thing 2", LOOKS[[2]]))
    trigger.drop("thing 0")
    trigger.add(Awaited("thing 2", LOOKS[[2]] * 7))
    assert times(trigger, [(0, 2)]) == [("thing 2", 0)]
    trigger.reset()
    assert times(trigger, [(0, 2)]) == [("thing 0", 0)]
    with pytest.raises(StateError, match="room for 300"):
        AppearanceTrigger(room=300).restore(trigger.snapshot())


def test_bad_cues_are_named() -> None:
    wrong = {
        "its id is taken": Awaited("thing 1", LOOKS[[0]]),
        "its id is taken, empty": Awaited("", LOOKS[[0]]),
        r"features of shape \(48,\)": Awaited("a", LOOKS[0]),
        "use finite ones above 0": Awaited("a", LOOKS[[0]] * 0),
        "vectors of 7 components, the others have 48": Awaited("a", LOOKS[[0], :7]),
        "sense 'smell' is none of": Awaited("a", LOOKS[[0]], sense="smell"),
    }
    for what, cue in wrong.items():
        with pytest.raises(ConfigError, match=what):
            waiting(1).add(cue)
    with pytest.raises(ConfigError, match="rest 0 ns"):
        AppearanceTrigger(rest=0)
    with pytest.raises(InputError, match="rows of 7 components, the cue 'thing 1' has 48"):
        waiting(1).decide(0, TokenView(Rows.of(LOOKS[[0], :7], np.zeros((1, 2)), 0), 0))
