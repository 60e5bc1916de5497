"""sheet: a picture by pixels from its upper left corner."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from headrace.apps.fonts import families, writable
from headrace.apps.strokes import PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Left, top, width and height in pixels.
Box = tuple[int, int, int, int]


class Sheet:
    """An empty picture; matplotlib's global settings are left alone and no window system is needed."""

    def __init__(self, width: int, height: int) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.width, self.height = width, height
        self.figure: Figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=PAPER)
        self._canvas = FigureCanvasAgg(self.figure)

    def axes(self, box: Box) -> Axes:
        """Axes in that place, without a ground of their own."""
        left, top, width, height = box
        bottom = 1 - (top + height) / self.height
        axes = self.figure.add_axes((left / self.width, bottom, width / self.width, height / self.height))
        axes.patch.set_visible(False)
        return axes

    def write(self, x: float, y: float, text: str, **style: object) -> None:
        """Text, the middle of its line at `y`; in any script for which a font is installed."""
        text = writable(text)
        at = (x / self.width, 1 - y / self.height)
        self.figure.text(*at, text, family=families(text), parse_math=False, va="center", **style)

    def png(self) -> bytes:
        """The picture as a PNG file."""
        held = BytesIO()
        self._canvas.print_figure(held, format="png")
        return held.getvalue()
