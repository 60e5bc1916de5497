"""recall: what a run has left on disk, finished or not."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from headrace.apps.folder import EVENTS, MEMORY, RUN, STATE, TRACE, being_written
from headrace.apps.manifest import Manifest
from headrace.apps.redo import acknowledged, observation, since
from headrace.apps.result import Result
from headrace.core.errors import InputError, StateError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot, load
from headrace.understanding.meaning import Encoder
from headrace.understanding.observations import ObservationMemory

#: Bytes of a recalled memory: what is recalled is not forgotten again; the files that it comes from bound it.
AMPLE = 1 << 50


@dataclass(slots=True)
class Recall:
    """What a folder knows.

    Attributes:
        folder: the --out of a run.
        memories: by name of the source.
        reached: media time in ns that each source has reached.
        running: the run is still being written.
        result: what a finished run found; None for one that runs or was broken off.
    """

    folder: Path
    memories: dict[str, ObservationMemory] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    running: bool = False
    result: Result | None = None

    @property
    def now(self) -> int:
        """The furthest that a source has reached, ns."""
        return max(self.reached.values(), default=0)


def recall(folder: str | os.PathLike[str], encoder: Encoder | None = None) -> Recall:
    """What a run has left in a folder; with an encoder it also finds by meaning.

    Of a run that has not finished, everything it has acknowledged is there: its last saved state, and from
    its trace what came after.

    Raises:
        InputError: there is no folder, or no run has written to it.
        StateError: what it has written is damaged or of a newer headrace.
    """
    path = Path(folder)
    if not path.is_dir():
        raise InputError(f"{path} is no folder; give the --out of a run of `headrace watch`")
    if not (path / RUN).is_file():
        raise InputError(f"{path} holds no run; give the --out of a run, or run `headrace watch --out {path}`")
    names = [given.name for given in Manifest.load(path / RUN).sources]
    running = being_written(path)
    if not running and (path / EVENTS).is_file():
        return _finished(path, names, encoder)
    found = Recall(path, running=running)
    records = acknowledged(path / TRACE)
    for number, name in enumerate(names):
        file = path / STATE / f"{number}.safetensors"
        mark = 0
        if file.is_file():
            state = load(file)
            mark, found.reached[name] = _saved(state, file)
            found.memories[name] = remember(state.part("record").part("memory"), encoder, file)
        else:
            found.memories[name] = ObservationMemory(AMPLE, encoder)
        memory = found.memories[name]
        for record in since(records, name, mark):
            found.reached[name] = max(found.reached.get(name, 0), record["t_input"])
            row = observation(record)
            if row is not None:
                memory.write(row)
    return found


def remember(snapshot: Snapshot, encoder: Encoder | None, file: Path) -> ObservationMemory:
    """The memory of a snapshot; StateError, naming `file`, if that is damaged."""
    memory = ObservationMemory(AMPLE, encoder)
    try:
        memory.restore(snapshot)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{file} is damaged; watch again") from error
    return memory


def _finished(path: Path, names: list[str], encoder: Encoder | None) -> Recall:
    result = Result.load(path / EVENTS)
    reached = {source.name: round(source.watched_s * SECOND) for source in result.sources}
    found = Recall(path, reached=reached, result=result)
    for number, name in enumerate(names):
        file = path / MEMORY / f"{number}.safetensors"
        found.memories[name] = remember(load(file), encoder, file)
    return found


def _saved(state: Snapshot, file: Path) -> tuple[int, int]:
    """The number of a saved state, and the media time in ns that it reached."""
    try:
        number = state.expect("session").meta["own"]["number"]
        media = state.part("record").meta["own"]["tally"]["media"]
        return int(number), int(media)
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"{file} is damaged; watch again") from error
