"""benchmarks: published annotations and how they are scored, one file a benchmark.

Nothing is imported before it is asked for.
Benchmarks are found by `known()`, and made by `open_benchmark(name)`.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    from headrace.evaluation.benchmark import Benchmark

_ROOM = "headrace.evaluation.benchmarks"
_CLASSES = {
    "ovobench": "OvoBench",
    "streamingbench": "StreamingBench",
    "streameqa": "StreamEqa",
    "streamgaze": "StreamGaze",
    "svbench": "SVBench",
    "omniinteract": "OmniInteract",
    "omniduplex": "OmniDuplex",
    "omnipro": "OmniPro",
    "vcbench": "VCBench",
    "livestar": "LiveStar",
    "sap": "StreamingAp",
    "gebd": "Gebd",
}


def known() -> dict[str, str]:
    """Where the benchmarks of this package are, by name: "module:Class", in the order of tables."""
    return {name: f"{_ROOM}.{name}:{kind}" for name, kind in _CLASSES.items()}


def open_benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        ConfigError: there is none; names what is close.
    """
    if name not in _CLASSES:
        close = get_close_matches(name.lower(), _CLASSES, n=3, cutoff=0.6)
        hint = f"did you mean {', '.join(close)}?" if close else f"use one of {', '.join(_CLASSES)}"
        raise ConfigError(f"unknown benchmark {name!r}; {hint}")
    made: Benchmark = getattr(import_module(f"{_ROOM}.{name}"), _CLASSES[name])()
    return made
