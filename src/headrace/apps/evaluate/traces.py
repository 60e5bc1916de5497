"""traces: one file a stream, and whether it is that of a run that came to its end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from headrace.apps.evaluate.folder import unwritable
from headrace.core.errors import ConfigError, InputError
from headrace.core.item import Emission
from headrace.core.trace import Trace, read_trace
from headrace.evaluation.replay import emissions

#: Folder below `--out`.
TRACES = "traces"
#: Fields of a header that the library sets itself.
_OWN = ("type", "format", "library")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Traces:
    """The traces of one run, below its folder.

    Args:
        folder: of the run.
        given: what every stream is run with; a trace that was made with something else is refused.
        tasks: a digest of what is asked of each stream.
    """

    def __init__(self, folder: Path, given: Mapping[str, Any], tasks: Mapping[str, str]) -> None:
        self._folder, self._given, self._tasks = folder / TRACES, dict(given), dict(tasks)

    def path(self, stream: str) -> Path:
        """A stream's file: what of its id can stand in a name, and a hash of all of it."""
        plain = _UNSAFE.sub("_", stream)[:60].strip("._") or "stream"
        return self._folder / f"{plain}-{blake2b(stream.encode(), digest_size=4).hexdigest()}.jsonl"

    def whole(self, stream: str) -> bool:
        """Whether the stream has been run to its end without a fault.

        Raises:
            ConfigError: its trace was made with something else, or is none.
        """
        last: dict[str, Any] = {}
        path = self.path(stream)
        if not path.exists():
            return False
        try:
            for number, record in enumerate(read_trace(path)):
                if number == 0:
                    self._expect(path, stream, record)
                last = record
        except InputError as error:
            if last:  # damaged behind its header: it is ours, and is made again
                return False
            raise ConfigError(f"{error}; give a new or an empty folder as --out") from None
        return last["type"] == "end" and not last.get("fault")

    @contextmanager
    def writing(self, stream: str) -> Iterator[Trace]:
        """A new trace in place of what was there; it has its end only if the caller writes it."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self._folder, error) from error
        trace = Trace(self.path(stream), self._header(stream))
        try:
            yield trace
        finally:
            trace.close()

    def said(self, stream: str) -> list[Emission]:
        """What left on a stream, in order."""
        return emissions(self.path(stream))

    def steps(self, streams: Iterable[str]) -> list[int]:
        """What each step on the streams took, ns."""
        return [
            record["t1"] - record["t0"]
            for stream in streams
            for record in read_trace(self.path(stream))
            if record["type"] == "step"
        ]

    def _header(self, stream: str) -> dict[str, Any]:
        return {"stream": stream, "tasks": self._tasks[stream], **self._given}

    def _expect(self, path: Path, stream: str, header: Mapping[str, Any]) -> None:
        found = {key: value for key, value in header.items() if key not in _OWN}
        wanted = json.loads(json.dumps(self._header(stream)))
        if found == wanted:
            return
        other = sorted(key for key in found.keys() | wanted.keys() if found.get(key) != wanted.get(key))
        raise ConfigError(
            f"{path} was made with another {' and '.join(other)}; give another --out, or the same options"
        )
