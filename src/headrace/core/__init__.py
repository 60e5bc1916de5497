"""core: time and flow. Knows no model and no file format; needs numpy only."""

from headrace.core.barrier import BARRIER, Barrier
from headrace.core.channel import Channel, Closed, Drops
from headrace.core.clock import Clock, MeasuredClock, ProfileClock, Stopwatch, WallClock, ZeroClock, from_speed
from headrace.core.epoch import Epoch
from headrace.core.errors import (
    CapacityError,
    ConfigError,
    DeadlockError,
    HeadraceError,
    InputError,
    StateError,
    Unstreamable,
)
from headrace.core.executor import Executor, Processes, Threads
from headrace.core.frame import Frame
from headrace.core.graph import Graph, Stream, run_sessions
from headrace.core.item import MS, SECOND, TIMELESS, Emission, Item, emission_id
from headrace.core.op import OnError, Only, Op
from headrace.core.overflow import Block, DropNewest, DropOldest, Fail, Latest, Overflow
from headrace.core.recipe import Check, Recipe, Row
from headrace.core.sound import Sound
from headrace.core.source import Source
from headrace.core.stateful import Snapshot, Stateful, load, save
from headrace.core.trace import Trace, read_trace
from headrace.core.turn import Turn

__all__ = [
    "BARRIER",
    "MS",
    "SECOND",
    "TIMELESS",
    "Barrier",
    "Block",
    "CapacityError",
    "Channel",
    "Check",
    "Clock",
    "Closed",
    "ConfigError",
    "DeadlockError",
    "DropNewest",
    "DropOldest",
    "Drops",
    "Emission",
    "Epoch",
    "Executor",
    "Fail",
    "Frame",
    "Graph",
    "HeadraceError",
    "InputError",
    "Item",
    "Latest",
    "MeasuredClock",
    "OnError",
    "Only",
    "Op",
    "Overflow",
    "Processes",
    "ProfileClock",
    "Recipe",
    "Row",
    "Snapshot",
    "Sound",
    "Source",
    "StateError",
    "Stateful",
    "Stopwatch",
    "Stream",
    "Threads",
    "Trace",
    "Turn",
    "Unstreamable",
    "WallClock",
    "ZeroClock",
    "emission_id",
    "from_speed",
    "load",
    "read_trace",
    "run_sessions",
    "save",
]
