"""Decode throughput of one heavy file: serial, FFmpeg's frame threads, key-frame parallel.

Run with `python benchmarks/decode/decode.py [--seconds 30] [--runs 3] [--workers 2]`. The clip is 720p H.264
under strong noise at about 22 Mb/s, key frames every 60 pictures; it is made once, in a temporary folder.
Each way reads every frame to its planes. Runs of the ways alternate, so that a change of load meets
all of them; the table gives the median and the range. CPU seconds include the worker processes.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from headrace.media import MediaSource, ParallelVideo, VirtualVideo, write_video
from headrace.media.address import address_of
from headrace.media.stream import StreamSource
from headrace.media.virtual import heavy

FPS = 30


def make_clip(path: Path, seconds: float, seed: int) -> None:
    """Write the clip."""
    source = VirtualVideo(seed, (1280, 720), FPS, seconds, heavy)
    options = {"g": "60", "preset": "veryfast"}
    write_video(path, (item.data for item in source.items()), FPS, bit_rate=22_000_000, options=options)


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(use.ru_utime + use.ru_stime for use in map(resource.getrusage, kinds))


def read(source: MediaSource) -> tuple[float, float]:
    """Wall and CPU seconds to read all of `source`."""
    wall, spent = time.perf_counter(), cpu()
    frames = sum(1 for _ in source.items())
    result = time.perf_counter() - wall, cpu() - spent
    assert frames == source.stats.frames > 0
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heavy.mp4"
        make_clip(path, options.seconds, options.seed)
        ways: dict[str, Callable[[], MediaSource]] = {
            "serial, 1 thread": lambda: StreamSource(address_of(path)),
            f"serial, {options.workers} frame threads": lambda: StreamSource(address_of(path), threads=options.workers),
            f"parallel, {options.workers} workers": lambda: ParallelVideo(path, workers=options.workers),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(options.runs):
            for name, make in ways.items():
                taken[name].append(read(make()))
        frames = round(options.seconds * FPS)
        size = path.stat().st_size * 8 / options.seconds / 1e6
        print(
            f"{frames} frames, 720p H.264, {size:.1f} Mb/s, {options.runs} runs, {os.cpu_count()} cores,",
            end=" ",
        )
        print(f"load {os.getloadavg()[0]:.1f}")
        print(f"{'way':26} {'frames/s':>9} {'range':>15} {'wall s':>8} {'CPU s':>8} {'speed-up':>9}")
        base = statistics.median(wall for wall, _ in taken["serial, 1 thread"])
        for name, runs in taken.items():
            walls = [wall for wall, _ in runs]
            wall, spent = statistics.median(walls), statistics.median(used for _, used in runs)
            span = f"{frames / max(walls):.0f}-{frames / min(walls):.0f}"
            print(f"{name:26} {frames / wall:9.0f} {span:>15} {wall:8.2f} {spent:8.2f} {base / wall:9.2f}")


if __name__ == "__main__":
    main()
