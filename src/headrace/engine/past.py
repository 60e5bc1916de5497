"""Past: the inputs of a session, remembered as long as they are few enough to be read again."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.engine.host import Inputs


class Past:
    """What a session has read and said, in order, up to a number of tokens.

    Args:
        most: tokens that are remembered; once there are more, all are forgotten: one with a gap cannot be read again.

    Attributes:
        count: tokens read and said.
        whole: all of them are remembered.
        last: what came last.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.count, self.whole = 0, most > 0
        self.last: Inputs | None = None
        self._runs: list[Inputs] = []

    def add(self, inputs: Inputs | None, n: int) -> None:
        """So many tokens more; None: they cannot be read again."""
        self.count += n
        self.last = inputs
        if not self.whole:
            return
        if inputs is None or self.count > self.most:
            self._runs, self.whole = [], False
            return
        last = self._runs[-1] if self._runs else None
        alike = last is not None and (last.stream, last.kind, last.pts) == (inputs.stream, inputs.kind, inputs.pts)
        if alike and isinstance(inputs.ids, list) and isinstance(last.ids, list):  # type: ignore[union-attr]
            last.ids.extend(inputs.ids)  # type: ignore[union-attr]
        else:
            ids = list(inputs.ids) if isinstance(inputs.ids, list) else inputs.ids
            self._runs.append(Inputs(ids, inputs.stream, inputs.kind, inputs.pts))

    def first(self, n: int) -> list[Inputs]:
        """The first n tokens, as they were read."""
        return part(self._runs, 0, n)

    def cut(self, n: int) -> None:
        """Forget all but the first n tokens."""
        self._runs = self.first(n)
        self.count = min(self.count, n)

    def common(self, ids: Sequence[int]) -> int:
        """How many tokens at the beginning are these."""
        at = 0
        for run in self._runs:
            for token in run.ids:
                if at == len(ids) or token != ids[at]:
                    return at
                at += 1
        return at

    def fork(self) -> Past:
        other = Past(self.most)
        other.count, other.whole, other.last, other._runs = self.count, self.whole, self.last, self.first(self.count)
        return other

    def nbytes(self) -> int:
        """Bytes of the tokens, as numbers of 8 bytes."""
        return 8 * sum(len(run.ids) for run in self._runs)


def part(runs: Sequence[Inputs], start: int, stop: int) -> list[Inputs]:
    """Tokens start to stop - 1 of inputs in order."""
    found: list[Inputs] = []
    for run in runs:
        if stop <= 0:
            break
        if start < min(stop, len(run.ids)):
            found.append(Inputs(run.ids[max(start, 0) : stop], run.stream, run.kind, run.pts))
        start, stop = start - len(run.ids), stop - len(run.ids)
    return found
