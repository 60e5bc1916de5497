"""Output: what a run of `headrace watch` writes into its folder, within its budget."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from headrace.apps import thumbnail
from headrace.apps.folder import (
    CAPTIONS,
    EVENTS,
    INSIDE,
    MEMORY,
    REPORT,
    STATE,
    THUMBNAILS,
    TIMELINE,
    TRACE,
    Folder,
)
from headrace.apps.result import EventMark, Evidence, Result
from headrace.core.errors import CapacityError, ConfigError
from headrace.core.files import atomic_write
from headrace.core.frame import Frame
from headrace.core.stateful import Snapshot, load, save
from headrace.core.trace import Trace
from headrace.understanding.observations import ObservationMemory

#: Shares of the disk budget; the rest is for the memory and the reports.
TRACE_SHARE, THUMBNAIL_SHARE, STATE_SHARE = 0.25, 0.25, 0.3
#: The memory, its list of what was seen and its rows in the report fit if its budget is this share at most.
MEMORY_SHARE = 1 / 16
#: The least disk budget in bytes: below it the report does not fit.
LEAST_DISK = 2_000_000


class Output:
    """A folder in which a run never takes more than its budget.

    Args:
        folder: held by this run.
        disk: bytes; the oldest thumbnails and the older half of the trace make room.

    Raises:
        ConfigError: the budget is below `LEAST_DISK`.
    """

    def __init__(self, folder: Folder, disk: int) -> None:
        memory_share(disk)
        self.folder, self._disk = folder, disk
        pictures = (folder / THUMBNAILS).glob(INSIDE[THUMBNAILS])
        found = sorted((path.stat().st_mtime, path, path.stat().st_size) for path in pictures)
        self._thumbnails = deque((path, size) for _, path, size in found)
        self._held = sum(size for _, size in self._thumbnails)

    def trace(self, header: Mapping[str, object], *, resume: bool = False) -> Trace:
        """The run's trace."""
        return Trace(self.folder / TRACE, header, max_bytes=int(self._disk * TRACE_SHARE), resume=resume)

    def thumbnail(self, name: str, frame: Frame) -> str:
        """Keep a small picture of a frame; returns its name relative to the folder."""
        data = thumbnail.jpeg(thumbnail.shrink(frame.rgb()))
        path = self.folder / THUMBNAILS / f"{name}.jpg"
        known = path.exists()
        try:
            atomic_write(path, data)
            if not known:
                self._thumbnails.append((path, len(data)))
                self._held += len(data)
            while self._held > self._disk * THUMBNAIL_SHARE:
                self._drop_oldest()
        except OSError as error:
            raise refused(path, error) from error
        return f"{THUMBNAILS}/{path.name}"

    def save(self, number: int, state: Snapshot, parts: int) -> bool:
        """Save the state of session `number` of `parts`; False, and nothing is done, if the budget has no room."""
        from safetensors import SafetensorError

        if state.nbytes() > self._disk * STATE_SHARE / (2 * parts):  # the old one stays until the new one is whole
            return False
        path = self.folder / STATE / f"{number}.safetensors"
        try:
            save(path, state)
        except (OSError, SafetensorError) as error:
            raise refused(path, error) from error
        return True

    def saved(self, number: int) -> Snapshot | None:
        """The last saved state of session `number`, None if there is none; StateError if it is damaged."""
        path = self.folder / STATE / f"{number}.safetensors"
        return load(path) if path.is_file() else None

    def remove(self, name: str) -> None:
        """Remove a thumbnail; `name` as `thumbnail` gave it."""
        for at, (path, size) in enumerate(self._thumbnails):
            if name == f"{THUMBNAILS}/{path.name}":
                del self._thumbnails[at]
                path.unlink(missing_ok=True)
                self._held -= size
                return

    def clear_thumbnails(self) -> None:
        """Remove all."""
        while self._thumbnails:
            self._drop_oldest()

    def finish(self, result: Result, memories: Sequence[ObservationMemory]) -> Path:
        """Write the memories, the result and the reports; returns the path of the report.

        The report holds its pictures itself, so thumbnails make room for it. In `result`, the names of
        those that are no longer there are removed. `events.json` is written last: with it the run is finished.
        """
        from safetensors import SafetensorError

        from headrace.apps.captions import write_captions
        from headrace.apps.report import write_report
        from headrace.apps.timeline import write_timeline

        folder = self.folder
        try:
            self._forget(result)
            for number, memory in enumerate(memories):
                save(folder / MEMORY / f"{number}.safetensors", memory.snapshot())
            write_timeline(result, folder / TIMELINE)
            write_captions(result, folder / CAPTIONS)
            report = write_report(result, folder.path, folder / REPORT)
            if self._make_room(len(result.to_json())):
                self._forget(result)
                if not self._thumbnails:
                    report = write_report(result, folder.path, folder / REPORT)
            result.save(folder / EVENTS)
            return report
        except (OSError, SafetensorError) as error:
            raise refused(folder.path, error) from error

    def _drop_oldest(self) -> None:
        path, size = self._thumbnails.popleft()
        path.unlink(missing_ok=True)
        self._held -= size

    def _make_room(self, coming: int) -> bool:
        """Drop thumbnails until the folder is within its budget or none is left; whether any was dropped."""
        others, before = sum(path.stat().st_size for path in self.folder.files()), len(self._thumbnails)
        while self._held + others + coming > self._disk and self._thumbnails:
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


def refused(path: Path, error: Exception) -> CapacityError:
    """The error for a file that the disk does not take."""
    reason = getattr(error, "strerror", None) or error
    return CapacityError(f"{path} cannot be written: {reason}; free some space or give another --out")
