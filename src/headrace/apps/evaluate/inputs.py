"""inputs: what a user hands over, looked at before anything is loaded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from headrace.apps.wording import clean
from headrace.core.errors import ConfigError, InputError
from headrace.evaluation.timing import ClockName, Late, Timing, costs_of


def expect_files(option: str, paths: Iterable[str]) -> None:
    """InputError if a file is not there or a folder is empty; `option` names where it was given."""
    for path in paths:
        try:
            there = bool(path.strip()) and Path(path).exists()
        except (OSError, ValueError):
            there = False
        if not there:
            raise InputError(f"{option}: there is no file or folder {clean(path)!r}")
        if Path(path).is_dir() and next(Path(path).iterdir(), None) is None:
            raise InputError(f"{option}: the folder {clean(path)!r} is empty")


def expect_videos(path: str) -> Path:
    """The folder of recordings. Raises InputError if it is none or empty."""
    folder = Path(path)
    if not str(path).strip() or not folder.is_dir():
        raise InputError(f"{path or '--videos'}: is no folder; give the folder of the recordings")
    if next(folder.iterdir(), None) is None:
        raise InputError(f"{path}: the folder is empty; give the folder of the recordings")
    return folder


def timing_of(clock: ClockName, late: Late, queue: int, costs: str | None, seed: int) -> Timing:
    """The timing that options ask for.

    Args:
        costs: folder of an earlier run, whose steps the clock "profile" draws from.

    Raises:
        ConfigError: the clock needs costs and there are none, or the reverse.
        InputError: that folder holds no traces, or none of steps.
    """
    if costs is None:
        if clock == "profile":
            raise ConfigError("--clock profile needs --costs, the --out of an earlier run on a measured or wall clock")
        return Timing(clock, late, queue, seed=seed)
    if clock != "profile":
        raise ConfigError(f"--costs goes with --clock profile, not with {clock}")
    traces = sorted(Path(costs).glob("traces/*.jsonl"))
    if not traces:
        raise InputError(f"{costs}: holds no traces; give the --out of an earlier run on a measured or wall clock")
    return Timing(clock, late, queue, costs_of(traces), seed)
