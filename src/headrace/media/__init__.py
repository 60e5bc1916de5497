"""media: where frames and sound come from.

`open_source` turns a file, URL, camera, folder of images or standard input into a
`headrace.core.source.Source`; `probe` says what it holds; `VirtualVideo` and `VirtualItems` need no
file at all. The decoder (PyAV) is imported only when something is opened.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.media.info import Info
    from headrace.media.open import open_source, probe
    from headrace.media.parallel import ParallelVideo
    from headrace.media.retry import Retry
    from headrace.media.source import MediaSource
    from headrace.media.stats import Stats
    from headrace.media.virtual import VirtualItems, VirtualVideo
    from headrace.media.write import write_video

_HOMES = {
    "Info": "info",
    "MediaSource": "source",
    "ParallelVideo": "parallel",
    "Retry": "retry",
    "Stats": "stats",
    "VirtualItems": "virtual",
    "VirtualVideo": "virtual",
    "open_source": "open",
    "probe": "open",
    "write_video": "write",
}

__all__ = [
    "Info",
    "MediaSource",
    "ParallelVideo",
    "Retry",
    "Stats",
    "VirtualItems",
    "VirtualVideo",
    "open_source",
    "probe",
    "write_video",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
