"""Runs of watch that are killed, each in a process of its own.

They die after so many file operations, never seconds: what has happened by then is the same on a busy machine.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from headrace.apps.folder import EVENTS, RUN, TRACE
from headrace.apps.options import Options
from headrace.apps.redo import acknowledged
from headrace.core.item import SECOND

#: What the processes import once, before they are forked off.
PRELOAD = ["headrace.apps.watch", "headrace.apps.run", "headrace.media.listen", "headrace.understanding.reader"]
#: File operations that CPython announces; each is a place to die at.
OPERATIONS = frozenset({"open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "os.chmod"})


@dataclass(frozen=True)
class Death:
    """When a run dies.

    Attributes:
        operation: at which file operation inside its folder (from 1), an fsync among them; 0 for never.
        file: when a file of such a name is opened; "" for never.
        by: the signal.
        room: bytes that a file may have, as on a disk that fills up; 0 for no limit.
    """

    operation: int = 0
    file: str = ""
    by: signal.Signals = signal.SIGKILL
    room: int = 0


@dataclass(frozen=True)
class Feed:
    """What is watched: made in the process that watches it.

    Attributes:
        address: a file.
        live: as if a camera showed it.
    """

    address: str
    live: bool = False


def context() -> ForkServerContext:
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(PRELOAD)
    return made


def watched(feed: Feed, options: Options, death: Death) -> tuple[int, int]:
    """Watch in a process of its own: its exit code (negative: the signal), and the operations it came to."""
    spawn = context()
    told = spawn.Value("i", 0)
    process = spawn.Process(target=_watch, args=(feed, options, death, told))
    process.start()
    process.join(150)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError("a run hangs")
    return process.exitcode, told.value


def crash_and_resume(feed: Feed, options: Options, deaths: list[Death]) -> int:
    """Die each of the deaths, resuming in between, then run to the end; the number of times it died."""
    died, folder = 0, Path(str(options.out))
    for death in deaths:
        code, _ = watched(feed, replace(options, resume=(folder / RUN).is_file()), death)
        assert code == 1 if death.room else code in (0, -signal.SIGKILL), code
        died += code != 0
        if code == 0:
            break
    code, _ = watched(feed, replace(options, resume=(folder / RUN).is_file()), Death())
    assert code == 0, code
    return died


def emitted(folder: Path) -> list[dict[str, Any]]:
    """What the run acknowledged, in all its lives."""
    return [record for record in acknowledged(folder / TRACE) if record["type"] == "emit"]


def said(folder: Path) -> list[tuple[str, ...]]:
    """The same without the times of the clock, in the order of ids."""
    keys = ("id", "kind", "source", "content", "start", "end", "t_input", "cause")
    return sorted(tuple(json.dumps(record[key]) for key in keys) for record in emitted(folder))


def found(folder: Path) -> dict[str, Any]:
    """events.json without how the run went: its times, and what waited or was held at each of them."""
    data: dict[str, Any] = json.loads((folder / EVENTS).read_text("utf-8"))
    del data["run"]
    for series in data["series"].values():
        del series["backlog"], series["state_bytes"]
    return data


def _watch(feed: Feed, options: Options, death: Death, told: Any) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    from headrace.apps import opening
    from headrace.apps.watch import watch

    if feed.live:
        opening.open_source = live  # type: ignore[assignment]
    _arm(Path(str(options.out)), death, told)
    if death.room:
        resource.setrlimit(resource.RLIMIT_FSIZE, (death.room, death.room))
    try:
        watch(feed.address, options)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        raise


def _arm(folder: Path, death: Death, told: Any) -> None:
    """Count the file operations inside the folder, and die at one."""
    inside = str(folder)

    def count() -> None:
        told.value += 1
        if told.value == death.operation:
            os.kill(os.getpid(), death.by)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in OPERATIONS and any(isinstance(arg, str | os.PathLike) and inside in str(arg) for arg in args):
            count()
            if death.file and event == "open" and death.file in str(args[0]):
                os.kill(os.getpid(), death.by)

    sync = os.fsync

    def counted(descriptor: int) -> None:
        count()
        sync(descriptor)
        count()

    sys.addaudithook(hook)
    os.fsync = counted  # type: ignore[assignment]


def live(address: str, **options: Any) -> Any:
    """The file as a camera: frames come in real time and cannot be had again."""
    from headrace.media import open_source

    source: Any = open_source(address, **options)
    source.can_wait = source.repeats = False
    recorded: Callable[[], Any] = source.items

    def now() -> Any:
        began, first = time.monotonic(), None
        for item in recorded():
            first = item.pts if first is None else first
            time.sleep(max(0.0, began + (item.pts - first) / SECOND - time.monotonic()))
            item.arrival = 0
            yield item

    source.items = now
    return source


def excerpt(path: Path, seconds: float, target: Path) -> Path:
    """The beginning of a recording, picture and sound, as it is coded."""
    import av

    with av.open(str(path)) as source, av.open(str(target), "w") as written:
        copies = {stream.index: written.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None and float(packet.dts * packet.time_base) < seconds:
                packet.stream = copies[packet.stream.index]
                written.mux(packet)
    return target
