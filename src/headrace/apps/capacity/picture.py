"""picture: capacity.png: the share of outputs in time over the number of sessions."""

from __future__ import annotations

from headrace.apps.capacity.answer import Answer
from headrace.apps.capacity.figures import percent
from headrace.apps.compare.sheet import Sheet
from headrace.apps.strokes import ALERT, ANSWER, INK, RULE, SOFT, STATE, VOICE, WATER
from headrace.apps.wording import clean

WIDTH, HEIGHT = 1200, 640
#: Left, top, width and height of the axes in pixels.
BOX = (90, 165, 780, 395)
COLOURS = (WATER, ALERT, ANSWER, STATE, VOICE, INK)
#: Share of hits at the lower edge, if no curve goes deeper than the one after it.
FLOORS = (0.9, 0.75, 0.5, 0.0)


def png(found: Answer) -> bytes:
    """The picture: lines and bands are simulated, crosses are runs of the engine."""
    sheet = Sheet(WIDTH, HEIGHT)
    sheet.write(30, 34, "How many live sessions", size=19, weight="bold", color=INK)
    sheet.write(30, 68, clean(found.title(), 150), size=11, color=SOFT)
    for place, line in enumerate(found.lines()[:2]):
        sheet.write(30, 91 + 19 * place, clean(line, 165), size=10, color=SOFT)
    sheet.write(WIDTH - 30, 34, "headrace capacity", size=12, weight="bold", color=WATER, ha="right")
    axes = sheet.axes(BOX)
    points = [point for one in found.found.values() for point in one.curve]
    least = min(point.rate for point in points)
    floor = next((floor for floor in FLOORS if least >= floor), 0.0)
    for name, one in found.found.items():
        colour = COLOURS[list(found.found).index(name) % len(COLOURS)]
        at = [point.sessions for point in one.curve]
        axes.plot(at, [point.rate for point in one.curve], color=colour, linewidth=2)
        axes.fill_between(
            at,
            [min(point.rates) for point in one.curve],
            [max(point.rates) for point in one.curve],
            color=colour,
            alpha=0.15,
            linewidth=0,
        )
        if name in found.verified:
            runs = [run.point for run in found.verified[name].runs]
            axes.plot([p.sessions for p in runs], [p.rate for p in runs], "x", color=colour, markersize=9, mew=2)
    axes.axhline(found.question.share, color=SOFT, linewidth=1, dashes=(4, 3))
    axes.set_ylim(floor - 0.02 * (1 - floor), 1 + 0.02 * (1 - floor))
    axes.set_xlim(0, max(point.sessions for point in points) * 1.02)
    axes.grid(color=RULE, linewidth=0.8)
    axes.tick_params(colors=SOFT, labelsize=9)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
    for side in axes.spines.values():
        side.set_color(RULE)
    left, top, width, height = BOX
    sheet.write(left, top - 18, "outputs in time, of all that were sent for", size=10, color=SOFT)
    sheet.write(left + width, top + height + 40, "sessions", size=10, color=SOFT, ha="right")
    _key(sheet, found)
    return sheet.png()


def _key(sheet: Sheet, found: Answer) -> None:
    """Every scheduler with what was found."""
    x, y = BOX[0] + BOX[2] + 30, BOX[1] + 10
    sheet.write(x, y, f"sessions at {percent(found.question.share)}", size=11, weight="bold", color=INK)
    for place, (name, one) in enumerate(found.found.items()):
        colour, top = COLOURS[place % len(COLOURS)], y + 34 + 62 * place
        sheet.write(x, top, clean(name, 30), size=11, weight="bold", color=colour)
        sheet.write(x, top + 20, f"{one.sessions} simulated ({one.low} to {one.high})", size=10, color=INK)
        if name in found.verified:
            sheet.write(x, top + 38, f"{found.cells(name)[4]} on the engine", size=10, color=INK)
    bottom = BOX[1] + BOX[3]
    sheet.write(x, bottom - 20, "line and band: simulated, mean and range", size=9.5, color=SOFT)
    if found.verified:
        sheet.write(x, bottom, "crosses: the engine itself", size=9.5, color=SOFT)
