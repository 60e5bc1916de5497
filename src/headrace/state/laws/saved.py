"""Law 4 across processes: what one process saved, another goes on with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from headrace.core.files import atomic_write
from headrace.core.stateful import load, save
from headrace.state.laws.compare import altered, marks, output_hash
from headrace.state.laws.snapshot import FURTHER
from headrace.state.laws.subject import Subject, broken, feed, untried

_CHILD = "import sys; from headrace.state.laws.saved import _main; sys.exit(_main(*sys.argv[1:]))"


def law_saved(folder: Path, registry: str, seed: int = 0) -> None:
    """Save a part of every subject into a folder; one new process restores each and must go on the same, to the bit.

    Args:
        folder: an empty one.
        registry: "module:name" of the subjects, an iterable or a function that returns one; the new process imports
            them by it. Subjects that are exempt from law 4 are left out.

    Raises:
        AssertionError: a part went on differently, or could not be restored.
    """
    save_cases(folder, _subjects(registry), seed)
    command = [sys.executable, "-c", _CHILD, str(folder), registry, str(torch.get_num_threads())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise AssertionError((done.stderr.strip().splitlines() or ["law 4: the other process gave no reason"])[-1])


def save_cases(folder: Path, subjects: Iterable[Subject], seed: int = 0) -> None:
    """Write, for each subject, a snapshot after 2C + 3 inputs, and what 64 further ones make of it."""
    cases: list[dict[str, Any]] = []
    for number, subject in enumerate(one for one in subjects if 4 not in one.exempt):
        begun = 2 * subject.capacity + 3
        inputs, part = subject.inputs(begun + FURTHER, seed), subject.open(seed=seed)
        feed(subject, part, inputs[:begun])
        save(folder / f"{number}.safetensors", part.snapshot())
        outputs = [output_hash(output) for output in feed(subject, part, inputs[begun:])]
        cases.append({"name": subject.name, "begun": begun, "outputs": outputs, "marks": marks(part)})
    atomic_write(folder / "cases.json", json.dumps({"seed": seed, "cases": cases}))


def check_cases(folder: Path, subjects: Iterable[Subject]) -> None:
    """Go on with what `save_cases` wrote; AssertionError at the first difference."""
    told = json.loads((folder / "cases.json").read_text("utf-8"))
    known = {subject.name: subject for subject in subjects}
    for number, case in enumerate(told["cases"]):
        subject, begun, seed = known[case["name"]], case["begun"], told["seed"]
        part = subject.open(seed=seed)
        part.restore(load(folder / f"{number}.safetensors"))
        inputs = subject.inputs(begun + FURTHER, seed)
        outputs = [output_hash(output) for output in feed(subject, part, inputs[begun:])]
        if outputs != case["outputs"]:
            pairs = enumerate(zip(outputs, case["outputs"], strict=False))
            at = next((index for index, (one, other) in pairs if one != other), min(len(outputs), len(case["outputs"])))
            raise broken(4, subject, f"restored in another process after {begun} inputs, output {at} is another")
        if (what := altered(case["marks"], marks(part))) is not None:
            raise broken(
                4, subject, f"{FURTHER} inputs after it was restored in another process, its {what} is another"
            )


def _subjects(registry: str) -> list[Subject]:
    module, _, name = registry.partition(":")
    found = getattr(import_module(module), name)
    subjects: list[Subject] = list(found() if callable(found) else found)
    names = [subject.name for subject in subjects]
    for subject in subjects:
        if names.count(subject.name) > 1:
            raise untried(4, subject, "another subject of the registry has its name")
    return subjects


def _main(folder: str, registry: str, threads: str) -> int:
    torch.set_num_threads(int(threads))
    check_cases(Path(folder), _subjects(registry))
    return 0
