"""A synthetic result of any length, with pictures: two hours of slides, a screen share and talk."""

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
    SoundMark,
    SourceInfo,
    SpeechLine,
    TextLine,
)
from headrace.apps.series import Series

TOPICS = ("Budget", "Roadmap", "Incident", "Latency", "Hiring", "Pricing", "Security", "Release", "Backup")
MATTERS = ("plan for the autumn", "what went wrong", "open questions", "who decides", "the second step", "next quarter")
PHRASES = (
    "the service was moved",
    "to region north",
    "after an outage",
    "of nine minutes",
    "costs fell by 12 %",
    "while traffic grew",
    "owner Priya",
    "review on Friday",
    "invoice 4471",
    "error rate 0.3 %",
    "queue depth",
    "p99 240 ms",
)
TALK = (
    "so the next point is {matter} and who signs it off",
    "we moved the service to region north after the outage",
    "Priya owns the migration and the review is on Friday",
    "the error rate went back to zero point three percent",
    "can everybody see the slide about {topic}",
    "for {topic} the question is {matter}",
    "let us take questions at the end",
    "that number is from last quarter and it is not final",
    "I would rather ship {topic} in two steps",
    "thank you",
)


def recording(
    seed: int = 7,
    hours: float = 2.0,
    slides: int = 120,
    lines: int = 5,
    folder: Path | None = None,
    sources: tuple[str, ...] = ("all-hands 2024-05-14.mp4",),
    sound: bool = True,
) -> Result:
    """A result of `hours`; with a `folder` its thumbnails are drawn there.

    Each source has its own share of the slides; the first is the longest. Every third source is live.
    """
    rng, span = Random(seed), hours * 3600
    result = Result([])
    for number, name in enumerate(sources):
        _source(result, name, number, span, max(slides // len(sources), 2), lines, folder, sound, rng)
    marks = [mark for mark in result.events if mark.source == sources[0]]
    said = next((line for line in result.speech if "Priya" in line.text), None)

    def proof(n: int, text: str) -> Evidence:
        mark = marks[n % len(marks)]
        return Evidence(mark.source, mark.t_s, min(mark.t_s + 40, span), text, mark.thumbnail)

    spoken = [Evidence(said.source, said.first_s, said.last_s, said.text, None, "speech")] if said else []
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
            [*spoken, proof(58, "Migration: owner Priya, review on Friday")],
            asked_at_s=span / 2,
        ),
        Answer("a2", "When does the office in Lisbon open?", False, note="no line matched; 580 lines searched"),
    ]
    result.alerts = [
        Alert(
            f"w{n}",
            "an outage is mentioned",
            t,
            t + 1.1,
            1.1,
            "outage of nine minutes",
            [proof(n, "the service was moved to region north after an outage of nine minutes")],
        )
        for n, t in ((i, marks[i].t_s) for i in (int(len(marks) * 0.2), int(len(marks) * 0.8)))
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
        max(max(series.state_bytes) for series in result.series.values()),
        8 << 20,
        {"gate→reader": 0, "reader→memory": 0},
        1.42,
        "settle",
        "grammar:meeting.jsgf" if sound else "",
        started="2024-05-14 09:00",
    )
    return result


