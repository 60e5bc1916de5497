"""Results: what the checks of recipes measured, and the status that follows from it.

Two files of one form: the packaged `data/results.json`, which only `recipes check --update` writes,
and the user's own. A status is computed, never typed:

- planned: there is no result;
- works: the claim held and the recipe declares nothing missing;
- partial: any other run, with the reason.

A result older than its recipe's source is shown as stale; a stale result of the user does not hide
the packaged one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from headrace.core.errors import InputError
from headrace.core.files import atomic_write
from headrace.core.recipe import Row
from headrace.recipes.registry import Entry

#: Version of the results file; another one is refused.
FORMAT = 1


@dataclass(frozen=True)
class Result:
    """One check, as it is kept.

    Attributes:
        holds, measured, baselines, seed, note: as in `headrace.core.recipe.Check`.
        missing: parts of the paper that the recipe did not build.
        full: whether it was the long check.
        source: digest of the recipe's source file (`Entry.digest`).
        commit: the clean commit that was checked; empty if the tree was dirty or there was none.
        dirty: the tree held changes that no commit has.
    """

    holds: bool
    measured: dict[str, float]
    baselines: dict[str, dict[str, float]]
    seed: int
    note: str
    missing: tuple[str, ...]
    full: bool
    source: str
    commit: str
    dirty: bool

    @property
    def status(self) -> str:
        """ "works" or "partial"."""
        return "works" if self.holds and not self.missing else "partial"

    @property
    def reason(self) -> str:
        """Why the status is partial; empty if it is not."""
        reasons = [] if self.holds else [f"the claim did not hold{f': {self.note}' if self.note else ''}"]
        if self.missing:
            reasons.append(f"missing: {', '.join(self.missing)}")
        return "; ".join(reasons)


def packaged_path() -> Path:
    """The results file that ships with headrace."""
    return Path(__file__).parent / "data" / "results.json"


def user_path(setting: str = "", environ: Mapping[str, str] = os.environ) -> Path:
    """The user's results file: `setting` (`recipes.results` of headrace.toml), or its default."""
    if setting:
        return Path(setting).expanduser()
    home = Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "headrace" / "results.json"


def read_results(path: Path) -> dict[str, Result]:
    """Results by recipe name; none if there is no file.

    Raises:
        InputError: the file cannot be read, is damaged, or is of another format.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not a readable results file ({error}); mend or remove it") from error
    if not isinstance(document, dict) or not isinstance(document.get("results"), dict):
        raise InputError(f"{path}: is not a results file of headrace; mend or remove it")
    if document.get("format") != FORMAT:
        raise InputError(f"{path}: has format {document.get('format')}, this headrace reads {FORMAT}")
    return {name: _result(path, name, entry) for name, entry in document["results"].items()}


def write_results(path: Path, results: Mapping[str, Result]) -> None:
    """Write the file as one, sorted by name; makes its folder. InputError if it cannot be written."""
    document = {"format": FORMAT, "results": {name: asdict(results[name]) for name in sorted(results)}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        path.chmod(0o644)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); set recipes.results") from error


def record(path: Path, name: str, result: Result) -> None:
    """Add or replace one result in the file."""
    write_results(path, {**read_results(path), name: result})


def apply(row: Row, entry: Entry | None, packaged: Result | None, user: Result | None) -> Row:
    """Fill in a row's status from the result that counts; `entry` is None where nothing builds it."""
    if entry is None:
        return row
    if entry.broken:
        row.status, row.reason = "broken", entry.broken
        return row
    digest = entry.digest()
    fresh = [r for r in (user, packaged) if r is not None and r.source == digest]
    result = next(iter(fresh), user or packaged)
    if result is not None:
        row.status, row.reason = result.status, result.reason
        row.commit = "dirty" if result.dirty else result.commit
        row.stale = result.source != digest
        row.measured = dict(result.measured)
    return row


def _result(path: Path, name: str, entry: object) -> Result:
    """The entry of a file as a Result; InputError that names the file, the recipe and the field."""
    values: dict[str, Any] = dict(entry) if isinstance(entry, dict) else {}
    kinds = {key: getattr(hint, "__origin__", hint) for key, hint in get_type_hints(Result).items()}
    if isinstance(values.get("missing"), list):
        values["missing"] = tuple(values["missing"])
    for f in fields(Result):
        if not isinstance(values.get(f.name), kinds[f.name]):
            raise InputError(f"{path}: result of {name}: {f.name} is missing or wrong; mend or remove it")
    return Result(**{f.name: values[f.name] for f in fields(Result)})
