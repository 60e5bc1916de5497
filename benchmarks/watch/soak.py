"""Whether `headrace watch` stays as it is: hours of changing input, resident memory sampled every minute.

Run it as `python -m benchmarks.watch.soak [--size 1280x720] [--minutes 60] [--json FILE]` from the root of the
repository. The frames are those of the clips of the tests (`endless`), drawn as they are asked for and never
encoded; from there on everything is what `headrace watch --speed max --out` runs.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from headrace.apps.folder import Folder
from headrace.apps.journal import Journal
from headrace.apps.live import SilentView
from headrace.apps.output import Output
from headrace.apps.parts import Parts
from headrace.apps.primed import Primed
from headrace.apps.record import Desk, Record
from headrace.apps.result import Result, RunInfo, SourceInfo
from headrace.apps.session import RATE, Session
from headrace.core.clock import MeasuredClock, Stopwatch
from headrace.core.frame import Frame
from headrace.core.item import SECOND
from headrace.media.source import MediaSource, Part
from headrace.understanding.gates.lumasettle import LumaSettle
from headrace.understanding.observations import ObservationMemory
from headrace.understanding.reader import TextReader
from headrace.understanding.standing import StandingQuestions
from tests.clips import UNSHOWN, VOCABULARY, endless

BUDGET, DISK = 1_000_000, 8_000_000
#: Media minutes after which memory must not grow any more, and that each end of the comparison takes.
WARM = 10
#: What never comes true: words never shown, alone and beside words that are shown all the time.
NEVER = [f"the {word} is open" for word in UNSHOWN[:4]] + [
    f"{shown} {never}" for shown, never in zip(VOCABULARY[:4], UNSHOWN[4:8], strict=True)
]


@dataclass
class Sample:
    """One media minute. Sizes in bytes.

    Attributes:
        resident: resident memory as it began, once the C library had given back what it keeps for reuse.
        peak: most resident memory until the next minute.
        state, disk: what the memory and the folder held as it began.
    """

    minute: int
    resident: int
    peak: int
    state: int
    disk: int


@dataclass
class Soak:
    """One run.

    Attributes:
        warm, end: median resident memory of the ten minutes after the warm-up, and of the last ten, bytes.
        slope: of resident memory after the warm-up, bytes a media hour (least squares).
        peak: most resident memory of the whole run, bytes.
        largest_state, largest_disk: bytes.
        written, merged, forgotten: rows of the memory, over the whole run.
        false_alarms: alerts of questions that never come true.
    """

    size: tuple[int, int]
    media_minutes: float
    cpu_s: float
    wall_s: float
    warm: int
    end: int
    slope: float
    peak: int
    largest_state: int
    budget: int
    largest_disk: int
    disk: int
    lines: int
    events: int
    written: int
    merged: int
    forgotten: int
    false_alarms: int
    samples: list[Sample] = field(default_factory=list)


class Endless(MediaSource):
    """The endless clip of a seed as a source of frames; `seconds` of it, `RATE` frames a second."""

    def __init__(self, seed: int, size: tuple[int, int], seconds: float) -> None:
        super().__init__("soak", can_wait=True)
        self._frames = islice(endless(seed, size, RATE), round(seconds * RATE))

    def _parts(self, near: Mapping[str, Any] | None = None) -> Iterator[Part]:
        self._timeline.restart(Fraction(1, RATE), SECOND // RATE)
        for index, pixels in enumerate(self._frames):
            yield index, lambda pixels=pixels: yuv(pixels)


def yuv(pixels: npt.NDArray[np.uint8]) -> Frame:
    """An RGB picture uint8 [height, width, 3] with even sides as 4:2:0 planes."""
    height, width = pixels.shape[:2]
    planes = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420), np.uint8)
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    return Frame(planes[:height], chroma[0], chroma[1])


def soak(size: tuple[int, int], minutes: float, seed: int = 1, folder: Path | None = None) -> Soak:
    """Watch `minutes` of changing input at full speed, everything bounded as small as is useful."""
    with tempfile.TemporaryDirectory() as temporary:
        return _soak(size, minutes, seed, folder or Path(temporary))


def _soak(size: tuple[int, int], minutes: float, seed: int, folder: Path) -> Soak:
    stopwatch, samples = Stopwatch(), list[Sample]()
    memory, output = ObservationMemory(BUDGET), Output(Folder(folder), DISK)
    source = Endless(seed, size, 60 * minutes)
    trace = output.trace({"stream": [source.name], "clock": "max", "budget": BUDGET})
    desk = Desk(MeasuredClock(), Journal(trace), SilentView(), output)
    info = SourceInfo(source.name, "", *size, float(RATE))
    record = Record(info, memory, StandingQuestions(NEVER), desk)
    parts = Parts(LumaSettle(), TextReader())
    session = Session(Primed(source), record, parts, lambda state: output.save(0, state, 1))

    def sample() -> None:
        minute = record.tally.media // (60 * SECOND)
        if not samples or minute > samples[-1].minute:
            give_back()
            if samples and minute % 10 == 0:
                print(f"{minute:4d} min {samples[-1].resident / 1e6:8.1f} MB {stopwatch.wall():6.0f} s", flush=True)
            samples.append(Sample(minute, resident(), 0, memory.nbytes(), held(folder)))
        samples[-1].peak = max(samples[-1].peak, resident())

    desk.progress = sample
    desk.clock.run(session.run())
    trace.end(desk.clock.now())
    trace.close()
    told = RunInfo(media_s=record.tally.media / SECOND, budget_bytes=BUDGET)
    result = Result([info], told, series={source.name: record.series})
    output.finish(result, [memory])
    output.folder.release()
    rows = list(memory.rows())
    after = [one for one in samples if one.minute >= WARM] or samples
    times, sizes = [one.minute / 60 for one in after], [one.resident for one in after]
    return Soak(
        size=size,
        media_minutes=record.tally.media / SECOND / 60,
        cpu_s=stopwatch.cpu(),
        wall_s=stopwatch.wall(),
        warm=int(np.median(sizes[:WARM])),
        end=int(np.median(sizes[-WARM:])),
        slope=float(np.polyfit(times, sizes, 1)[0]) if len(after) > 1 else 0.0,
        peak=max(one.peak for one in samples),
        largest_state=record.tally.largest,
        budget=BUDGET,
        largest_disk=max(*(one.disk for one in samples), held(folder)),
        disk=DISK,
        lines=sum(row.kind == "text" for row in rows),
        events=sum(row.kind == "event" for row in rows),
        written=memory.written,
        merged=memory.merged,
        forgotten=memory.forgotten,
        false_alarms=len(record.alerts),
        samples=samples,
    )


def resident() -> int:
    """Bytes of this process that are in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def give_back() -> None:
    """Let the C library return freed memory to the system (glibc), so that what is left is in use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def held(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="1280x720", type=lambda text: tuple(map(int, text.split("x"))))
    parser.add_argument("--minutes", default=60.0, type=float, help="of media")
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    made = soak(given.size, given.minutes, given.seed)
    report = asdict(made)
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    report.pop("samples")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
