"""Settling and dropping on tokens: what enters when, and what never does."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.understanding.gates.tokendrop import TokenDrop
from headrace.understanding.gates.tokensettle import TokenSettle
from tests.laws.gates import item, unit

DRAW = np.random.default_rng(11)
A, B, C = unit(DRAW.normal(size=(3, 24)))


def plain(frames: int = 1, still: float = 0.5, change: float = 0.5) -> TokenSettle:
    """With thresholds that do not move."""
    return TokenSettle(frames, still, change, (0.0, 0.0))


def entered(gate: object, *shown: np.ndarray) -> list[bool]:
    """Whether the one token of each picture enters."""
    return [bool(gate.admit(item(one[None, None], k)).admitted[0, 0]) for k, one in enumerate(shown)]  # type: ignore[attr-defined]


def mixed(share: float) -> np.ndarray:
    return unit((1 - share) * A + share * B)


def test_settle_admits_once_what_stands() -> None:
    assert entered(plain(), *[A] * 6) == [False, True, False, False, False, False]
    assert entered(plain(frames=2), *[A] * 6) == [False] * 3 + [True] + [False] * 2


def test_settle_compares_the_mean_of_the_last_with_that_of_the_ones_before() -> None:
    """Two of B after two of A are no rest yet, nor are two of B after one of each."""
    assert entered(plain(frames=2, still=0.2), A, A, A, A, B, B, B, B) == [*[False] * 3, True, *[False] * 3, True]


def test_settle_admits_what_comes_and_what_returns() -> None:
    assert entered(plain(), A, A, B, B, B, A, A) == [False, True, False, True, False, False, True]


def test_settle_forgets_what_was_left_for_something_restless() -> None:
    """A guest behind a crowd: when it is seen again it is a second visit."""
    restless = unit(DRAW.normal(size=(5, 24)))
    seen = entered(plain(), A, A, *restless, A, A)
    assert seen == [False, True, *[False] * 6, True]


def test_settle_does_not_forget_what_trembles() -> None:
    """Two looks at one thing may be unlike each other and still both be like it."""
    side = unit(B - (B @ A) * A)
    left, right = (unit(A + way * 1.1 * side) for way in (1, -1))
    assert left @ right < 0.1 < 0.6 < left @ A
    assert sum(entered(plain(), A, A, left, right, left, right, A, A)) == 1


def test_settle_never_admits_what_never_rests_nor_what_shows_for_a_moment() -> None:
    assert not any(entered(plain(), *unit(DRAW.normal(size=(40, 24)))))
    assert sum(entered(plain(frames=2), A, A, A, A, A, B, A, A, A, A, A)) == 1


def test_settle_admits_the_mean_of_noise() -> None:
    noisy = [unit(A + 0.15 * DRAW.normal(size=24)) for _ in range(8)]
    gate = plain(frames=4)
    (said,) = [one for k, x in enumerate(noisy) if (one := gate.admit(item(x[None, None], k))).admitted.any()]
    kept = said.rows().features[0]
    assert kept == pytest.approx(unit(np.mean(noisy[4:], axis=0)), abs=1e-6)
    assert kept @ A > max(x @ A for x in noisy[4:])


def test_settle_sees_a_fade_that_drop_does_not() -> None:
    fade = [mixed(k / 20) for k in range(21)]
    assert any(entered(plain(), *[A] * 3, *fade, *[B] * 3)[3:])
    assert not any(entered(TokenDrop(), *[A] * 3, *fade, *[B] * 3)[1:])


def grain(sigma: float, seed: int, count: int = 200) -> list[np.ndarray]:
    """A scene of twelve tokens under noise; from the hundredth picture on one of them is another one."""
    draw = np.random.default_rng(seed)
    scene, made = unit(draw.normal(size=(3, 4, 24))), []
    for tick in range(count):
        if tick == 100:
            scene[1, 1] = unit(draw.normal(size=24))
        made.append(unit(scene + sigma / 24**0.5 * draw.normal(size=scene.shape)))
    return made


def rows(gate: TokenSettle, pictures: list[np.ndarray]) -> list[tuple[int, ...]]:
    """(tick, row, column) of all that entered after the gate has got used to the stream."""
    said = [gate.admit(item(one, k)) for k, one in enumerate(pictures)]
    return [(k, *cell) for k, one in enumerate(said) if k >= 60 for cell in np.argwhere(one.admitted).tolist()]


@pytest.mark.parametrize("sigma", [0.02, 0.4])
def test_settle_admits_what_is_new_and_no_noise(sigma: float) -> None:
    found = rows(TokenSettle(), grain(sigma, 21))
    new = [tick for tick, *cell in found if cell == [1, 1]]
    assert 101 <= new[0] <= 105
    assert len(found) <= 8  # of 1,680


def test_without_regard_to_noise_grain_is_news() -> None:
    assert len(rows(plain(2, 0.2, 0.12), grain(0.5, 22))) > 20 * len(rows(TokenSettle(), grain(0.5, 22)))


def test_a_mean_has_less_noise_than_what_it_is_taken_over() -> None:
    """So a smaller change is news in spite of grain."""
    draw = np.random.default_rng(23)
    near = unit(A + 0.75 * unit(B - (B @ A) * A))  # differs by 0.2
    shown = [
        np.tile(A if k < 60 else near, (3, 4, 1)) + 0.6 / 24**0.5 * draw.normal(size=(3, 4, 24)) for k in range(90)
    ]
    gate = TokenSettle(frames=4)
    said = [gate.admit(item(unit(one), k)) for k, one in enumerate(shown)]
    assert np.logical_or.reduce([one.admitted for one in said[60:]]).mean() > 0.8
    assert np.mean([one.share for one in said[10:60]]) < 0.03


def test_the_noise_is_followed() -> None:
    """A clear stream that turns grainy floods the gate for a while only."""
    draw = np.random.default_rng(24)
    scene = unit(draw.normal(size=(3, 4, 24)))
    sigma = [0.02] * 60 + [0.5] * 300
    shown = [unit(scene + s / 24**0.5 * draw.normal(size=scene.shape)) for s in sigma]
    gate = TokenSettle(frames=1, still=0.3)
    shares = [gate.admit(item(one, k)).share for k, one in enumerate(shown)]
    assert np.mean(shares[60:140]) > 0.2 > 0.01 > np.mean(shares[240:])


def test_settle_waits_for_the_end_of_a_fade_in_a_clear_stream() -> None:
    """Of twenty steps each is small; what enters is what stands there in the end, not a mixture on the way."""
    fade = [mixed(k / 20) for k in range(21)]
    gate = TokenSettle()
    said = [gate.admit(item(one[None, None], k)) for k, one in enumerate([*[A] * 30, *fade, *[B] * 9])]
    kept = [one.rows().features[0] for one in said if one.admitted.any()]
    assert kept[-1] @ B > 0.95
    lax = plain(2, 0.5, 0.12)
    more = [lax.admit(item(one[None, None], k)).share for k, one in enumerate([*[A] * 30, *fade, *[B] * 9])]
    assert sum(more) > len(kept)


def test_drop_admits_the_first_picture_and_whatever_differs_from_the_one_before() -> None:
    assert entered(TokenDrop(), A, A, B, B, A) == [True, False, True, False, True]
    assert all(entered(TokenDrop(), *unit(DRAW.normal(size=(9, 64)))))


def test_the_thresholds_are_cosines_and_differences_from_1() -> None:
    near = unit(A + 0.5 * unit(B - (B @ A) * A))  # cosine 0.894
    assert entered(TokenDrop(0.88), A, near) == [True, False]
    assert entered(TokenDrop(0.91), A, near) == [True, True]
    assert entered(plain(change=0.12), A, A, near, near) == [False, True, False, False]
    assert entered(plain(change=0.09), A, A, near, near) == [False, True, True, False]
    assert entered(plain(still=0.09, change=0.09), A, A, near, near) == [False, True, False, True]


def test_drop_by_share_drops_the_most_similar_ones() -> None:
    """By their ranks, not by their indices."""
    before = np.tile(A, (1, 8, 1))
    now = np.stack([[mixed(share) for share in (0.0, 0.9, 0.1, 0.8, 0.2, 0.7, 0.3, 0.6)]])
    gate = TokenDrop(share=0.5)
    assert gate.admit(item(before, 0)).admitted.all()
    assert gate.admit(item(now, 1)).admitted.tolist() == [[False, True, False, True, False, True, False, True]]
    assert gate.admit(item(now, 2)).share == 0.5


@pytest.mark.parametrize(
    "make",
    [
        lambda: TokenDrop(similarity=1.1),
        lambda: TokenDrop(share=-0.1),
        lambda: TokenSettle(frames=0),
        lambda: TokenSettle(frames=9),
        lambda: TokenSettle(still=0),
        lambda: TokenSettle(noises=(1, -1)),
    ],
)
def test_settings_out_of_range_are_refused(make: object) -> None:
    with pytest.raises(ConfigError, match=r"token (drop|settle): use"):
        make()  # type: ignore[operator]
