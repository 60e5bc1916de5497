"""measure: what the launches of a model cost on this machine."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from headrace.engine.calibrate import Probes, calibrate
from headrace.engine.calibration import Calibration
from headrace.engine.hosted import Hosted
from headrace.engine.opening import Opening

if TYPE_CHECKING:
    from headrace.models.hf import LM

#: Where Linux names the processor.
PROCESSORS = Path("/proc/cpuinfo")
#: Mean error of launches held out above which a calibration should be made again.
ACCEPTED = 0.10


def measure(
    lm: LM,
    *,
    budget: int,
    rows: int = 16,
    launches: int = 150,
    seed: int = 0,
    folder: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Calibrate a model as it would be served: sessions of one budget, one thread on a CPU.

    Args:
        lm: the model.
        budget: tokens that a session keeps at most.
        rows: sessions of one launch at most.
        launches: that are measured.
        seed: of the launches.
        folder: where swapping to disk is measured; None: it is not.
        progress: called with launches done and in all.

    Raises:
        ConfigError: a number is too small.
    """
    import torch

    gpu = lm.attached.device.type != "cpu"
    if not gpu:
        torch.set_num_threads(1)
    host, opening = Hosted(lm), Opening(budget=budget)

    def data(n: int, draw: Random) -> list[int]:
        return [draw.randrange(lm.vocabulary) for _ in range(n)]

    return calibrate(
        lm,
        lambda: host.open(opening),
        data,
        Probes(launches=launches, rows=rows, resident=max(min(budget, 2048), 64), wall=gpu, seed=seed),
        restore=lm.restore,
        folder=folder,
        machine=machine(),
        model=lm.name,
        fingerprint=lm.fingerprint,
        progress=progress,
    )


def machine() -> str:
    """This machine in words: cores, processor, threads, Python and torch."""
    import os

    import torch

    threads = torch.get_num_threads()
    cores = os.cpu_count() or 1
    what = f"{cores} core{'s' * (cores > 1)} of {processor()}, {threads} thread{'s' * (threads > 1)}"
    if torch.cuda.is_available():
        what = f"{torch.cuda.get_device_name()}, {what}"
    return f"{what}, {platform.python_implementation()} {platform.python_version()}, torch {torch.__version__}"


def processor() -> str:
    """Name of the processor, with the extensions that matter to matrix products."""
    try:
        text = PROCESSORS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = set((re.search(r"^flags\s*:\s*(.+)$", text, re.MULTILINE) or [""])[0].split())
    extras = [shown for flag, shown in (("avx512f", "AVX-512"), ("amx_tile", "AMX")) if flag in flags]
    plain = re.sub(r"\((R|TM)\)|\s+", " ", name[1]).strip() if name else platform.machine()
    return " ".join(plain.split()) + (f" ({', '.join(extras)})" if extras else "")


def verdict(made: Calibration) -> str:
    """What to do about the error of a calibration; "" if nothing."""
    if made.held_out.mean <= ACCEPTED:
        return ""
    return (
        f"the launches held out were {made.held_out.mean:.0%} off on average, more than {ACCEPTED:.0%}: the machine "
        "was not quiet; run again"
    )


def kept(calibration: Calibration) -> dict[str, Any]:
    """What results say of the calibration that they rest on."""
    return {
        "machine": calibration.machine,
        "model": calibration.model,
        "held_out_mean": round(calibration.held_out.mean, 4),
        "held_out_p95": round(calibration.held_out.p95, 4),
        "launches": calibration.fitted,
    }
