"""What `headrace watch` sees of rendered clips, held to the figures it promises; the blind rows stand beside."""

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from benchmarks.watch.quality import Quality, evaluate, render, score
from headrace.apps.result import Result, SourceInfo, TextLine
from headrace.core import Emission
from tests.clips import ALL, clip


def watched(folder: Path, seed: int, regimes: tuple[str, ...], speed: str = "max") -> Quality:
    path, truth = render(folder, seed, regimes)
    return evaluate(path, truth, seed, speed)


def hold(quality: Quality) -> None:
    for name, regime in quality.regimes.items():
        assert regime.found >= 0.95 * regime.lines, (name, quality.missed)
    assert quality.seen_p95_s <= 1.5
    assert quality.admitted_share <= 0.2
    lines = sum(regime.lines for regime in quality.regimes.values())
    assert quality.wrong <= 0.03 * lines, quality.wrong_texts
    assert quality.duplicates <= 0.03 * lines
    assert quality.boundary_f1 >= 0.8 > max(quality.boundary_always_f1, quality.boundary_periodic_f1)


def test_the_hard_regimes_of_one_clip(tmp_path: Path) -> None:
    quality = watched(tmp_path, 5, ("calm", "pan", "digit"))
    hold(quality)
    assert quality.duplicates == 0
    assert not any(reason.endswith(("(full)", "(old)", "(cut)")) for reason in quality.drops)  # a file loses nothing


def test_the_score_is_not_fooled(tmp_path: Path) -> None:
    """Backdated rows, one row for two lines, and junk lower the score."""
    truth = clip(5, ("calm",), size=(320, 180), fps=6).truth
    line = truth.lines[0]
    good = [TextLine(f"r{k}", "s", one.text, one.on + 0.3, one.off, (0, 0, 9, 9)) for k, one in enumerate(truth.lines)]
    told = [Emission(row.id, "text", {}, 0, 0, round(row.first_s * 1e9), 0) for row in good]

    def scored(rows: list[TextLine]) -> Quality:
        return score(Result([SourceInfo("s")], text=rows), told, truth, 5, "max")

    assert (scored(good).recall, scored(good).wrong, scored(good).duplicates) == (1.0, 0, 0)
    early = [replace(row, first_s=0.0) if row.first_s > 2 else row for row in good]
    assert scored(early).recall < 1.0
    assert scored(good[1:]).recall < 1.0
    assert scored(good[1:]).seen_p95_s == inf
    assert scored([*good, TextLine("x", "s", "no such line at all", 1.0, 2.0, (0, 0, 9, 9))]).wrong == 1
    assert scored([*good, replace(good[0], id="again", first_s=line.on + 0.5)]).duplicates == 1


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
