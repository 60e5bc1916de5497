"""What `headrace watch` sees of rendered clips, held to the figures it promises; the blind rows stand beside."""

from pathlib import Path

import pytest

from benchmarks.watch.quality import Quality, evaluate, render
from tests.clips import ALL


def watched(folder: Path, seed: int, regimes: tuple[str, ...], speed: str = "max") -> Quality:
    path, truth = render(folder, seed, regimes)
    return evaluate(path, truth, seed, speed)


def hold(quality: Quality) -> None:
    for name, regime in quality.regimes.items():
        assert regime.found >= 0.95 * regime.lines, (name, quality.missed)
    assert quality.seen_p95_s <= 1.5
    assert quality.admitted_share <= 0.2
    assert quality.duplicates <= 0.03 * sum(regime.lines for regime in quality.regimes.values())
    assert quality.boundary_f1 >= 0.8 > max(quality.boundary_always_f1, quality.boundary_periodic_f1)


def test_the_hard_regimes_of_one_clip(tmp_path: Path) -> None:
    quality = watched(tmp_path, 5, ("calm", "pan", "digit"))
    hold(quality)
    assert not any(reason.endswith(("(full)", "(old)", "(cut)")) for reason in quality.drops)  # a file loses nothing


@pytest.mark.slow
@pytest.mark.parametrize("seed", [6, 7])
def test_every_regime(tmp_path: Path, seed: int) -> None:
    hold(watched(tmp_path, seed, ALL))


@pytest.mark.slow
def test_in_real_time_nothing_old_is_processed_and_lines_are_told_soon(tmp_path: Path) -> None:
    quality = watched(tmp_path, 8, ("calm", "fade", "photo"), "realtime")
    hold(quality)
    assert quality.emitted_p95_s <= 2.0
    assert quality.oldest_processed_s <= 2.0
