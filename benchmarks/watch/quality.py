"""How well `headrace watch` sees: rendered clips with ground truth, scored by regime.

Run it as `python -m benchmarks.watch.quality [--seeds 1 2] [--speed max|realtime] [--gate settle|timechat]
[--regimes calm,fade] [--json FILE]` from the root of the repository.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from headrace.apps.result import Result, TextLine
from headrace.apps.watch import Options, watch
from headrace.core.item import SECOND, Emission
from headrace.evaluation.baselines import always, periodic, prior_period
from headrace.evaluation.metrics.boundary import boundary_score
from headrace.evaluation.metrics.score import Score, pool
from headrace.evaluation.metrics.text import normalise, similarity
from headrace.evaluation.truth import Event
from tests.clips import ALL, Line, Truth, clip, write
from tests.clips.scenes import PAN, SLOW_FADE

#: A line may be read while it still fades in: so long before it counts as shown.
EARLY_S = 1.2
#: A line is told to end this long after or before its going, at most.
ENDS_S = 1.5
#: Seconds from key to key of somebody who types, and for which a van that comes to a halt can be read.
KEY_S, VAN_S = 0.13, 3.0
SAME = 0.85
#: What stands between the first and the newest value of a line whose digits tick.
TICKED = " … "


@dataclass
class Regime:
    """What was found of the lines of one regime."""

    lines: int = 0
    found: int = 0
    seen_p50_s: float = 0.0
    seen_p95_s: float = 0.0
    emitted_p95_s: float = 0.0
    duplicates: int = 0


@dataclass
class Quality:
    """One clip at one speed.

    `wrong` rows are of no line; `passing` ones are of lines that stand too shortly to be asked for. `late` and
    `early` count the lines found whose row ends more than `ENDS_S` after or before they go.
    """

    seed: int
    speed: str
    gate: str
    regimes: dict[str, Regime]
    recall: float
    seen_p95_s: float
    emitted_p95_s: float
    duplicates: int
    wrong: int
    passing: int
    late: int
    early: int
    boundary_f1: float
    boundary_always_f1: float
    boundary_periodic_f1: float
    admitted_share: float
    realtime_factor: float
    cpu_per_media_s: float
    oldest_processed_s: float
    drops: dict[str, int]
    missed: list[str]
    wrong_texts: list[str]


def evaluate(path: Path, truth: Truth, seed: int, speed: str = "max", options: Options | None = None) -> Quality:
    """Watch one clip and score it."""
    emitted: list[Emission] = []
    base = options or Options()
    chosen = Options(ask=base.ask, when=base.when, out=base.out, speed=speed, gate=base.gate)
    result = watch(path, chosen, publish=emitted.append)
    return score(result, emitted, truth, seed, speed)


def score(result: Result, emitted: Sequence[Emission], truth: Truth, seed: int, speed: str) -> Quality:
    """Rows of memory against lines, events against boundaries."""
    texts = {emission.id: emission for emission in emitted if emission.kind == "text"}
    owner: dict[str, int] = {}
    regimes: dict[str, Regime] = {}
    seen: dict[str, list[float]] = {}
    told: dict[str, list[float]] = {}
    missed: list[str] = []
    late = early = 0
    for index, line in enumerate(truth.lines):
        regime = regimes.setdefault(line.regime, Regime())
        regime.lines += 1
        before = {k for k, other in enumerate(truth.lines[:index]) if other.text == line.text}
        rows = [row for row in result.text if _has(row, line, again=bool(before))]
        rows = [row for row in rows if owner.setdefault(row.id, index) in {index, *before}]
        own = [row for row in rows if owner[row.id] == index]
        regime.duplicates += max(0, len(own) - 1)
        if not rows:
            missed.append(f"{line.regime}: {line.text}")
        regime.found += bool(rows)
        if rows:
            last = max(row.last_s for row in rows)
            standing = any(k.text == line.text and k.on <= last <= k.off + ENDS_S for k in truth.lines)
            late += last > line.off + ENDS_S and not standing
            early += last < line.off - ENDS_S
        if own or not rows:  # a line that returns was seen before: its delay says nothing
            first = min(own, key=lambda row: row.first_s, default=None)
            seen.setdefault(line.regime, []).append(max(0.0, first.first_s - line.on) if first else inf)
            emission = texts.get(first.id) if first else None
            told.setdefault(line.regime, []).append(max(0.0, emission.t_emit / SECOND - line.on) if emission else inf)
    for name, regime in regimes.items():
        regime.seen_p50_s, regime.seen_p95_s = _quantile(seen.get(name), 50), _quantile(seen.get(name), 95)
        regime.emitted_p95_s = _quantile(told.get(name), 95)
    others = [row for row in result.text if row.id not in owner]
    wrong = [row.text for row in others if not any(_has(row, line, again=False) for line in truth.passing)]
    duration = round(truth.duration * SECOND)
    boundaries = [Event(round(start * SECOND), round(end * SECOND)) for start, end in truth.boundaries]
    predicted = [round(mark.t_s * SECOND) for mark in result.events if mark.score > 0]
    period = prior_period([duration], [boundaries]) if boundaries else SECOND
    blind = {"always": always(duration), "periodic": periodic(duration, period)}
    blind_f1 = {
        name: boundary_score([e.start for e in emissions], boundaries, duration).f1 for name, emissions in blind.items()
    }
    return Quality(
        seed=seed,
        speed=speed,
        gate=result.run.gate,
        regimes=regimes,
        recall=sum(r.found for r in regimes.values()) / max(1, len(truth.lines)),
        seen_p95_s=_quantile([s for values in seen.values() for s in values], 95),
        emitted_p95_s=_quantile([s for values in told.values() for s in values], 95),
        duplicates=sum(r.duplicates for r in regimes.values()),
        wrong=len(wrong),
        passing=len(others) - len(wrong),
        late=late,
        early=early,
        boundary_f1=boundary_score(predicted, boundaries, duration).f1,
        boundary_always_f1=blind_f1["always"],
        boundary_periodic_f1=blind_f1["periodic"],
        admitted_share=result.run.admitted_share,
        realtime_factor=result.run.realtime_factor,
        cpu_per_media_s=result.run.cpu_s / max(1e-9, result.run.media_s),
        oldest_processed_s=result.run.oldest_processed_s,
        drops=result.run.drops,
        missed=missed,
        wrong_texts=wrong,
    )


def pooled(scores: list[Score]) -> float:
    """F1 over several clips."""
    return pool(scores).f1


def render(folder: Path, seed: int, regimes: Sequence[str] = ALL) -> tuple[Path, Truth]:
    """The clip of a seed, made once."""
    path = folder / f"clip-{seed}-{len(regimes)}.mp4"
    truth_path = path.with_suffix(".json")
    if path.is_file() and truth_path.is_file():
        return path, Truth.from_json(truth_path.read_text("utf-8"))
    return path, write(clip(seed, tuple(regimes)), path)


def _has(row: TextLine, line: Line, again: bool) -> bool:
    """Whether a row is a line: its text, first seen while it was shown (or, if it was shown before, seen then)."""
    there = row.first_s <= line.off and row.last_s >= line.on - EARLY_S
    # A panned line comes in letter by letter, a typed one key by key, and a slow fade counts from half opacity.
    typing = KEY_S * len(line.text)
    coming = {"screen": typing, "terminal": typing, "street": VAN_S}
    coming |= {"pan": (line.box[2] - line.box[0]) / PAN, "slowfade": SLOW_FADE / 2}
    timely = again or row.first_s >= line.on - EARLY_S - coming.get(line.regime, 0.0)
    text = row.text.partition(TICKED)[0]
    return there and timely and similarity(normalise(text), normalise(line.text)) >= SAME and _digits(row, line)


def _digits(row: TextLine, line: Line) -> bool:
    """Of lines that differ in a digit only, each must be found for itself."""
    return line.regime != "digit" or [c for c in row.text if c.isdigit()] == [c for c in line.text if c.isdigit()]


def _quantile(values: list[float] | None, q: float) -> float:
    return float(np.percentile(values, q, method="higher")) if values else float("nan")


def _show(quality: Quality) -> str:
    head = (
        f"seed {quality.seed}, {quality.speed}, {quality.gate}: recall {quality.recall:.3f}, first seen p95 "
        f"{quality.seen_p95_s:.2f} s, emitted p95 {quality.emitted_p95_s:.2f} s, duplicates {quality.duplicates}, "
        f"wrong {quality.wrong} (and {quality.passing} passing), ends late {quality.late}, early {quality.early}, "
        f"boundaries F1 {quality.boundary_f1:.3f} (always {quality.boundary_always_f1:.3f}, "
        f"periodic {quality.boundary_periodic_f1:.3f}), admitted {quality.admitted_share:.2%}, real-time factor "
        f"{quality.realtime_factor:.2f}, CPU {quality.cpu_per_media_s:.3f} s/s, "
        f"oldest {quality.oldest_processed_s:.2f} s, drops {quality.drops}"
    )
    rows = [
        f"  {name:10s} {regime.found:3d}/{regime.lines:<3d} seen {regime.seen_p50_s:.2f}/{regime.seen_p95_s:.2f} "
        f"emitted {regime.emitted_p95_s:.2f} duplicates {regime.duplicates}"
        for name, regime in quality.regimes.items()
    ]
    tail = [f"  missed {quality.missed}", f"  wrong {quality.wrong_texts}"]
    return "\n".join([head, *rows, *tail])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--speed", default="max")
    parser.add_argument("--gate", default="settle")
    parser.add_argument("--regimes", default=",".join(ALL))
    parser.add_argument("--folder", type=Path, help="keeps the rendered clips")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        results: list[dict[str, Any]] = []
        for seed in given.seeds:
            path, truth = render(folder, seed, given.regimes.split(","))
            quality = evaluate(path, truth, seed, given.speed, Options(gate=_gate(given.gate)))
            print(_show(quality), flush=True)
            results.append(asdict(quality))
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")


def _gate(name: str) -> Any:
    if name == "settle":
        return None
    from headrace.recipes.registry import open_registry

    return open_registry().entry(name).load()()


if __name__ == "__main__":
    main()
