"""Axis: media time across a lane, and shapes drawn along it.

A lane is an SVG whose horizontal unit is 1/`WIDE` of the span and which stretches to the page; strokes keep
their width and labels are HTML, so that nothing is distorted and a script can zoom by changing view boxes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

#: Horizontal units of a lane.
WIDE = 10_000


class Axis:
    """Media seconds to horizontal units."""

    def __init__(self, span_s: float) -> None:
        self.span_s = span_s

    def __call__(self, t_s: float) -> float:
        return round(WIDE * min(max(t_s / self.span_s, 0.0), 1.0), 1)

    def share(self, t_s: float) -> str:
        """The same as a CSS percentage."""
        return f"{self(t_s) / WIDE:.3%}"


def area(kind: str, x: Axis, t_s: list[float], step_s: float, values: Iterable[float], top: float, tall: int) -> str:
    """A filled step line of values from 0 to `top`; where nothing was sampled there is nothing.

    The script reads values back from the line: `data-top` is the value at full height.
    """
    parts: list[str] = []
    until = -math.inf
    for t, value in zip(t_s, values, strict=True):
        y = round(tall * (1 - min(max(value, 0.0) / top, 1.0)), 1)
        if t > until + 1.5 * step_s:
            parts.append(f"{f'V{tall}' if parts else ''}M{x(t)},{tall}")
        parts.append(f"V{y}H{x(t + step_s)}")
        until = t + step_s
    return f'<path class="area {kind}" data-top="{top:.6g}" d="{"".join(parts)}V{tall}"/>' if parts else ""


def bars(kind: str, x: Axis, spans: Iterable[tuple[float, float, float]]) -> str:
    """Horizontal bars (start, end, height); one path, nothing if there are none."""
    parts = [f"M{x(first)},{y:.1f}H{x(last)}" for first, last, y in spans]
    return f'<path class="line {kind}" d="{"".join(parts)}"/>' if parts else ""


def stagger(times: list[float], span_s: float, near: float = 0.026) -> list[int]:
    """For each of `times`, how many labels stand in its way: those before it within `near` of the span.

    A label moves aside by that many places; from 4 on it is better left out.
    """
    places, last, n = [0] * len(times), -math.inf, 0
    for i in sorted(range(len(times)), key=times.__getitem__):
        n = n + 1 if times[i] - last < near * span_s * (n + 1) else 0
        last = last if n else times[i]
        places[i] = n
    return places
