"""picture: capacity.png: the share of outputs in time over the number of sessions."""

from __future__ import annotations

from headrace.apps.capacity.answer import Answer
from headrace.apps.capacity.figures import percent
from headrace.apps.capacity.find import Point
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
    sheet.write(30, 34, _headline(found), size=19, weight="bold", color=INK)
    sheet.write(30, 68, clean(found.title(), 150), size=11, color=SOFT)
    for place, line in enumerate(found.lines()[:2]):
        sheet.write(30, 91 + 19 * place, clean(line, 165), size=10, color=SOFT)
    sheet.write(WIDTH - 30, 34, "headrace capacity", size=12, weight="bold", color=WATER, ha="right")
    axes = sheet.axes(BOX)
    points = [point for one in found.found.values() for point in one.curve]
    least = min(point.rate for point in (*points, *_real(found)))
    floor = next((floor for floor in FLOORS if least >= floor), 0.0)
    for name, one in found.found.items():
        colour = COLOURS[list(found.found).index(name) % len(COLOURS)]
        at = [point.sessions for point in one.curve]
        axes.plot(at, [point.rate for point in one.curve], color=colour, linewidth=2)
        if found.question.seeds > 1:
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
    first, last = (end(point.sessions for point in (*points, *_real(found))) for end in (min, max))
    margin = max(0.02 * (last - first), 0.1)
    axes.set_xlim(first - margin, last + margin)
    axes.xaxis.get_major_locator().set_params(integer=True)
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


def _headline(found: Answer) -> str:
    return f"How many live sessions: simulated{', and on the engine' if found.verified else ''}"


def _real(found: Answer) -> list[Point]:
    return [run.point for one in found.verified.values() for run in one.runs]


def _key(sheet: Sheet, found: Answer) -> None:
    """Every scheduler with what was found."""
    x, y = BOX[0] + BOX[2] + 30, BOX[1] + 10
    sheet.write(x, y, f"sessions at {percent(found.question.share)}", size=11, weight="bold", color=INK)
    for place, (name, one) in enumerate(found.found.items()):
        colour, top = COLOURS[place % len(COLOURS)], y + 34 + 62 * place
        sheet.write(x, top, clean(name, 30), size=11, weight="bold", color=colour)
        over = f" ({one.low} to {one.high})" if one.low < one.high else ""
        sheet.write(x, top + 20, f"{one.sessions} simulated{over}", size=10, color=INK)
        if name in found.verified:
            sheet.write(x, top + 38, f"{found.cells(name)[4]} on the engine", size=10, color=INK)
    runs = found.question.seeds
    told = ["line: simulated, one run"] if runs == 1 else [f"line: mean of {runs} simulated runs", "band: their range"]
    told += ["crosses: runs of the engine itself"] if found.verified else []
    for place, line in enumerate(reversed(told)):
        sheet.write(x, BOX[1] + BOX[3] - 20 * place, line, size=9.5, color=SOFT)
