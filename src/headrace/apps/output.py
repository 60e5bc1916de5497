"""Output: the folder that a run of `headrace watch` writes."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from headrace.apps.result import Result
from headrace.core.errors import CapacityError, ConfigError, InputError
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
#: Width of a thumbnail in pixels.
WIDTH = 320


class Output:
    """A folder, private to its owner, that never grows beyond its budget.

    Args:
        folder: made (mode 0700) if it is not there; what an earlier run left in it is replaced.
        disk: bytes; the oldest thumbnails and the older half of the trace make room.

    Raises:
        ConfigError: the folder cannot be made or written to.
    """

    def __init__(self, folder: str | os.PathLike[str], disk: int) -> None:
        self.folder, self._disk = Path(folder), disk
        self._thumbnails: deque[tuple[Path, int]] = deque()
        self._held = 0
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            pictures = self.folder / THUMBNAILS
            pictures.mkdir(mode=0o700, exist_ok=True)
            for old in (*pictures.glob("*.jpg"), *self.folder.glob(f"{TRACE}*")):
                old.unlink()
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
        import cv2

        height = max(1, round(frame.height * WIDTH / max(1, frame.width)))
        bgr = cv2.cvtColor(frame.rgb(), cv2.COLOR_RGB2BGR)
        ok, data = cv2.imencode(".jpg", cv2.resize(bgr, (WIDTH, height), interpolation=cv2.INTER_AREA))
        if not ok:
            raise InputError(f"a frame of {frame.width}x{frame.height} cannot be made a thumbnail")
        path = self.folder / THUMBNAILS / f"{name}.jpg"
        try:
            atomic_write(path, data.tobytes())
            self._thumbnails.append((path, data.nbytes))
            self._held += data.nbytes
            while self._held > self._disk * THUMBNAIL_SHARE and len(self._thumbnails) > 1:
                old, size = self._thumbnails.popleft()
                old.unlink(missing_ok=True)
                self._held -= size
        except OSError as error:
            raise _refused(path, error) from error
        return f"{THUMBNAILS}/{path.name}"

    def has(self, thumbnail: str | None) -> bool:
        """Whether a thumbnail is still there."""
        return thumbnail is not None and (self.folder / thumbnail).is_file()

    def finish(self, result: Result, memory: ObservationMemory) -> Path:
        """Write the memory, the result and the reports; returns the path of the report."""
        from headrace.apps.report import write_report
        from headrace.apps.timeline import write_timeline

        try:
            save(self.folder / MEMORY, memory.snapshot())
            result.save(self.folder / EVENTS)
            write_timeline(result, self.folder / TIMELINE)
            return write_report(result, self.folder, self.folder / REPORT)
        except OSError as error:
            raise _refused(self.folder, error) from error


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
    memory.restore(snapshot)
    return memory, result


def _refused(path: Path, error: OSError) -> CapacityError:
    return CapacityError(f"{path} cannot be written: {error.strerror or error}; free some space or give another --out")
