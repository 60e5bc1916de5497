"""Runner: run the check of a recipe and say which code it measured."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.core.errors import HeadraceError
from headrace.core.recipe import Check
from headrace.recipes.registry import Entry
from headrace.recipes.results import Result, packaged_path


@dataclass(frozen=True)
class Tree:
    """The state of the working tree that a file belongs to; no commit and clean outside of git."""

    commit: str = ""
    dirty: bool = False


@dataclass(frozen=True)
class Outcome:
    """A check that was run: what to print, and what to keep."""

    recipe: str
    claim: str
    result: Result

    def to_json(self) -> dict[str, Any]:
        """The object that `headrace recipes check --json` prints."""
        return {
            "recipe": self.recipe,
            "claim": self.claim,
            "measured": self.result.measured,
            "baselines": self.result.baselines,
            "holds": self.result.holds,
            "seed": self.result.seed,
        }


def run_check(entry: Entry, seed: int = 0, full: bool = False, tree: Tree | None = None) -> Outcome:
    """Load a recipe with its defaults, run its check, and return what it measured.

    A check that raises is a run whose claim did not hold: the note says what was raised. Errors
    that the user can mend (`HeadraceError`: an optional part is missing) are raised as they are.

    Args:
        entry: the recipe.
        seed: the seed that the check gets.
        full: run the long check.
        tree: what to record as checked; by default the state of the tree the recipe's file is in.
    """
    tree = tree or read_tree(entry.source)
    source = entry.digest()
    kind = entry.load()
    try:
        check = kind().check(seed=seed, full=full)
    except HeadraceError:
        raise
    except Exception as error:
        raised = f"{type(error).__name__}: {error}".splitlines()[0]
        check = Check({}, {}, False, seed, f"the check raised {raised}")
    result = Result(
        holds=bool(check.holds),
        measured=_floats(check.measured),
        baselines={name: _floats(figures) for name, figures in check.baselines.items()},
        seed=check.seed,
        note=check.note,
        missing=tuple(kind.missing),
        full=full,
        source=source,
        commit="" if tree.dirty else tree.commit,
        dirty=tree.dirty,
    )
    return Outcome(entry.name, kind.claim, result)


def read_tree(source: Path | None) -> Tree:
    """The commit that `source` is checked out of, and whether anything there differs from it.

    The packaged results do not count as a difference: a check writes them. A file that git ignores
    (an environment inside somebody's tree) belongs to no tree.
    """
    if source is None:
        return Tree()
    folder = source.resolve().parent
    top, head = _git(folder, "rev-parse", "--show-toplevel"), _git(folder, "rev-parse", "HEAD")
    ignored = _git(folder, "check-ignore", "--quiet", str(source.resolve())) is not None
    if top is None or head is None or ignored:
        return Tree()
    results = packaged_path().resolve()
    spared = [f":(exclude,top){results.relative_to(top)}"] if results.is_relative_to(top) else []
    changes = _git(folder, "status", "--porcelain", "--", ":/", *spared)
    return Tree(head, dirty=changes is None or bool(changes))


def _git(folder: Path, *arguments: str) -> str | None:
    """Output of a git command, or None if it failed or there is no git."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _floats(figures: dict[str, float]) -> dict[str, float]:
    """Plain floats: JSON knows no numpy scalar."""
    return {name: float(value) for name, value in figures.items()}
