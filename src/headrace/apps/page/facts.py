"""Facts: how the run went."""

from __future__ import annotations

from headrace.apps.page.markup import plain, section
from headrace.apps.result import Result, SourceInfo
from headrace.apps.wording import counted, factor, length, percent, size

#: The most edges whose drops are told one by one.
EDGES = 12


def facts(result: Result) -> str:
    """The section on the run and its sources."""
    run = result.run
    speed = {"max": "as fast as possible", "realtime": "real time"}.get(run.speed, f"{plain(run.speed, 12)}× real time")
    drops = {edge: n for edge, n in run.drops.items() if n}
    each = f"{length(run.cpu_s)} in all"
    told = [
        ("Real-time factor", factor(run.realtime_factor), f"{length(run.media_s)} in {length(run.wall_s)}, {speed}"),
        ("CPU", f"{run.cpu_s / run.media_s if run.media_s else 0:.2f} s", f"a second of media; {each}"),
        ("Admitted", percent(run.admitted_share), f"of {counted(run.blocks_total, 'block')} of picture"),
        ("Read", counted(run.reads, "time"), f"{counted(run.lines_read, 'line')} read, {len(result.text):,} kept"),
        ("State", size(run.state_bytes), _meter(run.state_bytes, run.budget_bytes)),
        ("Dropped", f"{sum(drops.values()):,}", _drops(drops)),
        ("Oldest processed", length(run.oldest_processed_s), "the greatest age of an item when processed"),
        ("Gate", plain(run.gate, 40) or "–", "decides what of the picture enters"),
        ("Recogniser", plain(run.recogniser, 60) or "none", "puts speech into words"),
    ]
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}<span>{note}</span></dd></div>" for name, value, note in told)
    names = ("Source", "Picture", "fps", "Sound", "Length", "Frames", "Dropped", "Gaps", "Errors")
    heads = "".join(f"<th scope=col>{name}</th>" for name in names)
    body = (
        f"<dl>{cells}</dl><div class=wide tabindex=0 role=region aria-label=Sources><table class=plain>"
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(map(_source, result.sources))}</tbody></table></div>"
    )
    return section("run", "Run", f"headrace {plain(result.headrace, 40)}, result format {result.format}", body)


def _source(source: SourceInfo) -> str:
    picture = f"{source.width} × {source.height}" if source.width else "none"
    sound = f"{source.channels} × {source.rate / 1000:g} kHz" if source.channels else "none"
    span = length(source.duration_s) if source.duration_s is not None else "live"
    lost = length(sum(end - start for start, end in source.gaps)) if source.gaps else "0"
    cells = [plain(source.name, 60), picture, f"{source.fps:.4g}", sound, span, f"{source.frames_read:,}"]
    cells += [f"{source.frames_dropped:,}", lost, f"{len(source.errors):,}"]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _meter(used: int, budget: int) -> str:
    if not budget:
        return "no budget set"
    share = used / budget
    over = " class=over" if share > 1 else ""
    meter = f'<meter{over} aria-label="State of its budget" value={min(share, 1):.4f}>{percent(share)}</meter>'
    return f"{meter}{percent(share)} of {size(budget)}"


def _drops(drops: dict[str, int]) -> str:
    if not drops:
        return "nothing, on any edge"
    most = sorted(drops.items(), key=lambda pair: -pair[1])
    more = f"<br>and on {counted(len(most) - EDGES, 'more edge')}" if len(most) > EDGES else ""
    return "<br>".join(f"{plain(edge, 60)}: {n:,}" for edge, n in most[:EDGES]) + more
