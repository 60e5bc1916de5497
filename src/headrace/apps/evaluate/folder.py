"""folder: what evaluations write, whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.core.errors import CapacityError, ConfigError
from headrace.core.files import atomic_write

#: Field of a report by which its folder is known as ours.
WRITER = "written_by"


def expect_folder(path: str | os.PathLike[str], data: str, writer: str) -> Path:
    """The folder, before anything is computed; it is neither made nor changed.

    Args:
        data: name of the JSON file by which an earlier output is known.
        writer: the command, as the file names it.

    Raises:
        ConfigError: it cannot be written to, is no folder, or its `data` was written by something else.
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
        if (target / data).exists() and _writer(target / data) != writer:
            raise ConfigError(f"{target / data} was not written by `{writer}`; give a new or an empty folder as --out")
        probe = place / f".writable.{os.getpid()}"
        atomic_write(probe, b"")
        probe.unlink()
    except (OSError, ValueError) as error:
        raise unwritable(target, error) from error
    return target


def write(folder: Path, files: Mapping[str, str | bytes]) -> list[Path]:
    """Write the files into a folder made if it is not there (mode 0700).

    Raises:
        ConfigError: it cannot be written to.
        CapacityError: the disk is full.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            atomic_write(folder / name, content)
    except OSError as error:
        raise unwritable(folder, error) from error
    return [folder / name for name in files]


def document(value: Mapping[str, Any], writer: str) -> str:
    """The text of a JSON file of ours."""
    return json.dumps({WRITER: writer, **value}, ensure_ascii=True, allow_nan=False, indent=1) + "\n"


def unwritable(folder: Path, error: OSError | ValueError) -> CapacityError | ConfigError:
    """The error of ours for one of the file system."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CapacityError(f"the disk of {folder} is full; make room, or give another --out")
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return ConfigError(f"the output folder {folder} cannot be written ({reason}); give another --out")


def _writer(path: Path) -> str:
    try:
        found = json.loads(path.read_bytes())
        return str(found[WRITER]) if isinstance(found, dict) and WRITER in found else ""
    except (OSError, ValueError, RecursionError):
        return ""
