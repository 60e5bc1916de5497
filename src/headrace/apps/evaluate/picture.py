"""picture: audit.png: of every figure, how much of it the best blind policy takes."""

from __future__ import annotations

import math

from headrace.apps.compare.sheet import Sheet
from headrace.apps.evaluate.table import audit_title, figure, short
from headrace.apps.strokes import ALERT, FAINT, INK, RULE, SOFT, WASH, WATER
from headrace.apps.wording import clean
from headrace.evaluation.audit import OUTRIGHT, Audit, Variant

WIDTH, HEAD, ROW, FOOT = 1200, 120, 46, 60
#: Left and right ends of the bars in pixels.
LEFT, RIGHT = 300, 820
#: Colours of a variant's bars.
COLOURS: dict[Variant, str] = {"published": WATER, "causal": WASH}


def png(made: Audit) -> bytes:
    """The picture: two bars a figure in %; figures of other units stand as numbers."""
    names = [name for name in made.figures() if any(made.best(name, side) for side in COLOURS)]
    sheet = Sheet(WIDTH, HEAD + ROW * max(len(names), 1) + FOOT)
    sheet.write(30, 34, "What blind policies win", size=19, weight="bold", color=INK)
    sheet.write(30, 68, clean(audit_title(made), 110), size=11, color=SOFT)
    sheet.write(WIDTH - 30, 34, "headrace eval audit", size=12, weight="bold", color=WATER, ha="right")
    axes = sheet.axes((0, 0, sheet.width, sheet.height))
    axes.set_axis_off()
    axes.set_xlim(0, sheet.width)
    axes.set_ylim(sheet.height, 0)
    bottom = HEAD + ROW * len(names)
    for percent in range(0, 101, 25):
        x = LEFT + (RIGHT - LEFT) * percent / 100
        axes.plot([x, x], [HEAD - 8, bottom], color=RULE if percent else SOFT, linewidth=1)
        sheet.write(x, HEAD - 20, f"{percent} %", size=9, color=SOFT, ha="center")
    for place, name in enumerate(names):
        top = HEAD + ROW * place
        sheet.write(LEFT - 12, top + ROW / 2 - 2, clean(name, 38), size=11, color=INK, ha="right")
        for line, side in enumerate(COLOURS):
            best = made.best(name, side)
            y = top + 12 + 17 * line
            if best is None:
                continue
            known = not math.isnan(best.share)
            if known:
                width = (RIGHT - LEFT) * min(max(best.share, 0.0), 1.0)
                axes.barh(y, RIGHT - LEFT, height=13, left=LEFT, color=FAINT, zorder=0)
                axes.barh(y, width, height=13, left=LEFT, color=COLOURS[side], zorder=1)
            told = f"{figure(best.value, interval=False)}  {clean(short(best.policy), 44)}"
            colour = ALERT if known and best.share >= OUTRIGHT else INK if known else SOFT
            sheet.write(RIGHT + 14, y, told, size=9.5, color=colour)
    for place, (side, colour) in enumerate(COLOURS.items()):
        x = LEFT + 170 * place
        axes.barh(bottom + 30, 28, height=12, left=x, color=colour)
        sheet.write(x + 36, bottom + 30, side, size=10, color=INK)
    sheet.write(LEFT + 340, bottom + 30, "red: reaches the ceiling without looking", size=10, color=ALERT)
    return sheet.png()
