"""report: the folder of a comparison, with table.md, table.json and pareto.png."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

from headrace.apps.compare import picture, table
from headrace.apps.compare.result import Comparison
from headrace.apps.compare.understanding import picture as keepers_picture
from headrace.apps.compare.understanding import table as keepers_table
from headrace.apps.compare.understanding.result import Understanding
from headrace.core.errors import CapacityError, ConfigError, InputError
from headrace.core.files import atomic_write

TABLE, DATA, PICTURE = "table.md", "table.json", "pareto.png"


def text(comparison: Comparison | Understanding) -> str:
    """The text of table.json: the whole comparison."""
    return json.dumps(comparison.to_json(), ensure_ascii=True, allow_nan=False, indent=1) + "\n"


def expect_folder(path: str | os.PathLike[str]) -> Path:
    """The folder, before anything is measured; it is neither made nor changed.

    Raises:
        ConfigError: it cannot be written to, is no folder, or has files of these names that no comparison wrote.
    """
    target = Path(path)
    if not str(path).strip():
        raise ConfigError("--out is empty; give a folder")
    try:
        place = target
        while not place.is_dir():
            if place.exists() or place.is_symlink():
                raise ConfigError(f"{place} is no folder; give another --out")
            place = place.parent
        _expect_ours(target)
        atomic_write(place / f".writable.{os.getpid()}", b"")
        (place / f".writable.{os.getpid()}").unlink()
    except (OSError, ValueError) as error:
        raise _unwritable(target, error) from error
    return target


def write_report(comparison: Comparison | Understanding, path: str | os.PathLike[str]) -> list[Path]:
    """Write the three files, each whole or not at all, into a folder made if it is not there (mode 0700).

    All of them are made before the first is written. Files of an earlier comparison are replaced.

    Raises:
        ConfigError: as in `expect_folder`.
        CapacityError: the disk is full.
    """
    folder = expect_folder(path)
    if isinstance(comparison, Understanding):
        words, drawn = keepers_table.markdown(comparison), keepers_picture.png(comparison)
    else:
        words, drawn = table.markdown(comparison), picture.png(comparison)
    made = {DATA: text(comparison).encode(), TABLE: words.encode(), PICTURE: drawn}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, data in made.items():
            atomic_write(folder / name, data)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return [folder / name for name in made]


def _expect_ours(folder: Path) -> None:
    """Refuse to write over somebody else's files."""
    held = [name for name in (TABLE, DATA, PICTURE) if (folder / name).exists()]
    if not held:
        return
    try:
        data = json.loads((folder / DATA).read_bytes())
        (Understanding if data["family"] == "understanding" else Comparison).from_json(data)
    except (InputError, OSError, KeyError, TypeError, ValueError, RecursionError):
        raise ConfigError(
            f"{folder / held[0]} was not written by `headrace compare`; give a new or an empty folder as --out"
        ) from None


def _unwritable(folder: Path, error: OSError | ValueError) -> CapacityError | ConfigError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CapacityError(f"the disk of {folder} is full; make room, or give another --out")
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return ConfigError(f"the output folder {folder} cannot be written ({reason}); give another --out")
