"""How commands print: tables for eyes, tab-separated lines for pipes, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any


def printable(text: str) -> str:
    """Text from outside on one line, without characters that a terminal would obey."""
    plain = "".join(" " if c.isspace() else c for c in text if c.isspace() or c.isprintable())
    return " ".join(plain.split())


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_json_line(value: Any) -> None:
    """One JSON document in one line, written at once: a long run shows what it has."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class OpenTable:
    """A table whose rows come one after the other: on a pipe each is written at once, on a terminal all by `close`."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns, self._rows = columns, list[Sequence[str]]()

    def add(self, row: Sequence[str]) -> None:
        """One more row."""
        self._rows.append(row)
        if not sys.stdout.isatty():
            for cells in (self._columns, row) if len(self._rows) == 1 else (row,):
                _line(cells)
            sys.stdout.flush()

    def close(self) -> None:
        """There are no more."""
        if self._rows and sys.stdout.isatty():
            print_table(self._columns, self._rows)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table on a terminal; on a pipe a header and tab-separated lines, whole and unstyled."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            _line(row)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _line(cells: Sequence[str]) -> None:
    sys.stdout.write("\t".join(" ".join(cell.split()) for cell in cells) + "\n")


def warn(message: str) -> None:
    """One line on standard error."""
    sys.stderr.write(f"headrace: warning: {printable(message)}\n")