def _source(
    result: Result,
    source: str,
    number: int,
    whole: float,
    slides: int,
    lines: int,
    folder: Path | None,
    sound: bool,
    rng: Random,
) -> None:
    """Add one source: slides with lines, talk over them, silence between, and the course of it all."""
    span, live = whole * (1 - 0.07 * number), number % 3 == 2
    gap = (round(span * 0.4, 1), round(span * 0.43, 1))
    result.sources.append(
        SourceInfo(
            source,
            f"rtsp://{source}/live" if live else f"/videos/{source}",
            1280,
            720,
            25.0,
            None if live else span,
            int(span * 6),
            channels=2 if sound else 0,
            rate=48_000 if sound else 0,
            gaps=[gap] if live else [],
        )
    )
    edges = sorted(rng.uniform(0.01, 0.99) * span for _ in range(slides - 1))
    cuts = [t for t in (0.0, *edges) if not (live and gap[0] <= t <= gap[1])]
    talk: list[tuple[float, float]] = []
    for n, (start, end) in enumerate(zip(cuts, [*cuts[1:], span], strict=True)):
        topic = rng.choice(TOPICS)
        texts = [f"{n + 1} {topic}: {rng.choice(MATTERS)}", *(_line(rng) for _ in range(lines - 1))]
        name = f"thumbs/{number}-{n:05d}.jpg" if folder else None
        if folder and name:
            draw(folder / name, texts, rng)
        result.events.append(EventMark(f"e{number}-{n}", source, start, rng.uniform(0.4, 1.0), name))
        for i, text in enumerate(texts):
            top = 60 + 560 * i / max(lines, 4) + rng.uniform(-8, 8)
            first = min(start + rng.choice([0.3, 0.3, (end - start) * 0.4]), end)
            box = (80.0, top, 80.0 + 14 * len(text), top + (34 if i else 52))
            score = rng.choice([0.99, 0.97, 0.93, 0.72])
            result.text.append(TextLine(f"t{number}-{n}-{i}", source, text, first, end, box, score, end - first))
        if sound:
            talk += _talk(result, source, f"{number}-{n}", start, end, topic, rng)
    series = result.series.setdefault(source, Series())
    fill(series, span, cuts, talk, rng, gap if live else None, sound)


def _line(rng: Random) -> str:
    return " ".join(rng.choices(PHRASES, k=rng.randint(1, 3)))


def _talk(
    result: Result, source: str, name: str, start: float, end: float, topic: str, rng: Random
) -> list[tuple[float, float]]:
    """Speech from `start` to `end`, with a silence, a loud moment or neither after it; the spans of the speech."""
    t, n, spans = start + min(1.0, (end - start) / 8), 0, []
    stop = start + (end - start) * rng.choice([1.0, 1.0, 0.7])
    while t + 1 < stop:
        last = min(t + rng.uniform(2, 12), stop)
        said = rng.choice(TALK).format(topic=topic.lower(), matter=rng.choice(MATTERS))
        text = said if rng.random() < 0.9 else ""
        by = "grammar:meeting.jsgf" if text else ""
        result.speech.append(SpeechLine(f"u{name}-{n}", source, text, t, last, rng.uniform(0.5, 1), by))
        spans.append((t, last))
        t, n = last + rng.choice([0.4, 0.8, 5.0]), n + 1
    if end - stop > 3:
        result.sounds.append(SoundMark(f"q{name}", source, "silence", stop, end, -71.0, 0.9))
    elif rng.random() < 0.15 and end - start > 2:
        at = rng.uniform(start, end - 1)
        what = rng.choice(["loud", "change"])
        result.sounds.append(SoundMark(f"l{name}", source, what, at, at + 0.8, -9.5, 0.8))
    return spans


def fill(
    series: Series,
    span: float,
    cuts: list[float],
    talk: list[tuple[float, float]],
    rng: Random,
    gap: tuple[float, float] | None,
    sound: bool,
) -> None:
    """Samples of what changed and was heard, every span / 4000 seconds."""
    step, held, cut, said = span / 4000, 0.0, 0, 0
    for i in range(4000):
        t, fresh = i * step, 0.0
        while cut < len(cuts) and cuts[cut] <= t:
            fresh, cut = rng.uniform(0.25, 0.9), cut + 1
        while said < len(talk) and talk[said][1] < t:
            said += 1
        if gap and gap[0] <= t <= gap[1]:
            continue
        spoken = said < len(talk) and talk[said][0] <= t
        level, voice = (rng.uniform(-32, -18), rng.uniform(0.7, 1)) if spoken else (rng.uniform(-72, -60), 0.02)
        heard = {"level_db": level, "voice": voice} if sound else {}
        change = max(fresh, abs(rng.gauss(0.01, 0.02)))
        held = min(held + 900 * fresh * 12 + 500, 7.6e6 + rng.uniform(0, 2e5))
        state = int(held * (1 if i else 0.5))
        series.add(t, change, change * rng.uniform(0.2, 0.6), state, int(fresh * 4), **heard)


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
