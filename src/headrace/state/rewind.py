"""Rewind: go back to where fewer inputs had been read, as long as nothing was lost since."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.state.policy import Policy
from headrace.state.progress import Progress
from headrace.state.segment import Segment
from headrace.state.storage import Storage


def rewind(storage: Storage, progress: Progress, count: int) -> bool:
    """Forget all inputs but the first `count`; False, and nothing is changed, if that state cannot be had again.

    It can while nothing was evicted or folded and no score was kept: what the first inputs wrote is then still there,
    as they wrote it. A segment that was written in one piece is forgotten whole or not at all. Of one that is cut,
    `last` stays the time of its newest input.

    Args:
        storage: outside a transaction.
        progress: its counters.
        count: 0 to `progress.count`.
    """
    if not possible(storage, progress, count):
        return False
    policy, segments = storage.policy, storage.tables[0].segments
    keep, left = _place(segments, count)
    for segment in segments[keep:]:
        progress.add(segment.stream, -(segment.length - (left if segment is segments[keep] else 0)))
    if not left and _cut_short(policy, segments, keep):
        keep -= 1
        left = segments[keep].length
    cut = segments[keep] if left else None
    after = segments[keep + 1 if cut else keep :]
    if after:
        storage.forget(after[0].index)
    for table in storage.tables:
        if cut is not None:
            last = table.segments[-1]
            last.closed, last.pinned, last.extent = False, 0, min(last.extent, left)
        table.reach = 0
        table.moved()
        table.reach = table.used
    if cut is not None:
        storage.clear(left, cut.length)
        for table in storage.tables:
            last = table.segments[-1]
            last.length = left
            last.inputs = None if last.inputs is None else last.inputs[:left]
    rest = storage.tables[0].segments
    progress.closed = rest[-1].index + rest[-1].closed if rest else 0
    progress.shots = rest[-1].shot if rest else 0
    progress.streams = {name: stream for name, stream in progress.streams.items() if stream.count}
    return True


def possible(storage: Storage, progress: Progress, count: int) -> bool:
    """Whether `rewind` can go back there."""
    policy, segments = storage.policy, storage.tables[0].segments
    scored = storage.budget.queries or any(keep.score is not None for keep in policy.keeps.values())
    if progress.evicted or progress.folded or scored or not 0 <= count <= progress.count:
        return False
    if sum(segment.length for segment in segments) != progress.count:
        return False
    keep, left = _place(segments, count)
    return not left or not policy.atomic(segments[keep].kind)


def _place(segments: Sequence[Segment], count: int) -> tuple[int, int]:
    """Segments that the first so many entries fill, and how many are in the next one."""
    left = count
    for number, segment in enumerate(segments):
        if left < segment.length:
            return number, left
        left -= segment.length
    return len(segments), left


def _cut_short(policy: Policy, segments: Sequence[Segment], keep: int) -> bool:
    """Whether the last of so many segments was closed only because another kind or stream came."""
    if not 0 < keep < len(segments) or policy.atomic(segments[keep - 1].kind):
        return False
    last, came = segments[keep - 1], segments[keep]
    differs = (policy.by_kind and last.kind != came.kind) or (policy.by_stream and last.stream != came.stream)
    return last.length < policy.block and differs and last.shot == came.shot
