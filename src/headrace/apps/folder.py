"""Folder: the place that a run writes to, held by one run at a time."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from headrace.core.errors import ConfigError
from headrace.core.files import atomic_write

RUN, TRACE, EVENTS = "run.json", "trace.jsonl", "events.json"
STATE, MEMORY, THUMBNAILS = "state", "memory", "thumbnails"
REPORT, TIMELINE, CAPTIONS = "report.html", "timeline.png", "captions.vtt"
LOCK = ".lock"

#: What a run writes into the folder itself.
FILES = (RUN, TRACE, f"{TRACE}.1", EVENTS, REPORT, TIMELINE, CAPTIONS)
#: What a run writes into folders inside it.
INSIDE = {STATE: "[0-9]*.safetensors", MEMORY: "[0-9]*.safetensors", THUMBNAILS: f"{'[0-9a-f]' * 16}.jpg"}

#: How the name of a file ends that is being written, see `atomic_path`.
HALF = "[0-9a-f]" * 8


class Folder:
    """A folder private to its owner (mode 0700), made if it is not there.

    Args:
        path: the folder.
        resume: leave what an earlier run wrote; else that is removed, and nothing else.

    Raises:
        ConfigError: it cannot be made or written to, another run is writing to it, or it holds files and no run.
    """

    def __init__(self, path: str | os.PathLike[str], *, resume: bool = False) -> None:
        self.path = Path(path)
        self._lock: IO[bytes] | None = None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._expect_ours()
            self._lock = _locked(self.path / LOCK)
            self.path.chmod(0o700)
            for name in INSIDE:
                (self.path / name).mkdir(mode=0o700, exist_ok=True)
            self._sweep()
            if not resume:
                self.clear()
            atomic_write(self.path / ".writable", b"")
            (self.path / ".writable").unlink()
        except OSError as error:
            self.release()
            raise ConfigError(
                f"the output folder {self.path} cannot be written ({error.strerror or error}); give another --out"
            ) from error

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def files(self) -> list[Path]:
        """All files of the run that are there, but for thumbnails."""
        found = [path for name in FILES if (path := self.path / name).is_file()]
        return found + [path for name in (STATE, MEMORY) for path in sorted((self.path / name).glob(INSIDE[name]))]

    def clear(self, *names: str) -> None:
        """Remove the files of those names, or of those folders; all that a run writes if none is named."""
        for name in names or (*INSIDE, *reversed(FILES)):  # while some is left, it is known whose it is
            if name in INSIDE:
                for old in (self.path / name).glob(INSIDE[name]):
                    old.unlink(missing_ok=True)
            else:
                (self.path / name).unlink(missing_ok=True)

    def release(self) -> None:
        """Let other runs have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _sweep(self) -> None:
        """Remove what a run that died while it wrote left beside the files."""
        for name in (*FILES, ".writable"):
            for left in self.path.glob(f".{name}.{HALF}"):
                left.unlink(missing_ok=True)
        for name in INSIDE:
            for left in (self.path / name).glob(f".*.{HALF}"):
                left.unlink(missing_ok=True)

    def _expect_ours(self) -> None:
        """Refuse a folder that holds somebody else's files."""
        held = sorted(path for path in self.path.iterdir() if path.name not in (".DS_Store", "lost+found"))
        if held and not any((self.path / name).is_file() for name in (RUN, LOCK)) and not _ours(self.path / TRACE):
            raise ConfigError(f"{held[0]} was not written by `headrace watch`; give a new or an empty folder as --out")


def being_written(path: Path) -> bool:
    """Whether a run is writing to this folder now."""
    try:
        with (path / LOCK).open("rb") as lock:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    return False


def _locked(path: Path) -> IO[bytes]:
    """The file, locked until it is closed, also by the death of the process."""
    file = path.open("ab")
    with suppress(ImportError):
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ConfigError(f"{path.parent} is being written by another run; give another --out") from None
    return file


def _ours(trace: Path) -> bool:
    """Whether a file begins as a trace does."""
    try:
        with trace.open("rb") as file:
            head = json.loads(file.readline(1 << 20))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(head, dict) and head.get("type") == "header" and "library" in head
