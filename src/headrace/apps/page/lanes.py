"""Lanes: the timeline of a result as rows over one time axis, a group of rows for each source."""

from __future__ import annotations

from headrace.apps.chapter import reach
from headrace.apps.page import rows
from headrace.apps.page.axis import Axis
from headrace.apps.page.markup import plain, section
from headrace.apps.page.rows import Part
from headrace.apps.result import Result, SourceInfo
from headrace.apps.series import Series
from headrace.apps.wording import clock, counted, length, ticks

#: The most sources drawn.
GROUPS = 24

#: The lanes of a source, from the top.
MAKERS = (rows.flags, rows.change, rows.events, rows.text, rows.speech, rows.sounds, rows.state, rows.backlog)


def timeline(result: Result, shown: set[int]) -> str:
    """The section of the timeline; events whose index is in `shown` link to their picture."""
    tools = (
        '<span class="tools" hidden><button type="button" data-zoom="in" aria-label="Zoom in">+</button>'
        '<button type="button" data-zoom="out" aria-label="Zoom out">−</button>'
        '<button type="button" data-zoom="all">Whole recording</button></span>'
    )
    note = f"<span class=hint>{length(result.span_s)} of media time"
    if len(result.sources) > 1:
        note += "; every source on its own clock, which starts at 0 with it"
    if len(result.sources) > GROUPS:
        note += f"; the first {GROUPS} of {len(result.sources):,} sources"
    body = figure(result, shown) + '<div id="tip" hidden></div>'
    return section("timeline", "Timeline", f"{note}</span>{tools}", body)


def figure(result: Result, shown: set[int]) -> str:
    """The lanes as an HTML figure.

    The rows of a source, as far as there is something to draw: flags of alerts and answers, change of the
    picture, events, text at its height on the screen, speech over loudness, sounds, state, backlog. With one
    source its state is drawn against the budget, with several the sum of all is, below them.
    """
    x = Axis(result.span_s)
    groups = "".join(_group(result, i, x, shown) for i in range(min(len(result.sources), GROUPS)))
    whole = _sum(result, x) if len(result.sources) > 1 else ""
    return (
        f'<figure id="lanes" class="lanes" data-span="{result.span_s:.3f}" tabindex="0" role="group" '
        f'aria-label="Timeline of {length(result.span_s)}; the lists below hold the same data">'
        '<div class="over" hidden><div class="window"></div></div>'
        f"{groups or _axis(x)}{whole}</figure>"
    )


def _axis(x: Axis) -> str:
    marks = "".join(f'<span style="left:{x.share(t)}">{clock(t)}</span>' for t in ticks(x.span_s, 8))
    return f'<div class="row"><div class="label"></div><div class="axis">{marks}</div></div>'


def _group(result: Result, number: int, x: Axis, shown: set[int]) -> str:
    source = result.sources[number]
    name, series = source.name, result.series.get(source.name) or Series()
    part = Part(result, source, series, x, shown)
    drawn = "".join(make(part) for make in MAKERS)
    end = reach(result, name)
    voids = [(start, stop, "not watched") for start, stop in source.gaps]
    voids += [(end, x.span_s, "ended")] if end < 0.995 * x.span_s else []
    shades = "".join(
        f'<i class="void {"gap" if told == "not watched" else "after"}" data-from="{start:.7g}" data-to="{stop:.7g}" '
        f'title="{told}" style="left:{x.share(start)};width:{x.share(stop - start)}"></i>'
        for start, stop, told in voids[:200]
    )
    several = len(result.sources) > 1
    label = f'<h3 class="source">{plain(name, 80)} <span>{_course(source, end)}</span></h3>' if several else ""
    return (
        f'<div class="group" data-s="{number}" role="group" aria-label="{plain(name, 80)}">{label}'
        f'{_axis(x)}<div class="rows">{drawn}<div class="shades" aria-hidden="true">{shades}</div></div></div>'
    )


def _course(source: SourceInfo, end_s: float) -> str:
    told = [length(end_s), "live" if source.duration_s is None else ""]
    told += [f"{counted(len(source.gaps), 'gap')}" if source.gaps else ""]
    told += [f"{source.frames_dropped:,} frames dropped" if source.frames_dropped else ""]
    return ", ".join(part for part in told if part)


def _sum(result: Result, x: Axis) -> str:
    """State of all sources together."""
    known = [series for series in result.series.values() if any(series.state_bytes)]
    if not known:
        return ""
    step = max(series.step_s for series in known)
    latest: list[dict[int, int]] = []
    for series in known:
        bins: dict[int, int] = {}
        for t, value in zip(series.t_s, series.state_bytes, strict=True):
            bins[int(t // step)] = max(bins.get(int(t // step), 0), value)
        latest.append(bins)
    total, last = [], [0] * len(known)
    times = sorted(set().union(*latest))
    for n in times:
        last = [bins.get(n, before) for bins, before in zip(latest, last, strict=True)]
        total.append(sum(last))
    most = max(result.run.state_bytes, *total)
    row = rows.held(x, [n * step for n in times], step, total, most, result.run.budget_bytes)
    return (
        f'<div class="group all" role="group" aria-label="All sources"><h3 class="source">All sources</h3>'
        f'{_axis(x)}<div class="rows">{row}</div></div>'
    )
