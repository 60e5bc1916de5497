"""table: scores and audits in words, for terminals and for report.md and audit.md."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from headrace.apps.compare.markup import cell, grid
from headrace.apps.evaluate.scored import Row, Scored
from headrace.apps.wording import counted
from headrace.evaluation.audit import VARIANTS, Audit, Best, Variant, of
from headrace.evaluation.benchmark import Value

NOTHING = "–"
#: Stands behind a value that a blind policy reaches.
MARK = " †"
#: Columns of the short table of a score.
COLUMNS = ("figure", "published", "causal", "best blind, published", "best blind, causal", "count")
#: What the two columns of every table are.
MEANS = (
    "published: as the benchmark's own code computes it. causal: nothing counts before it can be known, a missing "
    "answer is wrong."
)


def figure(value: Value | None, interval: bool = True) -> str:
    """A value with its unit and interval."""
    if value is None or math.isnan(value.value):
        return NOTHING
    text = f"{value.value:.1f} %" if value.unit == "%" else f"{value.value:.3f}{' ' if value.unit else ''}{value.unit}"
    if interval and value.low is not None and value.high is not None:
        digits = 1 if value.unit == "%" else 3
        text += f" [{value.low:.{digits}f}, {value.high:.{digits}f}]"
    return text


def score_rows(scored: Scored) -> list[tuple[str, ...]]:
    """One row a figure; a value that a blind policy reaches has a mark."""
    return [
        (
            row.figure,
            *(_value(row, side) for side in VARIANTS),
            *(_best(row.best.get(side)) for side in VARIANTS),
            str(max((value.count for value in row.values.values()), default=0)),
        )
        for row in scored.rows()
    ]


def score_lines(scored: Scored) -> list[str]:
    """What stands below the table: what is missing, what a blind policy wins, and notes."""
    lines = [f"{counted(scored.report.missing, 'task')} of {scored.blind.tasks:,} without any response."]
    lines += [line for side in VARIANTS if (line := _beaten(scored, side))]
    lines.append(MEANS)
    if scored.blind.judge:
        lines.append(f"judge: {scored.blind.judge}")
    return [*lines, *(f"note: {note}" for note in scored.notes)]


def score_title(scored: Scored) -> str:
    """Of the table."""
    return f"{scored.benchmark}: {scored.who}, {counted(scored.blind.streams, 'stream')}"


def score_markdown(scored: Scored) -> str:
    """The text of report.md."""
    rows = [tuple(map(cell, row)) for row in score_rows(scored)]
    policies = audit_rows(scored.blind, "published")
    parts = [
        f"# {cell(scored.benchmark)}: {cell(scored.who)}",
        f"{cell(scored.title)}. {counted(scored.blind.streams, 'stream')}, {counted(scored.blind.tasks, 'task')}.",
        grid(COLUMNS, rows),
        "\n".join(f"- {cell(line)}" for line in score_lines(scored)),
        "## Blind policies",
        "What policies score that never look at the stream, as published.",
        grid(tuple(map(cell, audit_columns(scored.blind, "published"))), [tuple(map(cell, row)) for row in policies]),
    ]
    if scored.run:
        given = [f"- {cell(str(key))}: {cell(_words(value))}" for key, value in scored.run.items() if value]
        parts += ["## Run", "\n".join(given)]
    return "\n\n".join(parts) + "\n"


def audit_columns(made: Audit, variant: Variant) -> tuple[str, ...]:
    """The policy, then every figure that the variant has, with its unit."""
    units = {name: next(iter(_values(made, variant, name))).unit for name in _figures(made, variant)}
    return ("policy", *(f"{name} {unit}".strip() for name, unit in units.items()))


def audit_rows(made: Audit, variant: Variant, brief: bool = False) -> list[tuple[str, ...]]:
    """One row a policy; the best value of a figure has a star. `brief`: without what names say in brackets."""
    names = _figures(made, variant)
    best = {name: made.best(name, variant) for name in names}

    def text(policy: str, name: str) -> str:
        value, top = of(made.reports[policy], variant, name), best[name]
        if value is None or math.isnan(value.value):
            return NOTHING
        plain = f"{value.value:.1f}" if value.unit == "%" else f"{value.value:.3f}"
        return plain + ("*" if top is not None and value.value == top.value.value else "")

    plain = Counter(map(short, made.reports))
    heads = {policy: short(policy) if brief and plain[short(policy)] == 1 else policy for policy in made.reports}
    return [(heads[policy], *(text(policy, name) for name in names)) for policy in made.reports]


def audit_lines(made: Audit) -> list[str]:
    """What blind policies win, in sentences."""
    lines = []
    for side in VARIANTS:
        if not _figures(made, side):
            continue
        lines.append(f"{side}: won outright by a blind policy: {_by_policy(made.outright(side)) or 'nothing'}.")
        best = made.best(made.total, side) if made.total else None
        if best is not None:
            lines.append(f"{side}: of the figure {made.total}, {short(best.policy)} takes {figure(best.value, False)}.")
        share, (policy, alone) = made.share(side), made.single(side)
        if not math.isnan(share):
            lines.append(
                f"{side}: of what can be had, the best blind policy of each figure takes {100 * share:.1f} % on "
                f"average; {short(policy)}, the best of them alone, {100 * alone:.1f} %."
            )
    notes = dict.fromkeys(note for one in made.reports.values() for note in one.notes)
    return [*lines, MEANS, *(f"note: {note}" for note in notes)]


def audit_title(made: Audit) -> str:
    """Of the tables."""
    return (
        f"{made.benchmark}: blind policies on {counted(made.streams, 'stream')}, {counted(made.tasks, 'task')}, "
        f"seed {made.seed}"
    )


def audit_markdown(made: Audit) -> str:
    """The text of audit.md."""
    parts = [f"# {cell(audit_title(made))}", "\n".join(f"- {cell(line)}" for line in audit_lines(made))]
    for side in VARIANTS:
        if _figures(made, side):
            heads = tuple(map(cell, audit_columns(made, side)))
            parts += [f"## {side}", grid(heads, [tuple(map(cell, row)) for row in audit_rows(made, side)])]
    parts.append("A star marks the best policy of a figure.")
    return "\n\n".join(parts) + "\n"


def short(policy: str) -> str:
    """The name of a policy without what stands in brackets at its end."""
    return policy.partition(" (")[0]


def _figures(made: Audit, variant: Variant) -> list[str]:
    return [name for name in made.figures() if _values(made, variant, name)]


def _values(made: Audit, variant: Variant, name: str) -> list[Value]:
    found = [of(one, variant, name) for one in made.reports.values()]
    return [value for value in found if value is not None and not math.isnan(value.value)]


def _by_policy(won: Mapping[str, str]) -> str:
    """`HLD, OCR (refusal); CRR (always "Yes")`."""
    grouped: dict[str, list[str]] = {}
    for name, policy in won.items():
        grouped.setdefault(short(policy), []).append(name)
    return "; ".join(f"{', '.join(names)} ({policy})" for policy, names in grouped.items())


def _value(row: Row, side: Variant) -> str:
    return figure(row.values.get(side)) + (MARK if row.beaten(side) else "")


def _best(best: Best | None) -> str:
    return NOTHING if best is None else f"{figure(best.value, interval=False)} {short(best.policy)}"


def _beaten(scored: Scored, side: Variant) -> str:
    won = scored.beaten(side)
    if not won:
        return ""
    return f"{MARK.strip()} {side}: a blind policy does as well or better on {_by_policy(won)}."


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(part)}" for key, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(map(str, value))
    return str(value)
