"""Trace: the append-only record (JSON lines) from which every metric is computed.

One object a line; `type` says which:

| type | fields |
|---|---|
| header | format, library, stream, clock, seed, …: whatever the run was given; always the first line of a file |
| in | t, source, kind, pts: an item entered |
| step | t0, t1, stage, source, pts, out: a worker ran on one item and made `out` outputs |
| emit | the fields of `Emission`: something left |
| mark | source, number: the state of a session was saved; what follows is not in it |
| resume | t: the run was taken up again after a crash; clock times begin anew |
| end | t, drops {edge: {count, by, first_pts, last_pts}}, errors {operator: count}, …: the run is over |

All times are integers in ns; `t*` are clock times, `pts`, `start`, `end`, `t_input` media times.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from headrace.core.errors import CapacityError, InputError
from headrace.core.files import fsync
from headrace.core.item import Emission, Item

#: Version of the trace; a newer one is refused.
FORMAT = 1
_ENCODE = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_EMISSION = tuple(Emission.__dataclass_fields__)
TYPES = frozenset({"header", "in", "step", "emit", "mark", "resume", "end"})


class Trace:
    """Writes a trace file; the writer is the event loop's thread alone.

    Args:
        path: created or truncated, or with `resume` continued; its folder must exist.
        header: what the run was given (JSON-serialisable); no wall-clock times, so that equal runs
            give equal bytes.
        max_bytes: of this file and the one before it together. Before a record that would not fit in half
            of it, the file becomes `NAME.1` (replacing an older one) and a new one begins with the same
            header. None: unbounded.
        resume: go on behind the records of an earlier run; a last line cut short by its crash is removed.

    Raises:
        CapacityError: from any method, if the disk refuses (full, gone) or one record alone passes the bound. Once the
            disk has refused, every later write is refused too: nothing is acknowledged that is not there.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        header: Mapping[str, Any] | None = None,
        *,
        max_bytes: int | None = None,
        resume: bool = False,
    ) -> None:
        from headrace.version import __version__

        self.path = Path(path)
        self._half = max_bytes // 2 if max_bytes is not None else None
        self._header = {"type": "header", "format": FORMAT, "library": __version__, **(header or {})}
        self._written = self._header_bytes = 0
        self._file: BinaryIO | None = None
        self._failed: OSError | None = None
        if not (resume and self._continue()):
            self._open()

    def item(self, t: int, item: Item) -> None:
        """An item entered at clock time `t`."""
        self._write({"type": "in", "t": t, "source": item.source, "kind": item.kind, "pts": item.pts})

    def step(self, stage: str, t0: int, t1: int, item: Item, out: int) -> None:
        """A worker ran."""
        self._write(
            {
                "type": "step",
                "t0": t0,
                "t1": t1,
                "stage": stage,
                "source": item.source,
                "pts": item.pts,
                "out": out,
            }
        )

    def emit(self, emission: Emission) -> None:
        """Something left. It is acknowledged once `sync` has returned."""
        self._write({"type": "emit", **{name: getattr(emission, name) for name in _EMISSION}})

    def mark(self, source: str, number: int) -> None:
        """The state of a session is being saved, for the `number`-th time."""
        self._write({"type": "mark", "source": source, "number": number})

    def resume(self, t: int) -> None:
        """The run goes on after a crash."""
        self._write({"type": "resume", "t": t})

    def rotate(self) -> None:
        """Begin a new file; the present one becomes `NAME.1`, the one before it is gone."""
        if self._file is not None and self._written > self._header_bytes:
            self._begin_anew()

    def end(self, t: int, **figures: Any) -> None:
        """The run is over."""
        self._write({"type": "end", "t": t, **figures})

    def sync(self) -> None:
        """Return once everything written so far is on the disk."""
        if self._failed is not None:
            raise self._refused(self._failed)
        if self._file is not None:
            try:
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise self._refused(error) from error

    def close(self) -> None:
        if self._file is not None:
            try:
                self.sync()
            finally:
                file, self._file = self._file, None
                with suppress(OSError):  # what `sync` could not write, this cannot either
                    file.close()

    def _open(self) -> None:
        try:
            self._file = self.path.open("wb")
            fsync(self.path.parent)
        except OSError as error:
            raise self._refused(error) from error
        self._written = 0
        self._write(self._header)
        self._header_bytes = self._written

    def _continue(self) -> bool:
        """Open the file there is behind its last whole line; False if there is none."""
        try:
            self._file = self.path.open("r+b")
            whole = 0
            for line in self._file:
                if line.endswith(b"\n"):
                    whole += len(line)
            if not whole:
                self._file.close()
                return False
            self._file.truncate(whole)
            self._file.seek(whole)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._refused(error) from error
        self._written = whole
        self._header_bytes = len(_ENCODE(self._header).encode()) + 1
        return True

    def _write(self, record: Mapping[str, Any]) -> None:
        if self._failed is not None:  # what the disk refused once is not whole any more
            raise self._refused(self._failed)
        if self._file is None:
            return
        line = (_ENCODE(record) + "\n").encode()
        if self._half is not None and self._written + len(line) > self._half:
            self._rotate(len(line))
        try:
            self._file.write(line)
        except OSError as error:
            raise self._refused(error) from error
        self._written += len(line)

    def _rotate(self, coming: int) -> None:
        """Make room for a line of `coming` bytes."""
        if self._half is not None and self._header_bytes + coming > self._half:
            raise CapacityError(
                f"the trace {self.path} keeps {2 * self._half} bytes, a record of {coming} does not fit in half of it"
            )
        if self._written > self._header_bytes:
            self._begin_anew()

    def _begin_anew(self) -> None:
        self.close()
        try:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
            fsync(self.path.parent)
        except OSError as error:
            raise self._refused(error) from error
        self._open()

    def _refused(self, error: OSError) -> CapacityError:
        self._failed = error
        return CapacityError(f"the trace {self.path} cannot be written: {error.strerror or error}")


def read_trace(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The records of a trace file, header first. A last line cut short by a crash is left out.

    Raises:
        InputError: the file is missing, is not a trace, is of a newer format, or has a damaged
            line before its last.
    """
    name = Path(path)
    try:
        lines = name.open("rb")
    except OSError as error:
        raise InputError(f"trace {name}: {error.strerror or error}") from error
    with lines:
        damaged = number = 0
        for number, line in enumerate(lines, 1):
            if damaged:
                raise InputError(f"trace {name}, line {damaged}: not a record")
            try:
                record = json.loads(line)
                known = isinstance(record, dict) and record.get("type") in TYPES and line.endswith(b"\n")
            except (ValueError, TypeError, RecursionError):
                known = False
            if not known:
                damaged = number
                continue
            if number == 1:
                if record["type"] != "header" or not isinstance(record.get("format"), int):
                    raise InputError(f"{name} is not a headrace trace: its first line is no header")
                if record["format"] > FORMAT:
                    raise InputError(f"trace {name} has format {record['format']}; this headrace reads up to {FORMAT}")
            yield record
        if number == 0 or damaged == 1:
            raise InputError(f"{name} is not a headrace trace: its first line is no header")
