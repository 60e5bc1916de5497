"""simulator: the engine on a clock that is a number, for one machine or a cluster; its figures are called simulated."""

from __future__ import annotations

from headrace.engine.simulator.measured import Measured
from headrace.engine.simulator.replica import Machine, Replica
from headrace.engine.simulator.simulate import Duration, Outcome, Route, simulate
from headrace.engine.simulator.subject import Figures, Subject
from headrace.engine.simulator.synthetic import Figure, Input, Synthetic, capped, sinks_and_window

__all__ = [
    "Duration",
    "Figure",
    "Figures",
    "Input",
    "Machine",
    "Measured",
    "Outcome",
    "Replica",
    "Route",
    "Subject",
    "Synthetic",
    "capped",
    "simulate",
    "sinks_and_window",
]
