"""table: a comparison as table.md, which says all that is needed to read it, and as a short table for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime

from headrace.apps.compare.markup import cell, grid
from headrace.apps.compare.methods import REFERENCE
from headrace.apps.compare.result import Comparison, Figure, MethodResult
from headrace.apps.compare.words import (
    NOTHING,
    figure,
    furthest,
    inside,
    marks,
    multiple,
    number,
    outside,
    span,
)
from headrace.apps.wording import clean, counted, length, size

#: What bounded state cannot do.
FORGETS = (
    "Bounded state does not remember what has left it, however low its loss stays: sinks steady the model, they hold "
    "nothing of the stream."
)

#: Streams up to which the 2.5 % and 97.5 % quantiles of the bootstrap are the lowest and the highest of them.
FEW = 3

#: What the table of losses shows.
LOSS = (
    "Nats a token, lower is better; columns are positions in the stream, and multiples of the trained length. "
    f"Under each method, its difference from `{REFERENCE}` on the same tokens, stream by stream: the fair comparison, "
    "since how hard the text is falls out of it. Below 0 is better."
)

TERMINAL = ("method", "kind", "loss", f"less {REFERENCE}", "recall in", "recall out", "bytes", "growth", "ms a token")


def markdown(comparison: Comparison) -> str:
    """The text of table.md: CommonMark with tables, ends with a line feed."""
    parts = [
        f"# {comparison.family.capitalize()} methods compared",
        _measured(comparison),
        _outcome(comparison),
        "## Methods",
        _methods(comparison),
        "## Loss by position",
        LOSS,
        _loss(comparison),
        "## Recall of planted facts by age" if comparison.ages else "",
        _recall_words(comparison) if comparison.ages else "",
        _recall(comparison) if comparison.ages else "",
        "## Memory and time",
        _cost_words(comparison),
        _cost(comparison),
    ]
    if comparison.notes:
        parts += ["## Notes", "\n".join(f"- {cell(note)}" for note in comparison.notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def title(comparison: Comparison) -> str:
    """One line over the short table."""
    return (
        f"{clean(comparison.model, 60)} on {counted(comparison.streams, 'stream')} of "
        f"{counted(comparison.tokens, 'token')}, {length(comparison.seconds)}"
    )


def rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The short table under `TERMINAL`, best paired difference first; `*`: its interval leaves out 0.

    Loss and difference are those of the last bucket that a method reached.
    """
    return [_short(comparison, method) for method in sorted(comparison.methods, key=lambda one: _rank(comparison, one))]


def legend(comparison: Comparison) -> str:
    """One paragraph under the short table."""
    last = list(comparison.buckets)[-1]
    chance = f"; chance {comparison.chance:.3f}" if comparison.ages else " (not measured)"
    return (
        f"Loss: nats a token at {span(comparison, last)}, {multiple(comparison, last)} of the trained length, "
        f"or where it ended. Less {REFERENCE}: paired, on the same tokens; * where the 95 % interval leaves out 0. "
        f"Recall: of facts up to {comparison.budget:,} tokens old, and of older ones{chance}. "
        f"Growth: bytes per 1,000 tokens. {FORGETS}"
    )


def _measured(comparison: Comparison) -> str:
    when = _date(comparison.date)
    took = f" The run took {length(comparison.seconds)}" if comparison.seconds else " It ran"
    return (
        f"How `{cell(comparison.model)}`{_trained(comparison)} reads "
        f"{counted(comparison.streams, 'stream')} of {counted(comparison.tokens, 'token')} each "
        f"(`{cell(comparison.stream)}`, seed {comparison.seed}) under {counted(len(comparison.methods), 'method')}. "
        f"All read the same tokens. A bounded method keeps {comparison.budget:,} tokens of a session, beside the block "
        f"of up to {comparison.block:,} that is being written.{took} on {when}: {cell(comparison.machine)}.\n\n"
        f"{_intervals(comparison)} A figure in **bold** is better than that of `{REFERENCE}`, and its interval says so."
    )


def _trained(comparison: Comparison) -> str:
    """What is known of the trained length: of a model that ships, how it was trained; of others, what they allow."""
    if comparison.model.startswith("zoo:"):
        return f", trained on rows of {comparison.trained:,} tokens,"
    if comparison.trained == comparison.tokens:
        return ""
    return f", whose config allows {comparison.trained:,} positions (its trained length, as far as is known),"


def _intervals(comparison: Comparison) -> str:
    if comparison.streams < 2:
        return "One stream was read: there are no intervals, and no difference can be told from chance."
    text = f"Brackets are 95 % intervals, bootstrapped over the {comparison.streams} streams"
    if comparison.streams <= FEW:
        text += "; of so few they run from the lowest stream to the highest"
    return text + "."


def _outcome(comparison: Comparison) -> str:
    """What came out, in sentences that follow from the figures alone."""
    said = [_verdict(comparison, method) for method in comparison.methods if method.kind != "blind"]
    said = [line for line in said if line]
    held = [one for one in comparison.methods if one.bounded and not math.isnan(outside(comparison, one))]
    if held:
        most = max(outside(comparison, one) for one in held)
        best = max(inside(comparison, one) for one in held)
        said.append(
            f"Of facts older than {comparison.budget:,} tokens a bounded method recalled {number(most, 2)} at most, "
            f"over all ages; of younger ones {number(best, 2)}; chance is {comparison.chance:.3f}."
        )
    said.append(FORGETS)
    return "\n".join(f"- {line}" for line in said)


