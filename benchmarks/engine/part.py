"""Part: what one part of the run brought: rows of figures, goals, and what to know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.state.figures import Figure

#: Where a row was measured.
REAL, SIMULATED = "engine", "simulated"


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        load: what was served.
        name: by whom.
        figures: by column; None: it has none.
        where: on the engine itself, or simulated.
        note: what went wrong, or what to know.
    """

    load: str
    name: str
    figures: dict[str, Figure | None]
    where: str = REAL
    note: str = ""


@dataclass(frozen=True)
class Goal:
    """A promise, what came out (None: it was not measured), and whether that is enough."""

    text: str
    value: float | None
    least: float

    @property
    def met(self) -> bool | None:
        return None if self.value is None else self.value >= self.least


@dataclass
class Part:
    """One part.

    Attributes:
        name: as `--only` takes it; title: in words.
        columns: of its table.
        samples: every repetition, as it was measured.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "rows": [asdict(row) for row in self.rows],
            "goals": [asdict(goal) | {"met": goal.met} for goal in self.goals],
            "notes": self.notes,
            "samples": self.samples,
        }

    def markdown(self) -> list[str]:
        """Its table, goals and notes."""
        lines = [f"### {self.title}", "", "| load | | " + " | ".join(self.columns) + " | |"]
        lines.append("|---|---|" + "---:|" * len(self.columns) + "---|")
        for row in self.rows:
            cells = [told(row.figures.get(column)) for column in self.columns]
            lines.append(f"| {row.load} | {row.name} | {' | '.join(cells)} | {row.note or row.where} |")
        lines.append("")
        for goal in self.goals:
            verdict = {True: "met", False: "missed", None: "not measured"}[goal.met]
            value = "" if goal.value is None else f" ({goal.value:.2f})"
            lines.append(f"- {goal.text}: {verdict}{value}")
        lines += [f"- {note}" for note in self.notes]
        return [*lines, ""]


def told(figure: Figure | None) -> str:
    """A figure in a cell: median (lowest-highest)."""
    if figure is None:
        return ""
    size = max(abs(figure.median), abs(figure.high))
    digits = 0 if size >= 100 else 1 if size >= 20 else 2 if size >= 0.1 else 4
    if figure.low == figure.high:
        return f"{figure.median:.{digits}f}"
    return f"{figure.median:.{digits}f} ({figure.low:.{digits}f}-{figure.high:.{digits}f})"


def paired(over: Sequence[float], under: Sequence[float]) -> Figure:
    """Ratios within each round or seed."""
    return Figure.of([a / b if b else float("inf") for a, b in zip(over, under, strict=True)])
