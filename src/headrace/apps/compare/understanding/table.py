"""table: a comparison of gates and memories as table.md, and as a short table for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from headrace.apps.compare.markup import cell, grid
from headrace.apps.compare.result import Figure
from headrace.apps.compare.understanding.result import SETTINGS, KeeperResult, Understanding
from headrace.apps.compare.words import NOTHING, figure, number
from headrace.apps.wording import counted, length, size

TERMINAL = (
    "method", "kind", "accuracy", "oldest", "count", "alerts F1", "delay s", "courier", "rows in", "bytes", "growth",
    "ms",
)  # fmt: skip

#: What each setting makes equal.
EQUAL = {
    "resident": "Equal bytes on the device, the gate's state included. Methods with a host tier hold more in all.",
    "total": "Equal bytes in all: host tiers count, so that methods which have one attend to less.",
}


def markdown(comparison: Understanding) -> str:
    """The text of table.md: CommonMark with tables, ends with a line feed."""
    parts = [
        "# Understanding methods compared",
        _measured(comparison),
        _outcome(comparison),
        "## Methods",
        _methods(comparison),
    ]
    for setting in SETTINGS:
        if not comparison.at(setting):
            continue
        parts += [
            f"## At equal {setting} bytes",
            EQUAL[setting],
            "### By regime",
            _accuracies(comparison, setting, "regimes", comparison.regimes),
            "### By age of the evidence",
            f"Questions on the past, on the streams of {comparison.minutes:g} min.",
            _accuracies(comparison, setting, "ages", comparison.ages),
            *_long(comparison, setting),
            "### By track",
            _asked(comparison),
            _accuracies(comparison, setting, "tracks", comparison.tracks),
            "### Tokens that entered, by regime",
            _entered(comparison, setting),
            "### Speaking in time",
            SPEAKING,
            _speaking(comparison, setting),
            "### Cost",
            _cost(comparison, setting),
        ]
    if comparison.notes:
        parts += ["## Notes", "\n".join(f"- {cell(note)}" for note in comparison.notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def title(comparison: Understanding) -> str:
    """One line over the short table."""
    return (
        f"millrace, {counted(comparison.streams, 'stream')} of {comparison.minutes:g} min in each of "
        f"{counted(len(comparison.regimes), 'regime')}, {comparison.budget:,} rows "
        f"({comparison.budget / comparison.tokens:.1%} of the tokens), {length(comparison.seconds)}"
    )


def rows(comparison: Understanding) -> list[tuple[str, ...]]:
    """The short table under `TERMINAL` at equal bytes in all, best accuracy first."""
    held = sorted(comparison.at("total"), key=lambda one: (one.kind == "blind", -_known(one.accuracy.mean)))
    return [_short(comparison, method) for method in held]


def legend(comparison: Understanding) -> str:
    """One paragraph under the short table."""
    return (
        "Accuracy of the oracle reader, answers and refusals alike; half of what is asked cannot be answered. Oldest: "
        f"evidence {comparison.ages[-1] if comparison.ages else ''} old. Alerts within 5 s of their cause. Rows in: "
        "share of the tokens that entered. Bytes: in all tiers, at most, sound included; growth an hour on the long "
        "stream. Courier: where what moves is known to be. CPU ms a frame. At equal bytes in all; table.md has "
        "the figures by regime and at equal bytes on the device. "
        f"`{comparison.upper}` grows without bound: the upper limit."
    )


#: What the table of speaking shows.
SPEAKING = (
    "Alerts: F1 of standing requests within 5 s of their cause, half of which never comes; false alarms an hour and "
    "request; median delay. Courier: share of time, while it moves, at which the newest output says where it is. A "
    "frame that is encoded whole takes 100 ms, a token that enters 2 ms, on the same clock. Talk: IA-QTF1 (causal) of "
    "conversations, nested and interrupted ones among them."
)


def _measured(comparison: Understanding) -> str:
    took = f" The run took {length(comparison.seconds)}" if comparison.seconds else " It ran"
    long = f", and one stream of {comparison.long_minutes / 60:g} h" if comparison.long_minutes else ""
    return (
        f"Millrace, {counted(comparison.streams, 'held-out stream')} of {comparison.minutes:g} min in each of "
        f"{counted(len(comparison.regimes), 'regime')}{long} (seed {comparison.seed}; `{comparison.unseen}` was never "
        f"looked at in tuning). Every method gets the same tokens, encoded once: {comparison.fps} frames a second, "
        f"{comparison.tokens:,} tokens a stream. The window keeps {comparison.budget:,} rows, "
        f"{comparison.budget / comparison.tokens:.1%} of them, and every bounded method as many bytes; an oracle reads "
        f"what it kept.{took} on "
        f"{comparison.date[:16].replace('T', ' ')} UTC: {cell(comparison.machine)}.\n\n"
        "Brackets are 95 % intervals, bootstrapped over streams. Half of the questions cannot be answered; blind "
        "rows say what is won without looking."
    )


def _outcome(comparison: Understanding) -> str:
    """What came out at equal bytes in all, in sentences that follow from the figures alone."""
    said = []
    held = comparison.at("total")
    bounded = [one for one in held if one.bounded and one.kind != "blind"]
    upper = next((one for one in held if one.name == comparison.upper), None)
    if not bounded or upper is None:
        return ""
    best = max(bounded, key=lambda one: _known(one.accuracy.mean))
    for method in {one.name: one for one in (*(m for m in bounded if m.kind == "ours"), best)}.values():
        gained = _part(_above_blind(comparison, method), _above_blind(comparison, upper))
        said.append(
            f"`{method.name}`: {number(method.accuracy.mean, 2)} of all questions, "
            f"{_part(method.accuracy.mean, upper.accuracy.mean)} of the unbounded `{upper.name}` "
            f"({number(upper.accuracy.mean, 2)}), {gained} of what that gains over the best blind policy. "
            f"{_loses(bounded, method)}"
        )
    for track in comparison.tracks:
        order = sorted((m for m in bounded if track in m.tracks), key=lambda m: -_known(m.tracks[track].mean))
        if order:
            said.append(
                f"{track}: best `{order[0].name}` {number(order[0].tracks[track].mean, 2)}, "
                f"last `{order[-1].name}` {number(order[-1].tracks[track].mean, 2)}; "
                f"unbounded {number(upper.tracks[track].mean, 2)}."
            )
    return "\n".join(f"- {line}" for line in said)


def _loses(bounded: Sequence[KeeperResult], method: KeeperResult) -> str:
    """Where a method lies furthest behind the best bounded one, of all regimes, tracks and ways of speaking."""
    gaps = []
    for of, figures in _compared(method).items():
        others = [(one, _compared(one).get(of, math.nan)) for one in bounded]
        other, high = max(others, key=lambda pair: _known(pair[1]))
        if math.isfinite(figures):
            gaps.append((high - figures, of, other.name, figures, high))
    if not gaps or max(gaps)[0] <= 0:
        return "It is behind no bounded method anywhere."
    _, where, rival, own, best = max(gaps)
    return f"It loses most in {where}: {number(own, 2)} against {number(best, 2)} of `{rival}`."


def _compared(method: KeeperResult) -> dict[str, float]:
    """All figures of a method that are better the higher they are, 0 to 1."""
    found = {f"regime {name}": one.mean for name, one in method.regimes.items()}
    found |= {f"track {name}": one.mean for name, one in method.tracks.items()}
    return found | {
        "alerts": method.alerts.mean, "the courier": method.courier.mean, "talk": method.conversation.mean,
    }  # fmt: skip


def _part(one: float, whole: float) -> str:
    """`92 %`; `NOTHING` of nothing."""
    return f"{100 * one / whole:.0f} %" if whole > 0 and math.isfinite(one) else NOTHING


def _above_blind(comparison: Understanding, method: KeeperResult) -> float:
    blind = [_known(one.accuracy.mean) for one in comparison.at(method.setting) if one.kind == "blind"]
    return method.accuracy.mean - max(blind, default=0.0)


def _methods(comparison: Understanding) -> str:
    def row(method: KeeperResult) -> tuple[str, ...]:
        remarks = [f"approximate: {method.approximate}"] if method.approximate else []
        remarks += [f"ended: {method.ended}"] if method.ended else []
        return _name(method), method.kind, cell(method.what), cell("; ".join(remarks))

    return grid(("method", "kind", "keeps", "remarks"), map(row, comparison.at("resident")), left=4)


def _accuracies(comparison: Understanding, setting: str, table: str, columns: Sequence[str]) -> str:
    def cells() -> Iterable[tuple[str, ...]]:
        held = comparison.at(setting)
        best = {name: _best([(m, getattr(m, table).get(name)) for m in held]) for name in columns}
        whole = _best([(m, m.accuracy) for m in held])
        for method in comparison.at(setting):
            found = [_mark(getattr(method, table).get(name), best[name], method) for name in columns]
            last = () if table == "long_ages" else (_mark(method.accuracy, whole, method, interval=True),)
            yield _name(method), *found, *last

    return grid(("method", *columns, *(() if table == "long_ages" else ("all",))), cells())


def _long(comparison: Understanding, setting: str) -> list[str]:
    """By age on the long stream alone."""
    if not comparison.long_ages or setting != "resident":
        return []
    hours = comparison.long_minutes / 60
    return [
        f"One calm stream of {hours:g} h, at the same budget: no intervals.",
        _accuracies(comparison, setting, "long_ages", comparison.long_ages),
    ]


def _asked(comparison: Understanding) -> str:
    told = ", ".join(f"{track} {count:,}" for track, count in comparison.questions.items())
    return f"Questions on all streams: {told}."


def _entered(comparison: Understanding, setting: str) -> str:
    held = [method for method in comparison.at(setting) if method.kind != "blind"]
    rows = ((_name(m), *(share(m.entered[name].mean) for name in comparison.regimes)) for m in held)
    return grid(("method", *comparison.regimes), rows)


def _speaking(comparison: Understanding, setting: str) -> str:
    def row(method: KeeperResult) -> tuple[str, ...]:
        return (
            _name(method),
            figure(method.alerts, 2),
            number(method.false_per_hour.mean, 1),
            number(method.delay_s.mean, 1),
            figure(method.courier, 2),
            figure(method.conversation, 2),
        )

    heads = ("method", "alerts F1", "false an hour", "delay s", "courier", "talk")
    return grid(heads, map(row, comparison.at(setting)))


def _cost(comparison: Understanding, setting: str) -> str:
    def row(method: KeeperResult) -> tuple[str, ...]:
        return (
            _name(method),
            share(method.admitted.mean),
            share(method.computed.mean),
            NOTHING if math.isnan(method.read) else f"{method.read:,.0f}",
            size(method.resident_bytes),
            size(method.total_bytes),
            growth(method),
            number(method.cpu_ms.mean, 3),
        )

    heads = ("method", "tokens in", "encoder work", "rows read", "resident", "all tiers", "growth an hour", "CPU ms")
    return grid(heads, (row(method) for method in comparison.at(setting) if method.kind != "blind"))


def _short(comparison: Understanding, method: KeeperResult) -> tuple[str, ...]:
    oldest = method.ages.get(comparison.ages[-1]) if comparison.ages else None
    count = method.tracks.get("count")
    return (
        method.name,
        method.kind,
        number(method.accuracy.mean, 2),
        number(oldest.mean, 2) if oldest else NOTHING,
        number(count.mean, 2) if count else NOTHING,
        number(method.alerts.mean, 2),
        number(method.delay_s.mean, 1),
        number(method.courier.mean, 2),
        share(method.admitted.mean),
        size(method.total_bytes) if method.kind != "blind" else NOTHING,
        growth(method) if method.kind != "blind" else NOTHING,
        number(method.cpu_ms.mean, 2),
    )


def share(value: float) -> str:
    """`1.2 %`."""
    return NOTHING if math.isnan(value) else f"{100 * value:.1f} %"


def growth(method: KeeperResult) -> str:
    """Bytes an hour; `none` below a kilobyte."""
    if math.isnan(method.slope):
        return NOTHING
    if abs(method.slope) < 1000:
        return "none"
    return f"+{size(method.slope)}" if method.slope > 0 else f"−{size(-method.slope)}"


def _best(found: Sequence[tuple[KeeperResult, Figure | None]]) -> float:
    """The highest mean among bounded methods that look at the stream."""
    held = [one for method, one in found if method.bounded and method.kind != "blind" and one is not None]
    return max((_known(one.mean) for one in held), default=math.nan)


def _mark(found: Figure | None, best: float, method: KeeperResult, interval: bool = False) -> str:
    """The mean, bold where no bounded method has a higher one."""
    if found is None:
        return NOTHING
    text = figure(found, 2) if interval else number(found.mean, 2)
    return f"**{text}**" if method.bounded and method.kind != "blind" and found.mean >= best else text


def _name(method: KeeperResult) -> str:
    marks = ("" if method.bounded else " (grows)") + (" (≈)" if method.approximate else "")
    return f"`{cell(method.name)}`{marks}"


def _known(value: float) -> float:
    return -1.0 if math.isnan(value) else value
