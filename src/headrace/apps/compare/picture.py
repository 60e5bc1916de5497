"""picture: pareto.png, a comparison in three panels, 1400 by 1000 pixels."""

from __future__ import annotations

from pathlib import PurePath

from headrace.apps.compare import panels, pareto
from headrace.apps.compare.looks import Looks, looks
from headrace.apps.compare.result import Comparison
from headrace.apps.compare.sheet import Sheet
from headrace.apps.compare.words import marks
from headrace.apps.strokes import INK, SOFT, WATER
from headrace.apps.wording import clean, counted

WIDTH, HEIGHT = 1400, 1000

#: Left, top, width and height of each panel's axes in pixels.
PARETO, LOSS, RECALL = (80, 185, 530, 665), (690, 185, 670, 360), (690, 680, 670, 170)

#: Names of the key in a row, the top of its first row and the way to the next, in pixels.
IN_A_ROW, KEY, ROW = 3, 940, 26


def png(comparison: Comparison) -> bytes:
    """The picture."""
    rows = -(-len(comparison.methods) // IN_A_ROW)
    high = HEIGHT + ROW * max(rows - 2, 0)
    sheet = Sheet(WIDTH, high)
    styles = looks(comparison)
    _heading(sheet, comparison)
    for box, (title, hint), draw in (
        (PARETO, pareto.words(comparison), pareto.draw),
        (LOSS, panels.loss_words(comparison), panels.loss),
        (RECALL, panels.recall_words(comparison), panels.recall),
    ):
        sheet.write(box[0], box[1] - 46, title, size=13.5, weight="bold", color=INK)
        sheet.write(box[0], box[1] - 24, hint, size=10.5, color=SOFT)
        draw(sheet.axes(box), comparison, styles)
    _key(sheet, comparison, styles)
    return sheet.png()


def _heading(sheet: Sheet, comparison: Comparison) -> None:
    sheet.write(30, 34, f"{comparison.family.capitalize()} methods compared", size=19, weight="bold", color=INK)
    facts = [clean(comparison.model, 40), f"trained on {comparison.trained:,} tokens"]
    facts += [f"{counted(comparison.streams, 'stream')} of {counted(comparison.tokens, 'token')}"]
    facts += [
        clean(PurePath(comparison.stream).name, 40),
        f"seed {comparison.seed}",
        f"budget {comparison.budget:,} tokens",
    ]
    facts += ["bars: 95 % over streams" if comparison.streams > 1 else "one stream, no intervals", comparison.date[:10]]
    sheet.write(30, 70, "   ·   ".join(facts), size=11, color=SOFT)
    sheet.write(WIDTH - 30, 34, "headrace compare", size=12, weight="bold", color=WATER, ha="right")


def _key(sheet: Sheet, comparison: Comparison, styles: Looks) -> None:
    """Every method with its line and marker, and what to know of it."""
    axes = sheet.axes((0, 0, sheet.width, sheet.height))
    axes.set_axis_off()
    axes.set_xlim(0, sheet.width)
    axes.set_ylim(sheet.height, 0)
    for i, method in enumerate(comparison.methods):
        row, column = divmod(i, IN_A_ROW)
        x, y, look = 30 + column * (WIDTH - 40) / IN_A_ROW, KEY + ROW * row, styles[method.name]
        style = {"dashes": look.dashes} if look.dashes else {}
        axes.plot([x, x + 34], [y, y], color=look.colour, linewidth=look.width, **style)
        axes.plot([x + 17], [y], look.marker, color=look.colour, markersize=6)
        told = f"{clean(method.name, 16)}  "
        sheet.write(x + 42, y, told + ", ".join(marks(method)), size=10, color=look.colour)
