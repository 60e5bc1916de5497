"""picture: pareto.png, a comparison in three panels, 1400 by 1000 pixels."""

from __future__ import annotations

from io import BytesIO
from pathlib import PurePath
from typing import TYPE_CHECKING

from headrace.apps.compare import panels, pareto
from headrace.apps.compare.looks import Looks, looks
from headrace.apps.compare.result import Comparison
from headrace.apps.compare.words import marks
from headrace.apps.fonts import families, writable
from headrace.apps.strokes import INK, PAPER, SOFT, WATER
from headrace.apps.wording import clean, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Sheet

WIDTH, HEIGHT = 1400, 1000

#: Left, top, width and height of each panel's axes in pixels.
PARETO, LOSS, RECALL = (80, 185, 530, 665), (690, 185, 670, 360), (690, 680, 670, 170)

#: Names of the key in a row, the top of its first row and the way to the next, in pixels.
IN_A_ROW, KEY, ROW = 3, 940, 26


def png(comparison: Comparison) -> bytes:
    """The picture; matplotlib's global settings are left alone and no window system is needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Sheet

    rows = -(-len(comparison.methods) // IN_A_ROW)
    high = HEIGHT + ROW * max(rows - 2, 0)
    sheet = Sheet(figsize=(WIDTH / 100, high / 100), dpi=100, facecolor=PAPER)
    canvas = FigureCanvasAgg(sheet)
    styles = looks(comparison)
    _heading(sheet, comparison)
    for box, (title, hint), draw in (
        (PARETO, pareto.words(comparison), pareto.draw),
        (LOSS, panels.loss_words(comparison), panels.loss),
        (RECALL, panels.recall_words(comparison), panels.recall),
    ):
        _write(sheet, box[0], box[1] - 46, title, size=13.5, weight="bold", color=INK)
        _write(sheet, box[0], box[1] - 24, hint, size=10.5, color=SOFT)
        draw(_axes(sheet, box), comparison, styles)
    _key(sheet, comparison, styles)
    held = BytesIO()
    canvas.print_figure(held, format="png")
    return held.getvalue()


def _heading(sheet: Sheet, comparison: Comparison) -> None:
    _write(sheet, 30, 34, f"{comparison.family.capitalize()} methods compared", size=19, weight="bold", color=INK)
    facts = [clean(comparison.model, 40), f"trained on {comparison.trained:,} tokens"]
    facts += [f"{counted(comparison.streams, 'stream')} of {counted(comparison.tokens, 'token')}"]
    facts += [
        clean(PurePath(comparison.stream).name, 40),
        f"seed {comparison.seed}",
        f"budget {comparison.budget:,} tokens",
    ]
    facts += ["bars: 95 % over streams" if comparison.streams > 1 else "one stream, no intervals", comparison.date[:10]]
    _write(sheet, 30, 70, "   ·   ".join(facts), size=11, color=SOFT)
    _write(sheet, WIDTH - 30, 34, "headrace compare", size=12, weight="bold", color=WATER, ha="right")


def _key(sheet: Sheet, comparison: Comparison, styles: Looks) -> None:
    """Every method with its line and marker, and what to know of it."""
    axes = sheet.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.patch.set_visible(False)
    wide, high = sheet.get_size_inches() * 100
    axes.set_xlim(0, wide)
    axes.set_ylim(high, 0)
    for i, method in enumerate(comparison.methods):
        row, column = divmod(i, IN_A_ROW)
        x, y, look = 30 + column * (WIDTH - 40) / IN_A_ROW, KEY + ROW * row, styles[method.name]
        style = {"dashes": look.dashes} if look.dashes else {}
        axes.plot([x, x + 34], [y, y], color=look.colour, linewidth=look.width, **style)
        axes.plot([x + 17], [y], look.marker, color=look.colour, markersize=6)
        told = f"{clean(method.name, 16)}  "
        _write(sheet, x + 42, y, told + ", ".join(marks(method)), size=10, color=look.colour)


def _axes(sheet: Sheet, box: tuple[int, int, int, int]) -> Axes:
    wide, high = sheet.get_size_inches() * 100
    left, top, width, height = box
    axes = sheet.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))
    axes.patch.set_visible(False)
    return axes


def _write(sheet: Sheet, x: float, y: float, text: str, **style: object) -> None:
    """Text at pixels from the upper left corner, middle of its line; in any script for which a font is installed."""
    wide, high = sheet.get_size_inches() * 100
    text = writable(text)
    sheet.text(x / wide, 1 - y / high, text, family=families(text), parse_math=False, va="center", **style)
