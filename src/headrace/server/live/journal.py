"""Journal: what the server remembers of its durable sessions, on disk, readable by its owner alone.

A session is two files: `ID.json` says whose it is and what was asked of it for good; `ID.jsonl` has its last emissions
and the replies that were asked for, a line each, flushed to the disk before anybody sees what they say.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from headrace.core.errors import InputError
from headrace.core.files import atomic_write, fsync
from headrace.server.live.emission import Emission


class Journal:
    """The lines of one session. One thread writes at a time.

    Args:
        path: of the file; made when something is written.
        most: lines after which it is written anew with what is kept.
    """

    def __init__(self, path: Path, most: int) -> None:
        self.path, self.most = path, most
        self._count = 0

    @staticmethod
    def line(value: dict[str, Any]) -> str:
        """A value as it is written."""
        return json.dumps(value, separators=(",", ":")) + "\n"

    def read(self) -> list[dict[str, Any]]:
        """All lines; a last one that was cut by a crash is dropped from the file too."""
        lines: list[dict[str, Any]] = []
        if not self.path.is_file():
            return lines
        whole = 0
        data = self.path.read_bytes()
        for line in data.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            try:
                value = json.loads(line)
            except ValueError:
                break
            if not isinstance(value, dict):
                break
            lines.append(value)
            whole += len(line)
        if whole < len(data):
            os.truncate(self.path, whole)
        self._count = len(lines)
        return lines

    def full(self, more: int) -> bool:
        """Whether so many lines more are too many."""
        return self._count + more > self.most

    def write(self, lines: Sequence[str], kept: Sequence[Emission] | None = None) -> None:
        """Append lines and return when they are on the disk; with `kept`, these emissions instead of all before.

        Lines that ask for a reply which no emission of `kept` ends are written behind them.
        """
        if kept is not None:
            ended = {emission.cause for emission in kept if emission.kind == "reply"}
            asked = [line for line in self.read() if "reply" in line and line["reply"]["id"] not in ended]
            asked += [line for line in map(json.loads, lines) if "reply" in line and line["reply"]["id"] not in ended]
            emissions = [{"emission": emission.short()} for emission in kept]
            atomic_write(self.path, "".join(map(self.line, [*emissions, *asked])))
            self.path.chmod(0o600)
            self._count = len(kept) + len(asked)
            return
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab") as file:
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())
        self._count += len(lines)


class Journals:
    """The folder of a server's durable sessions.

    Raises:
        InputError: it cannot be made or written.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self.keep = folder, keep
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        except OSError as error:
            raise InputError(f"{folder}: {error.strerror}; give a folder that can be written") from error

    def journal(self, session: str) -> Journal:
        """The journal of a session."""
        return Journal(self.folder / f"{session}.jsonl", 2 * self.keep)

    def save(self, session: str, facts: dict[str, Any]) -> None:
        """Write whose a session is and what was asked of it."""
        path = self.folder / f"{session}.json"
        atomic_write(path, json.dumps(facts, indent=1) + "\n")
        path.chmod(0o600)

    def names(self) -> set[str]:
        """Of all sessions that were saved, be it that their file is damaged."""
        return {path.stem for path in self.folder.glob("[0-9a-f]*.json")}

    def load(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every session that was saved, and what of it; nothing where its file is damaged."""
        for path in sorted(self.folder.glob("[0-9a-f]*.json")):
            facts = None
            with suppress(ValueError, OSError):
                facts = json.loads(path.read_text(encoding="utf-8"))
            yield path.stem, facts if isinstance(facts, dict) else {}

    def forget(self, session: str) -> None:
        """Remove all of a session."""
        for name in (f"{session}.json", f"{session}.jsonl"):
            (self.folder / name).unlink(missing_ok=True)
        fsync(self.folder)
