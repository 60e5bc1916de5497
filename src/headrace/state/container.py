"""Container: everything one session keeps of its past, and the transaction by which it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from headrace.core.errors import CapacityError, InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.state.data import to_data
from headrace.state.layout import Layout
from headrace.state.policy import BASE_BYTES, INPUT_BYTES, MAX_NAMES, MAX_STREAMS, ROW_BYTES, Policy
from headrace.state.progress import Progress
from headrace.state.redo import Piece
from headrace.state.rewind import possible, rewind
from headrace.state.segment import REACH, Segment
from headrace.state.softmax import mix, weights
from headrace.state.storage import Storage
from headrace.state.tail import Before, Tail


class Sight(NamedTuple):
    """What a read goes over; views, not copies.

    Attributes:
        keys: [slots x kv_heads, key_dim, block]. values: [kv_heads, slots x block, value_dim].
        turns: complex [slots, 1, 1, key_dim / 2], or None where positions do not turn.
        bias: [n x group, slots x block]: 0, or -inf where an input does not see.
    """

    keys: Tensor
    values: Tensor
    turns: Tensor | None
    bias: Tensor


class Container:
    """Keys and values of every site, under one policy; Stateful.

    A forward pass over n inputs is a transaction: `begin(n)`, at each site `write` and `read`, then `commit` or
    `rollback`. What is begun lies beside the budget, in the segment that is open; reads see what is kept and what was
    begun. At most `room` inputs fit, so that no step crosses the boundary of a segment: there, and only there, the
    policy scores, evicts and folds. So results do not depend on how inputs were cut into steps.

    Args:
        layout: the model's sites.
        policy: what to keep.
        start: number of the first input; positions are exact whatever it is.
        tokens_per_unit: entries a frame at most, if the policy counts frames.

    Raises:
        ConfigError: the policy does not fit (see `Policy.bind`).
    """

    def __init__(self, layout: Layout, policy: Policy, *, start: int = 0, tokens_per_unit: int = 0) -> None:
        self.layout, self.policy, self.tokens_per_unit = layout, policy, tokens_per_unit
        self.budget = policy.bind(layout, tokens_per_unit)
        self._progress = Progress(start)
        self.reset()

    def reset(self) -> None:
        """Forget everything, as if just opened."""
        self._storage = Storage(self.layout, self.policy, self.budget)
        self._progress = Progress(self.start)
        self._tail: Tail | None = None
        self._released = False

    # ── what is there ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def start(self) -> int:
        """Number of the first input."""
        return self._progress.start

    @property
    def count(self) -> int:
        """Inputs that were committed."""
        return self._progress.count

    @property
    def evicted(self) -> int:
        """Entries that were dropped, at the first site."""
        return self._progress.evicted

    @property
    def folded(self) -> int:
        """Segments that were folded."""
        return self._progress.folded

    @property
    def segments(self) -> list[Segment]:
        """Copies of the segment table's rows, oldest first; those of the first site at grain "layer"."""
        return [segment.copy() for segment in self._storage.tables[0].segments]

    @property
    def last(self) -> Segment | None:
        """A copy of the newest row, or None."""
        segments = self._storage.tables[0].segments
        return segments[-1].copy() if segments else None

    @property
    def entries(self) -> int:
        """Entries that are kept, the most of any site."""
        return max(sum(segment.length for segment in table.segments) for table in self._storage.tables)

    @property
    def bases(self) -> list[int]:
        """Position of the first entry of each segment, oldest first."""
        return list(self._storage.tables[0].bases())

    @property
    def reach(self) -> tuple[int, ...]:
        """Slots that reads go over, of each segment table."""
        return tuple(table.used for table in self._storage.tables)

    @property
    def pending(self) -> int:
        """Inputs of the transaction that is under way; 0: none is."""
        return self._tail.n if self._tail else 0

    @property
    def steps(self) -> Tensor:
        """int64 [pending, axes]: positions of what was begun, from the base of its segment."""
        return self._begun().steps

    def room(self, stream: str = "main", kind: str = "text") -> int:
        """How many inputs the next transaction may hold: those up to the next boundary of a segment."""
        if self.policy.atomic(kind):
            return max(self.tokens_per_unit, 1)
        segment = self._storage.open
        return self.policy.block - (segment.length if segment and self._continues(segment, stream, kind) else 0)

    def turns(self, site: int) -> bool:
        """Whether keys and queries of a site turn with their position."""
        return self.policy.place.rotates and self.layout.sites[site].rotary is not None

    # ── the transaction ──────────────────────────────────────────────────────────────────────────────────────────

    def begin(
        self,
        n: int,
        *,
        stream: str = "main",
        kind: str = "text",
        inputs: Sequence[int] | None = None,
        steps: Tensor | None = None,
        pts: int = 0,
    ) -> None:
        """Begin to write n inputs.

        A change of stream or kind, if the policy minds it, closes the open segment. A segment that is written in one
        piece begins here and is closed by the commit.

        Args:
            n: 1 to `room(stream, kind)`.
            stream: whose inputs these are.
            kind: of the inputs; the policy's budgets may go by it.
            inputs: what goes into the model, token by token; needed if the policy may redo.
            steps: int64 [n, axes], positions of the inputs from the base of their segment; only where a segment is
                written in one piece. None: one after the other on every axis.
            pts: media time, ns.

        Raises:
            StateError: something was begun and not ended.
            ConfigError: the policy has no budget for this kind.
            InputError: n, `inputs` or `steps` do not fit.
            CapacityError: no room is left (policies with `bounded=False`), or too many streams.
        """
        self._idle("a step")
        whole, room = self.policy.atomic(kind), self.room(stream, kind)
        if not 1 <= n <= room:
            raise InputError(f"state: a step of {n} inputs of kind {kind!r}; 1 to {room} fit before the next boundary")
        if self.policy.redo is not None and (inputs is None or len(inputs) != n):
            raise InputError(f"state: the policy redoes inputs, so a step of {n} brings {n} token ids")
        if steps is not None and (not whole or steps.shape != (n, self.layout.axes)):
            raise InputError(f"state: steps {tuple(steps.shape)}; a whole segment takes ({n}, {self.layout.axes})")
        if steps is not None and (steps.dtype != torch.int64 or not bool(((steps >= 0) & (steps < REACH)).all())):
            raise InputError(
                f"state: steps are int64 from 0 to {REACH}, not {steps.dtype} {steps.min()} to {steps.max()}"
            )
        if not (isinstance(stream, str) and isinstance(kind, str) and len(stream) + len(kind) <= MAX_NAMES):
            raise InputError(f"state: stream and kind are names of {MAX_NAMES} characters together at most")
        if not isinstance(pts, int):
            raise InputError(f"state: pts={pts!r} is no whole number of ns")
        if stream not in self._progress.streams and len(self._progress.streams) >= MAX_STREAMS:
            raise CapacityError(f"state: a session has {MAX_STREAMS} streams at most")
        segment, mark = self._storage.open, None
        if segment is not None and (whole or not self._continues(segment, stream, kind)):
            mark = Before(self._storage.mark(), self._progress.copy())
            self.boundary()
            segment = None
        if segment is None:
            entries = n if whole else self.policy.block
            try:
                self._storage.begin(self._progress.segment(stream, kind, pts), entries, mark.storage if mark else None)
            except CapacityError:
                self._undo(mark)
                raise
        offset = segment.length if segment is not None else 0
        if steps is None:
            steps = torch.arange(offset, offset + n)[:, None].expand(n, self.layout.axes)
        self._tail = Tail(offset, n, steps, inputs if self.policy.redo is not None else None, pts, mark)

    def write(self, site: int, keys: Tensor, values: Tensor) -> None:
        """Put the keys [kv_heads, n, key_dim] and values [kv_heads, n, value_dim] of the inputs that were begun.

        Keys are turned by their `steps` and laid out pair by pair (`Rotary.flat`).
        """
        tail, shape = self._begun(), self.layout.sites[site]
        wanted = (shape.kv_heads, tail.n, shape.key_dim), (shape.kv_heads, tail.n, shape.value_dim)
        if (keys.shape, values.shape) != wanted or not keys.dtype == values.dtype == self.layout.dtype:
            found = f"keys {keys.dtype} {tuple(keys.shape)} and values {values.dtype} {tuple(values.shape)}"
            raise InputError(
                f"state: {found} at {shape.name}; it takes {self.layout.dtype} {wanted[0]} and {wanted[1]}"
            )
        self._storage.write(site, tail.offset, keys, values)

    def read(
        self,
        site: int,
        queries: Tensor,
        *,
        window: int | None = None,
        softcap: float = 0.0,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Attention of the inputs that were begun to all that they see.

        Args:
            site: its index in the layout.
            queries: [kv_heads, n x group, key_dim], scaled, those of one input side by side; complex [..., key_dim / 2]
                and turned by their `steps` where positions turn (`turns(site)`).
            window: positions that the site looks back, itself included; None: all.
            softcap: see `weights`.
            sinks: [kv_heads, group], see `mix`.

        Returns:
            [kv_heads, n x group, value_dim].
        """
        tail, sight = self._begun(), self.sight(site, queries, window, self.layout.sites[site].group)
        if self.budget.queries:
            tail.queries[site] = queries
        if sinks is not None:
            sinks = sinks.repeat(1, tail.n)
        return mix(weights(queries, sight.keys, sight.turns, sight.bias, softcap), sight.values, sinks)

    def sight(self, site: int, queries: Tensor, window: int | None = None, group: int = 1) -> Sight:
        """What a read of what was begun goes over.

        Args:
            site: its index in the layout.
            queries: give dtype and device of the turns.
            window: see `read`.
            group: rows of the mask for each input.
        """
        tail, table, shape = self._begun(), self._storage.table(site), self.layout.sites[site]
        keys, values = self._storage.kvs[site].reads(table.used)
        turns = table.turns(shape.rotary, queries) if shape.rotary is not None and self.turns(site) else None
        bias = tail.biases.get((id(table), window, group))
        if bias is None:
            bias = table.bias(tail.offset, tail.n, window, values)
            bias = tail.biases[id(table), window, group] = bias.repeat_interleave(group, 0) if group > 1 else bias
        return Sight(keys, values, turns, bias)

    def commit(self, n: int | None = None) -> None:
        """Keep the first n inputs of what was begun (all if None), forget the rest; at a boundary, evict and fold."""
        tail, segment = self._begun(), self._storage.open
        assert segment is not None
        n = tail.n if n is None else n
        if not 0 <= n <= tail.n:
            raise InputError(f"state: commit({n}) of {tail.n} inputs")
        if n < tail.n:
            self._storage.clear(tail.offset + n, tail.offset + tail.n)
        self._tail = None
        if n == 0:
            self._undo(tail.before)
            if tail.before is None and segment.length == 0:
                self._storage.forget(segment.index)
            return
        kept = None if tail.inputs is None else tail.inputs[:n]
        self._storage.extend(tail.offset + n, int(tail.steps[:n].max()) + 1, tail.pts, kept)
        self._storage.queries.keep(tail.queries, n)
        self._progress.add(segment.stream, n)
        if tail.offset + n == self.policy.block or self.policy.atomic(segment.kind):
            self.boundary()

    def rollback(self) -> None:
        """Forget what was begun."""
        self.commit(0)

    def boundary(self, shot: bool = False) -> None:
        """Close the open segment, if there is one; here the policy scores, evicts and folds.

        Args:
            shot: another shot begins.
        """
        self._idle("a boundary")
        progress = self._progress
        progress.shots += shot
        if self._storage.open is not None:
            dropped, folded = self._storage.close(progress.folded)
            progress.closed += 1
            progress.evicted += dropped
            progress.folded += folded

    def rewind(self, count: int) -> bool:
        """Back to where only the first `count` inputs had been read; False, and nothing is changed, if it cannot be.

        It can be done while nothing was evicted or folded since the first input and the policy keeps no scores. What
        comes next is then as if the rest had never been.
        """
        self._idle("a rewind")
        return rewind(self._storage, self._progress, count)

    def rewinds(self, count: int) -> bool:
        """Whether `rewind` can go back to the first `count` inputs."""
        return not self._released and self._tail is None and possible(self._storage, self._progress, count)

    def redo(self, event: str) -> list[Piece]:
        """What the policy wants to run again at an event: forget its entries and give the inputs back.

        The caller writes the pieces again, in order, each after `again(piece)`, before anything else. Nothing happens,
        and nothing is given, if the policy has no such event.
        """
        self._idle("a redo")
        rule, segments = self.policy.redo, self._storage.tables[0].segments
        if rule is None or rule.event != event or not segments:
            return []
        again = segments[-(rule.last + (not segments[-1].closed)) :]
        self._storage.forget(again[0].index)
        self._progress.closed = again[0].index
        for segment in again:
            self._progress.add(segment.stream, -segment.length)
        return [Piece(s.stream, s.kind, list(s.inputs or ()), s.first, s.shot) for s in again]

    def again(self, piece: Piece) -> None:
        """Let what is written next begin the segment that a piece was."""
        self.boundary()
        self._progress.shots = piece.shot

    # ── Stateful ─────────────────────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> Snapshot:
        """Everything; entries only, not the storage around them."""
        self._idle("a snapshot")
        arrays, dtype = self._storage.arrays()
        meta = {
            "policy": to_data(self.policy),
            "tokens_per_unit": self.tokens_per_unit,
            "dtype": dtype,
            "tables": self._storage.rows(),
        } | self._progress.to_json()
        return Snapshot("container", meta, arrays)

    def release(self) -> Snapshot:
        """As `snapshot`, and let go of the entries until `restore`; what there is can be asked all the while."""
        snapshot = self.snapshot()
        self._storage.release()
        self._released = True
        return snapshot

    def restore(self, snapshot: Snapshot) -> None:
        """Become what was saved; unchanged if it does not fit.

        Raises:
            StateError: it is of another policy, model shape or dtype, or damaged.
        """
        meta = snapshot.expect("container").meta
        if meta.get("policy") != to_data(self.policy) or meta.get("tokens_per_unit") != self.tokens_per_unit:
            raise StateError("state: the snapshot is of another policy")
        other = type(self)(self.layout, self.policy, tokens_per_unit=self.tokens_per_unit)
        try:
            other._storage.load(meta["tables"], snapshot.arrays, meta["dtype"])
            progress = other._progress = Progress.from_json(meta)
            other.check()
            last = other.last
            following = max(progress.closed, 0) if last is None else last.index + last.closed
            if progress.closed != following:
                raise ValueError(f"its next serial number is {progress.closed}")
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RuntimeError, StateError) as error:
            raise StateError(f"state: the snapshot is damaged or of another model: {error}") from error
        self.__dict__.update(other.__dict__)

    def fork(self) -> Self:
        """Another container with the same content; nothing is shared."""
        self._idle("a fork")
        other = type(self)(self.layout, self.policy, start=self.start, tokens_per_unit=self.tokens_per_unit)
        other._take(self)
        return other

    def adopt(self, other: Container) -> None:
        """Take over what a container of another policy has seen, if this policy would have kept the same until now.

        Raises:
            StateError: something would have been dropped, or stand elsewhere, or be laid out or scored differently.
        """
        other._idle("to be adopted")
        mine, theirs = self.policy, other.policy
        same = ("block", "grain", "scores", "see", "redo", "by_kind", "by_stream")
        differ = [name for name in same if getattr(mine, name) != getattr(theirs, name)]
        if self.layout is not other.layout:
            raise StateError("state: nothing to share; it is of another model")
        differ += ["place"] if mine.place.rotates != theirs.place.rotates else []
        if differ or other.evicted or other.tokens_per_unit != self.tokens_per_unit:
            raise StateError(f"state: nothing to share; {', '.join(differ) or 'something was dropped already'}")
        tried = type(self)(self.layout, mine, start=other.start, tokens_per_unit=self.tokens_per_unit)
        tried._take(other)
        for table, held in zip(tried._storage.tables, other._storage.tables, strict=True):
            if table.used > table.limit or table.evict():
                raise StateError("state: nothing to share; this policy would have dropped some of it")
            if table.segments and _distances(table.bases()) != _distances(held.bases()):
                raise StateError("state: nothing to share; under this policy it stands elsewhere")
        self.__dict__.update(tried.__dict__)

    def nbytes(self) -> int:
        """Bytes that are held now, storage that is not filled included."""
        rows = [segment for table in self._storage.tables for segment in table.segments]
        inputs = sum(len(segment.inputs or ()) for segment in rows)
        return BASE_BYTES + ROW_BYTES * len(rows) + INPUT_BYTES * inputs + self._storage.nbytes()

    def max_bytes(self) -> int:
        """Bytes at most, known when the container is made."""
        return self.budget.max_bytes

    def tensors(self) -> list[Tensor]:
        """All tensors that are held: in the steady state they stay the same."""
        return self._storage.tensors()

    def check(self) -> None:
        """StateError unless all is consistent and within its limits."""
        self._storage.check()
        if self.nbytes() > self.max_bytes():
            raise StateError(f"state: it holds {self.nbytes()} bytes, {self.max_bytes()} were promised")

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _undo(self, before: Before | None) -> None:
        """Take back the boundary that a begin brought."""
        if before is not None:
            self._storage.revert(before.storage)
            self._progress = before.progress

    def _begun(self) -> Tail:
        if self._tail is None:
            raise StateError("state: nothing was begun; call begin() first")
        return self._tail

    def _idle(self, what: str) -> None:
        if self._tail is not None:
            raise StateError(f"state: {what} within a step; commit it or roll it back first")
        if self._released:
            raise StateError(f"state: {what} while its entries are elsewhere; restore them first")

    def _continues(self, segment: Segment, stream: str, kind: str) -> bool:
        """Whether inputs of this stream and kind go on in the open segment."""
        same_kind = not self.policy.by_kind or segment.kind == kind
        return same_kind and (not self.policy.by_stream or segment.stream == stream)

    def _take(self, other: Container) -> None:
        """Copy the content of another container."""
        self._storage.take(other._storage)
        self._progress = other._progress.copy()


def _distances(bases: list[int]) -> list[int]:
    """Of each base from the last one: all that attention can see of them."""
    return [bases[-1] - base for base in bases]
