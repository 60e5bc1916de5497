"""markup: tables of CommonMark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headrace.apps.wording import clean


def cell(text: str) -> str:
    """Text from outside on one line, which ends no cell and begins no markup."""
    return clean(text).replace("|", "/").replace("`", "'").replace("<", "‹").replace(">", "›")


def grid(heads: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table with columns as wide as their cells, the first `left` of them flush left."""
    lines = [tuple(heads), *(tuple(row) for row in rows)]
    wide = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = [":" + "-" * (w - 1) if i < left else "-" * (w - 1) + ":" for i, w in enumerate(wide)]
    drawn = [
        [text.ljust(w) if i < left else text.rjust(w) for i, (text, w) in enumerate(zip(line, wide, strict=True))]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (drawn[0], rule, *drawn[1:]))
