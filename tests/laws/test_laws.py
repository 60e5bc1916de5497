"""Every law over everything that remembers."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.core.errors import StateError
from headrace.core.stateful import Snapshot, Stateful
from headrace.state.laws import LAWS, law_saved, worthwhile
from tests.laws.subjects import ELSEWHERE, SUBJECTS

TRIED = [
    pytest.param(law, subject, id=f"{subject.name}-{law}")
    for subject in SUBJECTS
    for law in LAWS
    if law not in subject.exempt
]
EVERY = pytest.mark.parametrize("subject", SUBJECTS, ids=[subject.name for subject in SUBJECTS])


@pytest.mark.parametrize(("law", "subject"), TRIED)
def test_a_part_keeps_the_law(law: int, subject: Any) -> None:
    LAWS[law](subject, 0)


@EVERY
def test_a_subject_is_worth_trying(subject: Any) -> None:
    worthwhile(subject)
    assert set(subject.exempt) <= set(LAWS)
    assert all(reason.strip() for reason in subject.exempt.values())
    assert {3, 4}.isdisjoint(subject.exempt)


@EVERY
def test_a_part_is_stateful_and_refuses_the_snapshot_of_another(subject: Any) -> None:
    part = subject.open()
    assert isinstance(part, Stateful) or "never forked" in subject.exempt.get(8, "")
    with pytest.raises(StateError, match="snapshot is of a 'other'"):
        part.restore(Snapshot("other"))


def test_another_process_goes_on_with_all_of_them(tmp_path: Path) -> None:
    law_saved(tmp_path, "tests.laws.subjects:SUBJECTS")


@dataclass(frozen=True)
class Kind:
    """A class as its source tells of it; bases by their last name."""

    place: str
    bases: tuple[str, ...]
    methods: frozenset[str]


def classes() -> dict[str, list[Kind]]:
    """Every class of the tree by its name."""
    root, found = Path(headrace.__path__[0]), defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        module = ".".join(("headrace", *path.relative_to(root).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = tuple(ast.unparse(base).split("[")[0].rpartition(".")[2] for base in node.bases)
                methods = frozenset(one.name for one in node.body if isinstance(one, ast.FunctionDef))
                found[node.name].append(Kind(f"{module}.{node.name}", bases, methods))
    return found


def has(known: dict[str, list[Kind]], kind: Kind) -> set[str]:
    """Methods of a class, those of its bases included."""
    bases = (one for base in kind.bases for one in known[base] if one != kind)
    return set(kind.methods).union(*(has(known, base) for base in bases))


def test_no_part_is_forgotten() -> None:
    """Whatever has the methods of Stateful is a subject, or it is said where it is tried."""
    for extra in ("cv2", "silero_vad"):
        if find_spec(extra) is None:
            pytest.skip(f"needs {extra}")
    known = classes()
    wanted = {"snapshot", "restore", "fork", "nbytes"}
    concrete = [kind for kinds in list(known.values()) for kind in kinds if "Protocol" not in kind.bases]
    remembers = {kind.place for kind in concrete if wanted <= has(known, kind)}
    tried = {f"{kind.__module__}.{kind.__name__}" for subject in SUBJECTS for kind in type(subject.open()).__mro__}
    assert len(remembers & tried) >= 25
    assert remembers - tried == set(ELSEWHERE), "give it a Subject in tests/laws, or say in ELSEWHERE where it is tried"
