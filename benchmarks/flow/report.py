"""Where figures go: a JSON file beside the benchmark, and a section of docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "benchmarks.md"


def machine() -> str:
    """The machine in a generic line: figures are compared with those beside them, not across machines."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{os.cpu_count()} {platform.machine()} cores, {python}"


def save(name: str, figures: Mapping[str, Any]) -> None:
    """Write the figures to results/NAME.json."""
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")


def page(name: str, text: str) -> None:
    """Replace what stands between the marks of section NAME in docs/benchmarks.md."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE}: no section between {begin} and {end}")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
