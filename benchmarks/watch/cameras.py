"""Several 720p30 sources in real time on this machine: age of what is processed, lines found, memory over time.

Run it as `python -m benchmarks.watch.cameras [--sources 2] [--clips 4] [--json FILE]` from the root of the repository.
Each source is `--clips` rendered clips of 159 s, one behind the other, of seeds that differ, encoded as H.264 at 30
frames a second; `headrace watch --speed realtime` reads them in a process of its own, whose resident memory is sampled.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import av

from tests.clips import clip, write

#: Seconds between two samples of memory.
EVERY_S = 10.0


@dataclass
class Figures:
    """One run.

    Attributes:
        lines, found: of all sources: lines shown, and rows of text reported.
        cpu_s, media_s: of the whole process, and of one source.
        oldest_s: greatest age of a frame when a line of it was told.
        dropped: frames that no part of the run saw.
        warm, end: median resident memory after the first two minutes and of the last two, bytes.
        samples: resident memory every `EVERY_S` seconds, bytes.
    """

    sources: int
    media_s: float = 0.0
    cpu_s: float = 0.0
    oldest_s: float = 0.0
    lines: int = 0
    found: int = 0
    dropped: int = 0
    warm: int = 0
    end: int = 0
    samples: list[int] = field(default_factory=list)


def recording(seeds: range, path: Path, folder: Path) -> int:
    """Clips of those seeds one behind the other; how many lines they show."""
    lines = 0
    with av.open(str(path), "w") as joined:
        copy, shift = None, 0
        for seed in seeds:
            part = folder / f"part-{seed}.mp4"
            lines += len(write(clip(seed, fps=30), part).lines)
            with av.open(str(part)) as source:
                video, last = source.streams.video[0], 0
                copy = copy or joined.add_stream_from_template(video)
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.stream, packet.pts, packet.dts = copy, packet.pts + shift, packet.dts + shift
                    last = max(last, packet.pts + (packet.duration or 0))
                    joined.mux(packet)
                shift = last
            part.unlink()
    return lines


def resident(process: int) -> int:
    """Bytes."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def watch(paths: list[Path], out: Path) -> tuple[dict[str, object], list[int]]:
    """The run's result, and its resident memory over time."""
    named = [word for number, path in enumerate(paths) for word in ("--source", f"camera-{number}={path}")]
    command = [sys.executable, "-m", "headrace", "watch", *named, "--speed", "realtime", "--out", str(out)]
    environ = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    samples = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environ) as process:
        while process.poll() is None:
            time.sleep(EVERY_S)
            if process.poll() is None:
                samples.append(resident(process.pid))
    if process.returncode:
        raise SystemExit(f"headrace watch ended with {process.returncode}")
    return json.loads((out / "events.json").read_text("utf-8")), samples


def measure(sources: int, clips: int) -> Figures:
    figures = Figures(sources)
    with tempfile.TemporaryDirectory(prefix="headrace-cameras-") as name:
        folder = Path(name)
        paths = [folder / f"camera-{number}.mp4" for number in range(sources)]
        for number, path in enumerate(paths):
            figures.lines += recording(range(1 + number * clips, 1 + (number + 1) * clips), path, folder)
            print(f"{path.name}: rendered", file=sys.stderr)
        result, figures.samples = watch(paths, folder / "out")
    run = result["run"]
    assert isinstance(run, dict)
    figures.media_s, figures.cpu_s = run["media_s"], run["cpu_s"]
    figures.oldest_s, figures.found = run["oldest_processed_s"], len(result["text"])  # type: ignore[arg-type]
    figures.dropped = sum(source["frames_dropped"] for source in result["sources"])  # type: ignore[attr-defined]
    span = max(1, round(120 / EVERY_S))
    figures.warm = round(median(figures.samples[span : 2 * span] or figures.samples))
    figures.end = round(median(figures.samples[-span:]))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=int, default=2)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = measure(given.sources, given.clips)
    if given.json:
        given.json.write_text(json.dumps(asdict(figures), indent=1) + "\n")
    print(
        f"{figures.sources} sources, {figures.media_s:.0f} s each: {figures.found} rows for {figures.lines} lines, "
        f"oldest {figures.oldest_s:.2f} s, {figures.dropped} frames dropped, "
        f"{figures.cpu_s / figures.media_s:.2f} of a core, "
        f"memory {figures.warm / 1e6:.0f} -> {figures.end / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()
