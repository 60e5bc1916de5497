"""Comparisons of gates and memories made of nothing: figures as millrace gives them, without it; and workers that do
not do their work."""

from __future__ import annotations

import math
import os
import time
from typing import Any

from headrace.apps.compare.result import Figure
from headrace.apps.compare.understanding.result import SETTINGS, KeeperResult, Understanding
from headrace.evaluation.millrace import REGIMES, TRACKS, UNSEEN

AGES = ["10 s", "1 min", "5 min", "2 h"]
WHAT = {
    "flashvstream": "centroids of all time",
    "headrace": "what came to rest, in rows of visits",
    "window": "the newest tokens",
    "reservoir": "frames drawn evenly from all time",
    "everything": "every token: the upper limit",
    "refuse": "refuses everything, never speaks",
    "guess": "the commonest answer of each kind on other streams",
}
KINDS = {"flashvstream": "recipe", "headrace": "ours", "refuse": "blind", "guess": "blind"}
#: Accuracy on now and count, of the oldest and of the newest, and over all.
FOUND = {
    "flashvstream": (0.9, 0.6, 0.64),
    "headrace": (1.0, 0.95, 0.97),
    "window": (1.0, 0.5, 0.58),
    "reservoir": (0.9, 0.55, 0.6),
    "everything": (1.0, 0.99, 0.99),
    "refuse": (0.5, 0.5, 0.5),
    "guess": (0.2, 0.3, 0.25),
}


def understanding(streams: int = 2, names: tuple[str, ...] = tuple(WHAT), ends: bool = False) -> Understanding:
    """A recipe, ours, baselines and blind rows over `streams` streams of a quarter of an hour."""
    return Understanding(
        seed=0,
        streams=streams,
        minutes=15.0,
        long_minutes=600.0,
        fps=2,
        tokens=43_200,
        budget=216,
        total_bytes=108_352,
        regimes=[*REGIMES, UNSEEN],
        unseen=UNSEEN,
        tracks=list(TRACKS),
        ages=list(AGES),
        long_ages=[AGES[0], AGES[-1]],
        questions=dict.fromkeys(TRACKS, 384),
        methods=[_row(name, setting, streams, ends) for setting in SETTINGS for name in names],
        upper="everything",
        notes=["equal total bytes are those of the window"],
        date="2026-11-21T15:54:00+00:00",
        machine="2 cores of a shared x86-64 machine, one thread",
        seconds=412.0,
    )


def _row(name: str, setting: str, streams: int, ends: bool) -> KeeperResult:
    best, worst, whole = FOUND[name]

    def figure(mean: float) -> Figure:
        return Figure(mean, mean - 0.02, mean + 0.02) if streams > 1 else Figure(mean, math.nan, math.nan)

    row = KeeperResult(name, KINDS.get(name, "baseline"), WHAT[name], setting, bounded=name != "everything")
    row.accuracy = figure(whole)
    row.tracks = {track: figure(best if track == "now" else worst) for track in TRACKS}
    row.regimes = {regime: figure(whole - 0.03 * (regime == "pan")) for regime in (*REGIMES, UNSEEN)}
    row.ages = {age: figure(best - (best - worst) * k / 3) for k, age in enumerate(AGES)}
    row.long_ages = {age: Figure(row.ages[age].mean, math.nan, math.nan) for age in (AGES[0], AGES[-1])}
    row.entered = {regime: figure(0.01 if name == "headrace" else 1.0) for regime in (*REGIMES, UNSEEN)}
    row.refused, row.alerts, row.courier, row.conversation = map(
        figure, (0.99, whole, 0.2 if name == "headrace" else 0.4, 0.8)
    )
    row.false_per_hour, row.delay_s, row.cpu_ms = figure(0.3), figure(1.2), figure(0.21)
    if row.kind != "blind":
        row.admitted = figure(0.01 if name == "headrace" else 1.0)
        row.computed, row.read = figure(1.0), 200.0
        row.resident_bytes = 9_000_000 if name == "everything" else 100_000
        row.total_bytes = 300_000 if (name, setting) == ("flashvstream", "resident") else row.resident_bytes
        row.slope = 41_000_000.0 if name == "everything" else 0.0
    row.approximate = "a reconstruction" if name == "flashvstream" else ""
    row.same = "resident" if setting == "total" and name in ("window", "reservoir", "everything") else ""
    row.ended = "everything: the limit is 50; give more" if ends and name == "everything" else ""
    return row


def dies(job: Any) -> None:
    """The work of a process that is killed."""
    os._exit(9)


def sleeps(job: Any) -> None:
    """The work of a process that does not come to an end."""
    time.sleep(120)
