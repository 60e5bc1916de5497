"""How well questions about time are answered: synthetic memories, known answers, half of the questions without one.

A recording of 14 minutes shows a slide of two lines every 15 seconds and says something every 20, each line
and utterance of words of its own, with the noise of recognition; in the middle lie 90 seconds of silence. For
every kind of question there is one whose answer lies in the stretch of time asked for, and one whose answer
lies elsewhere or nowhere. An answerable question is right if the line asked for is its first evidence, or, if
everything in a stretch is asked for, if its evidence is exactly what was there; an unanswerable one, if it is
answered with "not seen". The baseline takes time words for words to look for.

Run it as `python -m benchmarks.watch.asking [--seeds 31 32] [--json FILE]` from the root of the repository.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from headrace.core.item import SECOND
from headrace.understanding.extractive import answer as plain
from headrace.understanding.observation import Observation, format_time
from headrace.understanding.observations import ObservationMemory
from headrace.understanding.past import Past
from headrace.understanding.reply import reply
from headrace.understanding.search import Query
from tests.clips.words import UNSHOWN, VOCABULARY
from tests.understanding.noise import misread

LENGTH, SLIDE, SAID, PAUSE = 840.0, 15.0, 20.0, (390.0, 480.0)

Span = tuple[float, float]


@dataclass(frozen=True)
class Fact:
    """A line or an utterance as it was; times in seconds."""

    id: str
    kind: str
    text: str
    first: float
    last: float


@dataclass(frozen=True)
class Asked:
    """A question and the ids that answer it; none if it cannot be answered. `whole`: all of them must be given."""

    kind: str
    question: str
    fits: frozenset[str]
    whole: bool = False


@dataclass
class Recording:
    """The facts of one seed, and what is remembered of them."""

    facts: list[Fact]
    past: Past


def recording(seed: int, noise: bool = True) -> Recording:
    """Slides, speech and a break."""
    rng = Random(seed)
    words = iter(rng.sample(VOCABULARY, len(VOCABULARY)))
    facts: list[Fact] = []
    memory = ObservationMemory(4_000_000)
    at = 0.0
    while at < LENGTH:
        if not PAUSE[0] <= at < PAUSE[1]:
            last = PAUSE[0] - 1 if at + SLIDE == PAUSE[0] else at + SLIDE - 1
            for row in range(2):
                text = " ".join(next(words) for _ in range(3))
                facts.append(Fact(f"line-{at:.0f}-{row}", "text", text, at, last))
        at += SLIDE
    at = 2.0
    while at < LENGTH - 8:
        if not PAUSE[0] - 8 <= at < PAUSE[1]:
            text = " ".join(next(words) for _ in range(3))
            facts.append(Fact(f"said-{at:.0f}", "speech", text, at, at + 5))
        at += SAID
    for fact in facts:
        read = misread(fact.text, rng) if noise and fact.kind == "text" else fact.text
        span = (round(fact.first * SECOND), round(fact.last * SECOND))
        memory.write(Observation(fact.id, fact.kind, "hall", read, *span))
    silence = (round(PAUSE[0] * SECOND), round(PAUSE[1] * SECOND))
    memory.write(Observation("quiet", "sound", "hall", "silence", *silence))
    return Recording(facts, Past(memory, round(LENGTH * SECOND), name="hall"))


def asked(made: Recording, seed: int, times: int = 2) -> Iterator[Asked]:
    """Questions of every kind, in pairs of one that can and one that cannot be answered."""
    rng = Random(seed)
    for _ in range(times):
        for kind, phrase, inside, outside in _stretches(made, rng):
            for spans in (inside, outside):
                fact = _among(made, rng, *spans)
                verb = "on screen" if fact.kind == "text" else "mentioned"
                forms = (f"was {fact.text} {verb} {phrase}?", f"{phrase}, was there anything about {fact.text}?")
                yield Asked(kind, rng.choice(forms), frozenset((fact.id,)) if spans is inside else frozenset())
        never = [" ".join(rng.sample(UNSHOWN, 2)) for _ in range(2)]
        held = _among(made, rng, (30, LENGTH)).text
        yield Asked("never seen", f"was {held} shown after the {never[0]} appeared?", frozenset())
        yield Asked("never seen", f"was the {never[1]} shown in the last 7 minutes?", frozenset())
        yield from _listings(made, rng)


def _stretches(made: Recording, rng: Random) -> Iterator[tuple[str, str, list[Span], list[Span]]]:
    """Kind, words, and spans of seconds whose facts lie within what the words mean, and well outside."""
    n, t = 60 * rng.randint(2, 10), round(rng.uniform(60, 360))
    u, late, half = t + rng.randint(60, 240), LENGTH - n, LENGTH / 2
    yield "first", f"in the first {n // 60} minutes", [(0, n)], [(n + 2, LENGTH)]
    yield "last", f"in the last {n // 60} minutes", [(late, LENGTH)], [(0, late - 2)]
    yield "half", "in the second half", [(half, LENGTH)], [(0, half)]
    yield "beginning", "at the beginning", [(0, 60)], [(90, LENGTH)]
    yield "end", "at the end of the talk", [(LENGTH - 60, LENGTH)], [(0, LENGTH - 90)]
    yield "before a time", f"before {_clock(t)}", [(0, t - 2)], [(t + 2, LENGTH)]
    yield "since a time", f"since {_clock(t)}", [(t + 2, LENGTH)], [(0, t - 2)]
    yield "between", f"between {_clock(t)} and {_clock(u)}", [(t + 2, u - 2)], [(0, t - 2), (u + 2, LENGTH)]
    shown = _among(made, rng, (30, LENGTH - 30))
    at, itself = (shown.first + shown.last) / 2, [(shown.first, shown.last)]
    yield "at", f"at {_clock(at)}", itself, [(0, at - 60), (at + 60, LENGTH)]
    yield "around", f"around {_clock(at)}", itself, [(0, at - 120), (at + 120, LENGTH)]
    yield "before the break", "before the break", [(0, PAUSE[0])], [(PAUSE[1], LENGTH)]
    yield "after the break", "after the break", [(PAUSE[1], LENGTH)], [(0, PAUSE[0] - 10)]
    ago, into = 60 * rng.randint(2, 5), 60 * rng.randint(2, 5)
    past = LENGTH - ago
    yield "ago", f"{ago // 60} minutes ago", [(past - 15, past + 15)], [(0, past - 90), (past + 90, LENGTH)]
    words = f"{into // 60} minutes into the lecture"
    yield "in", words, [(into - 15, into + 15)], [(0, into - 90), (into + 90, LENGTH)]
    anchor = _among(made, rng, (120, 380), kind="text")
    earlier, later = [(0.0, anchor.first - 4)], [(anchor.last + 2, LENGTH)]
    yield "after something", f"after {anchor.text} appeared", later, earlier
    yield "before something", f"before the {anchor.text} was shown", earlier, later


def _among(made: Recording, rng: Random, *spans: Span, kind: str = "") -> Fact:
    """A fact that lies within one of the spans."""
    fits = [f for f in made.facts if any(a <= f.first and f.last <= b for a, b in spans) and kind in ("", f.kind)]
    return rng.choice(fits)


def _clock(seconds: float) -> str:
    return format_time(round(seconds) * SECOND)


def _listings(made: Recording, rng: Random) -> Iterator[Asked]:
    def there(first: float, last: float, *kinds: str) -> frozenset[str]:
        return frozenset(f.id for f in made.facts if f.kind in kinds and f.first <= last and f.last >= first)

    slide = 15 * rng.randint(1, 20) + 6
    yield Asked("all at", f"what was on the screen at {_clock(slide)}?", there(slide, slide + 0.99, "text"), True)
    yield Asked("all at", f"what was on the screen at {_clock(PAUSE[0] + rng.randint(5, 80))}?", frozenset(), True)
    start = 20 * rng.randint(1, 15)
    phrase = f"between {_clock(start)} and {_clock(start + 25)}"
    yield Asked("all said", f"what was said {phrase}?", there(start, start + 25.99, "speech"), True)
    yield Asked("all said", "what did they say during the break?", frozenset(), True)


def right(made: Recording, question: Asked, timed: bool = True) -> bool:
    """Whether a question is answered as it should be; if not `timed`, with time words taken as any other words."""
    query = Query(question.question)
    answer = reply(query, [made.past]) if timed else plain(query, made.past.read(query))
    found = [item.observation for item in answer.evidence]
    if not question.fits:
        return not answer.seen
    return frozenset(found) == question.fits if question.whole else bool(found) and found[0] in question.fits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[31, 32, 33, 34, 35])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    counts: dict[str, list[int]] = {}
    for seed in given.seeds:
        made = recording(seed)
        for question in asked(made, seed):
            row = counts.setdefault(question.kind, [0] * 6)
            at = 0 if question.fits else 3
            row[at] += right(made, question)
            row[at + 1] += right(made, question, timed=False)
            row[at + 2] += 1
    counts["all"] = [sum(row[i] for row in counts.values()) for i in range(6)]
    for kind, (found, by_words, answerable, unseen, by_words_unseen, unanswerable) in counts.items():
        print(
            f"{kind:18} answered {found}/{answerable} (baseline {by_words}), "
            f"not seen {unseen}/{unanswerable} (baseline {by_words_unseen})"
        )
    if given.json:
        given.json.write_text(json.dumps(counts, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
