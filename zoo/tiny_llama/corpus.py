"""The text: the Python standard library of the running interpreter, split by a hash of each file's name."""

from __future__ import annotations

import hashlib
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Test data that is broken on purpose, tables of code points, and packages that are not part of Python.
LEFT_OUT = ("site-packages", "lib2to3/tests/data", "test/test_json", "encodings/", "test/bad", "pip/", "setuptools/")


@dataclass(frozen=True)
class Source:
    """One file: its name below the standard library's folder, and its text with every four spaces as one tab."""

    name: str
    text: str


def corpus() -> tuple[list[Source], list[Source]]:
    """Return (training files, held-out files), each in the order of their names.

    A file is held out where the SHA-1 of its name is a multiple of 20.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    kept: tuple[list[Source], list[Source]] = ([], [])
    for path in sorted(root.rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if any(part in name for part in LEFT_OUT):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        held_out = int(hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest(), 16) % 20 == 0
        kept[held_out].append(Source(name, text.replace("    ", "\t")))
    return kept


def excerpts(sources: list[Source], longest: int = 16_000) -> list[str]:
    """Return an excerpt of every file that may be passed on under Python's own licence, in a fixed random order.

    Left out: files that carry a copyright notice or speak of a licence. An excerpt is a run of whole lines of at most
    `longest` characters, so that no file sets the difficulty of a stream; those under 500 are dropped.
    """
    rng = np.random.default_rng(0)
    free = [s for s in sources if "copyright" not in s.text.lower() and "licen" not in s.text.lower()]
    made = []
    for source in (free[i] for i in rng.permutation(len(free))):
        lines = source.text.splitlines(keepends=True)
        spare = max(0, len(source.text) - longest)
        first = int(rng.integers(0, int(len(lines) * spare / max(1, len(source.text))) + 1))
        text = ""
        for line in lines[first:]:
            if len(text) + len(line) > longest:
                break
            text += line
        made.append(text)
    return [text for text in made if len(text) >= 500]