def _verdict(comparison: Comparison, method: MethodResult) -> str:
    where = furthest(comparison, method)
    found = method.against.get(where) if where else None
    if where is None or found is None or math.isnan(found.mean):
        return ""
    at = f"`{cell(method.name)}` at positions {span(comparison, where)} ({multiple(comparison, where)})"
    if math.isnan(found.low):
        return f"{at}: {number(found.mean, signed=True)} nats a token against `{REFERENCE}`, on one stream."
    if not found.sure:
        return f"{at}: no sure difference from `{REFERENCE}` ({figure(found, signed=True)} nats a token)."
    direction = "lower" if found.mean < 0 else "higher"
    low, high = sorted((abs(found.low), abs(found.high)))
    return (
        f"{at}: {number(abs(found.mean))} nats a token {direction} than `{REFERENCE}` "
        f"[{number(low)}, {number(high)}], {'better' if found.mean < 0 else 'worse'}."
    )


def _methods(comparison: Comparison) -> str:
    def row(method: MethodResult) -> tuple[str, ...]:
        remarks = [f"approximate: {method.approximate}"] if method.approximate else []
        remarks += [f"ended: {method.ended}"] if method.ended else []
        return _name(method), ", ".join(marks(method)), cell(method.what), cell("; ".join(remarks))

    return grid(("method", "kind", "keeps", "remarks"), map(row, comparison.methods), left=4)


def _loss(comparison: Comparison) -> str:
    def rows() -> Iterable[tuple[str, ...]]:
        for method in comparison.methods:
            yield (_name(method), *(figure(method.loss.get(bucket)) for bucket in comparison.buckets))
            if method.against:
                found = (method.against.get(bucket) for bucket in comparison.buckets)
                yield (f"… less `{REFERENCE}`", *(_bold(one, lambda f: f.high < 0, signed=True) for one in found))

    heads = [f"{span(comparison, bucket)} ({multiple(comparison, bucket)})" for bucket in comparison.buckets]
    return grid(("method", *heads), rows())


def _recall_words(comparison: Comparison) -> str:
    return (
        f"Share of the value tokens of planted facts that were predicted, by the tokens since the fact. Up to "
        f"{comparison.budget:,} it is still within the window, beyond (›) it has left; guessing gives "
        f"{comparison.chance:.3f}. Higher is better."
    )


def _recall(comparison: Comparison) -> str:
    plain = next((one for one in comparison.methods if one.name == REFERENCE), None)

    def better(age: int) -> Callable[[Figure], bool]:
        other = plain.recall.get(age) if plain else None
        return lambda found: other is not None and found.low > other.high

    def row(method: MethodResult) -> tuple[str, ...]:
        cells = (_bold(method.recall.get(age), better(age), digits=2) for age in comparison.ages)
        return _name(method), *cells

    heads = [f"› {age:,}" if age > comparison.budget else f"{age:,}" for age in comparison.ages]
    return grid(("method", *heads), (row(method) for method in comparison.methods if method.recall))


def _cost_words(comparison: Comparison) -> str:
    return (
        "Bytes are those of one session at their peak; growth is per 1,000 tokens, over the second half of the run. "
        f"Time is CPU time of steps of one token, alone, after {comparison.timed_at:,} tokens."
    )


def _cost(comparison: Comparison) -> str:
    def row(method: MethodResult) -> tuple[str, ...]:
        return (
            _name(method),
            size(method.resident_bytes),
            size(method.total_bytes),
            _growth(method),
            figure(method.cpu_ms_per_token, 2),
            f"{method.tokens:,}",
        )

    heads = ("method", "resident", "all tiers", "growth", "CPU ms a token", "tokens read")
    return grid(heads, map(row, comparison.methods))


def _short(comparison: Comparison, method: MethodResult) -> tuple[str, ...]:
    where = furthest(comparison, method)
    loss = method.loss.get(where) if where else None
    against = method.against.get(where) if where else None
    early = where is not None and where != list(comparison.buckets)[-1]
    difference = number(against.mean, signed=True) + ("*" if against.sure else "") if against else NOTHING
    return (
        method.name,
        ", ".join(marks(method)),
        (number(loss.mean) if loss else NOTHING) + (f" at {multiple(comparison, where)}" if early and where else ""),
        difference,
        number(inside(comparison, method), 2),
        number(outside(comparison, method), 2),
        size(method.resident_bytes),
        _growth(method),
        number(method.cpu_ms_per_token.mean, 2),
    )


def _rank(comparison: Comparison, method: MethodResult) -> tuple[bool, float]:
    where = furthest(comparison, method)
    found = method.against.get(where) if where else None
    mean = found.mean if found else 0.0
    return method.kind == "blind", mean if not math.isnan(mean) else math.inf


def _growth(method: MethodResult) -> str:
    if math.isnan(method.slope):
        return NOTHING
    if abs(method.slope) < 0.5:
        return "none"
    return f"+{size(method.slope)}" if method.slope > 0 else f"−{size(-method.slope)}"


def _bold(found: Figure | None, better: Callable[[Figure], bool], digits: int = 3, signed: bool = False) -> str:
    text = figure(found, digits, signed)
    return f"**{text}**" if found is not None and better(found) else text


def _name(method: MethodResult) -> str:
    """With a mark for each thing that makes it another than a bounded, exact recipe."""
    return f"`{cell(method.name)}`" + ("" if method.bounded else " (grows)") + (" (≈)" if method.approximate else "")


def _date(text: str) -> str:
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return cell(text)
