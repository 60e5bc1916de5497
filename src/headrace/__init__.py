"""headrace runs models on streams that never end.

Everything listed in `__all__` is the public interface. Names are loaded when they are first used
(PEP 562), so that `import headrace` costs nothing and brings no torch.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace.version import __version__

if TYPE_CHECKING:
    from headrace.apps.watch import watch as watch
    from headrace.core.clock import MeasuredClock as MeasuredClock
    from headrace.core.clock import ProfileClock as ProfileClock
    from headrace.core.clock import WallClock as WallClock
    from headrace.core.clock import ZeroClock as ZeroClock
    from headrace.core.errors import CapacityError as CapacityError
    from headrace.core.errors import ConfigError as ConfigError
    from headrace.core.errors import DeadlockError as DeadlockError
    from headrace.core.errors import HeadraceError as HeadraceError
    from headrace.core.errors import InputError as InputError
    from headrace.core.errors import StateError as StateError
    from headrace.core.errors import Unstreamable as Unstreamable
    from headrace.core.frame import Frame as Frame
    from headrace.core.graph import Graph as Graph
    from headrace.core.item import MS as MS
    from headrace.core.item import SECOND as SECOND
    from headrace.core.item import Emission as Emission
    from headrace.core.item import Item as Item
    from headrace.core.overflow import Block as Block
    from headrace.core.overflow import DropNewest as DropNewest
    from headrace.core.overflow import DropOldest as DropOldest
    from headrace.core.overflow import Fail as Fail
    from headrace.core.overflow import Latest as Latest
    from headrace.core.recipe import Check as Check
    from headrace.core.recipe import Recipe as Recipe
    from headrace.core.recipe import Row as Row
    from headrace.core.sound import Sound as Sound
    from headrace.core.source import Source as Source
    from headrace.core.stateful import Snapshot as Snapshot
    from headrace.core.stateful import Stateful as Stateful
    from headrace.core.turn import Turn as Turn
    from headrace.media.open import open_source as open_source
    from headrace.media.virtual import VirtualVideo as VirtualVideo
    from headrace.models.hf.lm import LM as LM
    from headrace.models.hf.load import load as load
    from headrace.models.hf.sampling import Sampling as Sampling
    from headrace.recipes.streamingllm import StreamingLLM as StreamingLLM
    from headrace.state.policy import Policy as Policy
    from headrace.state.session import Session as Session

logging.getLogger(__name__).addHandler(logging.NullHandler())

#: Where each public name lives, below `headrace`.
_HOMES = {
    "apps.watch": ("watch",),
    "core.clock": ("MeasuredClock", "ProfileClock", "WallClock", "ZeroClock"),
    "core.errors": (
        "CapacityError",
        "ConfigError",
        "DeadlockError",
        "HeadraceError",
        "InputError",
        "StateError",
        "Unstreamable",
    ),
    "core.frame": ("Frame",),
    "core.graph": ("Graph",),
    "core.item": ("Emission", "Item", "MS", "SECOND"),
    "core.overflow": ("Block", "DropNewest", "DropOldest", "Fail", "Latest"),
    "core.recipe": ("Check", "Recipe", "Row"),
    "core.sound": ("Sound",),
    "core.source": ("Source",),
    "core.stateful": ("Snapshot", "Stateful"),
    "core.turn": ("Turn",),
    "media.open": ("open_source",),
    "media.virtual": ("VirtualVideo",),
    "models.hf.lm": ("LM",),
    "models.hf.load": ("load",),
    "models.hf.sampling": ("Sampling",),
    "recipes.streamingllm": ("StreamingLLM",),
    "state.policy": ("Policy",),
    "state.session": ("Session",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    value = getattr(import_module(f"headrace.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
