"""Damaged copies of JSONL samples."""

from __future__ import annotations

import json
from pathlib import Path

from tests.evaluation.benchmarks.bad import Damage


def damaged_lines(sample: Path, folder: Path, damage: Damage) -> Path:
    """A copy of a sample with the list of its lines changed."""
    lines = [json.loads(line) for line in sample.read_text().splitlines()]
    other = damage(lines)
    path = folder / sample.name
    path.write_text("".join(f"{json.dumps(line)}\n" for line in (lines if other is None else other)))
    return path
