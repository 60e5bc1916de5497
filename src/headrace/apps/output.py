"""Output: the folder that a run of `headrace watch` writes."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from headrace.apps import thumbnail
from headrace.apps.result import EventMark, Evidence, Result
from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.core.files import atomic_write
from headrace.core.frame import Frame
from headrace.core.stateful import load, save
from headrace.core.trace import Trace
from headrace.understanding.meaning import Encoder
from headrace.understanding.memory import SMALLEST, ObservationMemory

TRACE, EVENTS, MEMORY = "trace.jsonl", "events.json", "memory.safetensors"
REPORT, TIMELINE, THUMBNAILS = "report.html", "timeline.png", "thumbnails"
#: Shares of the disk budget; the rest is for the memory and the reports.
TRACE_SHARE, THUMBNAIL_SHARE = 0.25, 0.5
#: The memory, its list of what was seen and its rows in the report fit if its budget is this share at most.
MEMORY_SHARE = 1 / 16
#: The least disk budget in bytes: below it the report does not fit.
LEAST_DISK = 2_000_000


class Output:
    """A folder, private to its owner, in which a run never takes more than its budget.

    Args:
        folder: made (mode 0700) if it is not there; what an earlier run left in it is replaced.
        disk: bytes; the oldest thumbnails and the older half of the trace make room.

    Raises:
        ConfigError: the budget is below `LEAST_DISK`, or the folder cannot be made or written to.
    """

    def __init__(self, folder: str | os.PathLike[str], disk: int) -> None:
        memory_share(disk)
        self.folder, self._disk = Path(folder), disk
        self._thumbnails: deque[tuple[Path, int]] = deque()
        self._held = 0
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            pictures = self.folder / THUMBNAILS
            pictures.mkdir(mode=0o700, exist_ok=True)
            for old in (*pictures.glob(f"{'[0-9a-f]' * 16}.jpg"), *self._files()):
                old.unlink(missing_ok=True)
            atomic_write(self.folder / ".writable", b"")
            (self.folder / ".writable").unlink()
        except OSError as error:
            raise ConfigError(
                f"the output folder {self.folder} cannot be written ({error.strerror or error}); give another --out"
            ) from error

    def trace(self, header: dict[str, object]) -> Trace:
        """The run's trace."""
        return Trace(self.folder / TRACE, header, max_bytes=int(self._disk * TRACE_SHARE))

    def thumbnail(self, name: str, frame: Frame) -> str:
        """Keep a small picture of a frame; returns its name relative to the folder."""
        data = thumbnail.jpeg(thumbnail.shrink(frame.rgb()))
        path = self.folder / THUMBNAILS / f"{name}.jpg"
        try:
            atomic_write(path, data)
            self._thumbnails.append((path, len(data)))
            self._held += len(data)
            while self._held > self._disk * THUMBNAIL_SHARE:
                self._drop_oldest()
        except OSError as error:
            raise _refused(path, error) from error
        return f"{THUMBNAILS}/{path.name}"

    def finish(self, result: Result, memory: ObservationMemory) -> Path:
        """Write the memory, the result and the reports; returns the path of the report.

        The report holds its pictures itself, so thumbnails make room for it. In `result`, the names of
        those that are no longer there are removed.
        """
        from safetensors import SafetensorError

        from headrace.apps.report import write_report
        from headrace.apps.timeline import write_timeline

        try:
            self._forget(result)
            save(self.folder / MEMORY, memory.snapshot())
            result.save(self.folder / EVENTS)
            write_timeline(result, self.folder / TIMELINE)
            report = write_report(result, self.folder, self.folder / REPORT)
            if self._make_room():
                self._forget(result)
                result.save(self.folder / EVENTS)
                if not self._thumbnails:
                    report = write_report(result, self.folder, self.folder / REPORT)
            return report
        except (OSError, SafetensorError) as error:
            raise _refused(self.folder, error) from error

    def _files(self) -> list[Path]:
        """Everything a run writes but thumbnails."""
        names = (TRACE, f"{TRACE}.1", EVENTS, MEMORY, REPORT, TIMELINE)
        return [path for path in map(self.folder.joinpath, names) if path.is_file()]

    def _drop_oldest(self) -> None:
        path, size = self._thumbnails.popleft()
        path.unlink(missing_ok=True)
        self._held -= size

    def _make_room(self) -> bool:
        """Drop thumbnails until the folder is within its budget or none is left; whether any was dropped."""
        others, before = sum(path.stat().st_size for path in self._files()), len(self._thumbnails)
        while self._held + others > self._disk and self._thumbnails:
            self._drop_oldest()
        return len(self._thumbnails) < before

    def _forget(self, result: Result) -> None:
        """Remove the names of thumbnails that are no longer there."""
        holders: list[EventMark | Evidence] = list(result.events)
        holders += [proof for made in result.answers for proof in made.evidence]
        holders += [proof for made in result.alerts for proof in made.evidence]
        for holder in holders:
            if holder.thumbnail is not None and not (self.folder / holder.thumbnail).is_file():
                holder.thumbnail = None


def memory_share(disk: int) -> int:
    """Bytes of memory that a disk budget leaves room for; ConfigError if it is below `LEAST_DISK`."""
    if disk < LEAST_DISK:
        raise ConfigError(f"a disk budget of {disk} bytes is too small for a report; give at least {LEAST_DISK}")
    return int(disk * MEMORY_SHARE)


def recall(folder: str | os.PathLike[str], encoder: Encoder | None = None) -> tuple[ObservationMemory, Result]:
    """The memory and the result that a run left in a folder; with an encoder it also finds by meaning.

    Raises:
        InputError: there is no folder, or no run has finished in it.
        StateError: the memory is damaged or of a newer headrace.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{path} is no folder; give the --out of a run of `headrace watch`")
    if not (path / MEMORY).is_file() or not (path / EVENTS).is_file():
        raise InputError(f"{path} holds no finished run ({MEMORY} and {EVENTS}); run `headrace watch --out {path}`")
    result = Result.load(path / EVENTS)
    snapshot = load(path / MEMORY)
    memory = ObservationMemory(max(result.run.budget_bytes, snapshot.nbytes(), SMALLEST), encoder)
    try:
        memory.restore(snapshot)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{path / MEMORY} is damaged; run `headrace watch --out {path}` again") from error
    return memory, result


def _refused(path: Path, error: Exception) -> CapacityError:
    reason = getattr(error, "strerror", None) or error
    return CapacityError(f"{path} cannot be written: {reason}; free some space or give another --out")
