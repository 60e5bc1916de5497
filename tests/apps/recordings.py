"""A synthetic result of any length, with pictures: two hours of slides and a screen share."""

from __future__ import annotations

from pathlib import Path
from random import Random

import cv2
import numpy as np

from headrace.apps.result import (
    Alert,
    Answer,
    EventMark,
    Evidence,
    Result,
    RunInfo,
    Series,
    SourceInfo,
    TextLine,
)

TOPICS = ("Budget", "Roadmap", "Incident", "Latency", "Hiring", "Pricing", "Security", "Release", "Backup")
WORDS = (
    "the",
    "service",
    "was",
    "moved",
    "to",
    "region",
    "north",
    "after",
    "an",
    "outage",
    "of",
    "nine",
    "minutes",
    "costs",
    "fell",
    "by",
    "12 %",
    "while",
    "traffic",
    "grew",
    "owner",
    "Priya",
    "review",
    "on",
    "Friday",
    "invoice",
    "4471",
    "error",
    "rate",
    "0.3 %",
    "queue",
    "depth",
    "p99",
    "240 ms",
)


def recording(
    seed: int = 7,
    hours: float = 2.0,
    slides: int = 120,
    lines: int = 5,
    folder: Path | None = None,
    sources: tuple[str, ...] = ("all-hands 2024-05-14.mp4",),
) -> Result:
    """A result of `hours`; with a `folder` its thumbnails are drawn there."""
    rng, span = Random(seed), hours * 3600
    result = Result([SourceInfo(name, f"/videos/{name}", 1280, 720, 25.0, span, int(span * 6)) for name in sources])
    series, edges = result.series, sorted(rng.uniform(0.01, 0.99) * span for _ in range(slides - 1))
    for n, (start, end) in enumerate(zip([0.0, *edges], [*edges, span], strict=True)):
        source, topic = rng.choice(sources), rng.choice(TOPICS)
        texts = [f"{topic}: item {n + 1}"] + [
            " ".join(rng.choices(WORDS, k=rng.randint(3, 9))) for _ in range(lines - 1)
        ]
        name = f"thumbs/{n:05d}.jpg" if folder else None
        if folder and name:
            draw(folder / name, texts, rng)
        result.events.append(EventMark(f"e{n}", source, start, rng.uniform(0.4, 1.0), name))
        for i, text in enumerate(texts):
            top = 60 + 560 * i / max(lines, 4) + rng.uniform(-8, 8)
            first = min(start + rng.choice([0.3, 0.3, (end - start) * 0.4]), end)
            box = (80.0, top, 80.0 + 14 * len(text), top + 34)
            score = rng.choice([0.99, 0.97, 0.93, 0.72])
            result.text.append(TextLine(f"t{n}-{i}", source, text, first, end, box, score, end - first))
    fill(series, span, [0.0, *edges], rng)
    marks = result.events

    def proof(n: int, text: str) -> Evidence:
        mark = marks[n % len(marks)]
        return Evidence(mark.source, mark.t_s, min(mark.t_s + 40, span), text, mark.thumbnail)

    result.answers = [
        Answer(
            "a0",
            "What was the error rate after the release?",
            True,
            "0.3 %",
            "extractive",
            [proof(31, "error rate 0.3 % after release 4.2"), proof(77, "Release: error rate back to 0.3 %")],
        ),
        Answer(
            "a1",
            "Who owns the migration?",
            True,
            "Priya owns the migration; the review is on Friday.",
            "llm",
            [proof(58, "Migration: owner Priya, review on Friday")],
            asked_at_s=span / 2,
        ),
        Answer("a2", "When does the office in Lisbon open?", False, note="no line matched; 580 lines searched"),
    ]
    result.alerts = [
        Alert(
            "w0",
            "an outage is mentioned",
            t,
            t + 1.1,
            1.1,
            "outage of nine minutes",
            [proof(n, "the service was moved to region north after an outage of nine minutes")],
        )
        for n, t in ((i, marks[i].t_s) for i in (int(slides * 0.2), int(slides * 0.8)))
    ]
    result.standing = ["an outage is mentioned", "someone shows a price above 900"]
    result.run = RunInfo(
        "max",
        span,
        span / 4.7,
        span * 0.36,
        4.7,
        0.0218,
        int(span * 6 * 3600),
        int(span / 3),
        4 * len(result.text),
        max(series.state_bytes),
        8 << 20,
        {"gate→reader": 0, "reader→memory": 0},
        1.42,
        "settle",
        started="2024-05-14 09:00",
    )
    return result


def fill(series: Series, span: float, cuts: list[float], rng: Random) -> None:
    """Samples of what changed, every span / 4000 seconds."""
    step, held, cut = span / 4000, 0.0, 0
    for i in range(4000):
        t, fresh = i * step, 0.0
        while cut < len(cuts) and cuts[cut] <= t:
            fresh, cut = rng.uniform(0.25, 0.9), cut + 1
        change = max(fresh, abs(rng.gauss(0.01, 0.02)))
        held = min(held + 900 * fresh * 12 + 500, 7.6e6 + rng.uniform(0, 2e5))
        series.add(t, change, change * rng.uniform(0.2, 0.6), int(held * (1 if i else 0.5)), int(fresh * 4))


def draw(path: Path, texts: list[str], rng: Random) -> None:
    """A picture of a slide, JPEG, 320 x 180."""
    path.parent.mkdir(parents=True, exist_ok=True)
    base = np.array([rng.randint(20, 235) for _ in range(3)])
    picture = np.linspace(base, base * 0.75, 180)[:, None].repeat(320, axis=1).astype(np.uint8)
    ink = (20, 20, 20) if base.mean() > 110 else (240, 240, 240)
    for i, text in enumerate(texts[:6]):
        cv2.putText(
            picture,
            text,
            (18, 34 + 27 * i),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.6 if not i else 0.4,
            ink,
            1,
            cv2.LINE_AA,
        )
    cv2.imwrite(str(path), picture)
