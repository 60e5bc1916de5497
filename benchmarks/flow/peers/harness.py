"""What every peer measures, and how: CPU time an item costs in a chain of pass-through stages."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

PAYLOAD = b"\0" * 640  # 20 ms of 16 kHz, 16-bit mono audio
STAGES = 5
CAPACITY = 8

#: run(items, stages, ping) sends `items` payloads through `stages` pass-through stages into a sink and returns
#: the process's CPU time in ns. `ping`: the next item is sent once the sink has the last one; else the producer
#: runs ahead as far as the edges let it.
Run = Callable[[int, int, bool], int]


def measure(peer: str, version: str, variants: dict[str, Run]) -> None:
    """Measure each variant, without stages and with five, and print one line of JSON: CPU us an item."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, required=True)
    items = parser.parse_args().items
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name, run in variants.items():

        def one(stages: int, mode: str, run: Run = run) -> float:
            run(items, stages, mode == "ping")  # warm-up: the first run also pays for the imports' garbage
            return run(items, stages, mode == "ping") / items / 1e3

        figures[name] = {mode: {"bare": one(0, mode), "staged": one(STAGES, mode)} for mode in ("burst", "ping")}
    print(json.dumps({"peer": peer, "version": version, "stages": STAGES, "variants": figures}))


class Stopwatch:
    """CPU time of this process, all threads."""

    def __init__(self) -> None:
        self._began = time.process_time_ns()

    def stop(self) -> int:
        """ns since it was made."""
        return time.process_time_ns() - self._began
