"""Rewind: go back to where fewer inputs had been read, as long as nothing was lost since."""

from __future__ import annotations

from headrace.state.progress import Progress
from headrace.state.storage import Storage


def rewind(storage: Storage, progress: Progress, count: int) -> bool:
    """Forget all inputs but the first `count`; False, and nothing is changed, if that state cannot be had again.

    It can while nothing was evicted or folded and no score was kept: what the first inputs wrote is then still there,
    as they wrote it. A segment that was written in one piece is forgotten whole or not at all.

    Args:
        storage: outside a transaction.
        progress: its counters.
        count: 0 to `progress.count`.
    """
    policy = storage.policy
    scored = storage.budget.queries or any(keep.score is not None for keep in policy.keeps.values())
    if progress.evicted or progress.folded or scored or not 0 <= count <= progress.count:
        return False
    segments = storage.tables[0].segments
    if sum(segment.length for segment in segments) != progress.count:
        return False
    left, keep = count, 0
    for segment in segments:
        if left < segment.length:
            break
        left, keep = left - segment.length, keep + 1
    if left and policy.atomic(segments[keep].kind):
        return False
    for segment in segments[keep:]:
        progress.add(segment.stream, -(segment.length - (left if segment is segments[keep] else 0)))
    cut = segments[keep : keep + 1] if left else []
    after = segments[keep + len(cut)].index if keep + len(cut) < len(segments) else None
    if after is not None:
        storage.forget(after)
    for table in storage.tables:
        if left:
            last = table.segments[-1]
            last.closed, last.pinned = False, 0
            last.extent = min(last.extent, left)
        table.reach = 0
        table.moved()
    if left:
        storage.clear(left, cut[0].length)
        for table in storage.tables:
            last = table.segments[-1]
            last.length = left
            last.inputs = None if last.inputs is None else last.inputs[:left]
    rest = storage.tables[0].segments
    progress.closed = rest[-1].index + rest[-1].closed if rest else 0
    progress.shots = rest[-1].shot if rest else 0
    progress.streams = {name: stream for name, stream in progress.streams.items() if stream.count}
    return True
