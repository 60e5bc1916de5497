"""ObservationMemory: what was seen, for ever, within a byte budget."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from sys import getsizeof, intern
from typing import Self

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError
from headrace.core.stateful import Snapshot
from headrace.understanding.meaning import Encoder
from headrace.understanding.memory import Memory
from headrace.understanding.observation import Observation
from headrace.understanding.search import LOOK_ALIKE, Query, Scores, rank, within

SMALLEST = 64_000
LONGEST_TEXT = 2_000

#: Bytes of one row besides its strings and box, as CPython keeps them: the object (120), two times (64),
#: two floats (48), its place in a table that doubles when it grows (100), the allocator's rounding.
ROW = 352
#: Bytes of a box: a tuple of four integers.
BOX = 216
#: Bytes of the note of a merged row's own weight: a place in a table and a float.
OWN = 128
#: Bytes of one stored embedding besides its numbers.
VECTOR = 240

#: A consolidation frees the memory down to this share of the budget, so that its cost is spread over
#: the writes that fill it again.
LOW_WATER = 0.8
#: The whole span of time in memory is worth this many doublings of weight when choosing what to forget.
SPAN_WORTH = 4.0

_NUMBER = re.compile(r"[-+\u2212]?\d+(?:[.,:]\d+)*")
_SKELETON = {c: None for c in range(128) if not chr(c).isalnum()} | LOOK_ALIKE


@dataclass
class View:
    """What a reader of one or several memories sees.

    Attributes:
        query: what was asked for.
        now: media time of the reading, ns.
        rows: the N observations the query's filters let through, by first time within a memory; not to be
            changed.
        meaning: float64 [N], cosine of meaning, or None without an encoder.
        folders: where each of the N rows was recalled from, or empty if that need not be told.
    """

    query: Query
    now: int
    rows: list[Observation]
    meaning: Scores | None = None
    folders: Sequence[str] = ()

    @cached_property
    def relevance(self) -> Scores:
        """float64 [N], lexical relevance in [0, 1)."""
        return rank(self.query.text, (row.text for row in self.rows))

    def best(self, n: int) -> list[Observation]:
        """The n rows most relevant to the query, best first; rows of no relevance are left out."""
        scores = self.relevance if self.meaning is None else self.relevance + self.meaning
        order = np.argsort(-scores, kind="stable")[:n]
        return [self.rows[i] for i in order if scores[i] > 0]


class ObservationMemory(Memory[Observation, Query, View]):
    """Observations under a hard budget of bytes; merges before it forgets.

    When a write exceeds the budget: (1) near-duplicates become one row, whose weight is their sum and
    whose span reaches from the first to the last sight; (2) neighbouring light events become one;
    (3) the lightest and oldest rows are forgotten and counted. So the weights held plus
    `forgotten_weight` are the sum of the highest weight written of each id. The one exception: an id that
    is written again after its row was forgotten or became part of another's counts anew, besides what
    it counted before; to know it, every id ever written would have to be kept.

    Args:
        budget: bytes that `nbytes()` never exceeds.
        encoder: embeds every text at write for search by meaning; None for lexical search only.

    Attributes:
        written, merged, forgotten: writes; rows that became part of another; rows that were dropped.
        forgotten_weight: sum of the weights of the dropped rows.
    """

    def __init__(self, budget: int, encoder: Encoder | None = None) -> None:
        if budget < SMALLEST:
            raise ConfigError(f"a memory of {budget} bytes is too small to be of use; give at least {SMALLEST}")
        self._budget, self._encoder = budget, encoder
        self.reset()

    def reset(self) -> None:
        self._rows: dict[str, Observation] = {}
        self._vectors: dict[str, npt.NDArray[np.float16]] = {}
        self._own: dict[str, float] = {}  # of merged rows: the weight that their id itself was written with
        self._bytes = 0
        self.written = self.merged = self.forgotten = 0
        self.forgotten_weight = 0.0

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> Iterator[Observation]:
        """All observations in the order of their last write; not to be changed."""
        return iter(self._rows.values())

    def get(self, name: str) -> Observation | None:
        """The observation of that id, or None if it was never written, merged away or forgotten."""
        return self._rows.get(name)

    def write(self, observation: Observation) -> None:
        """Add an observation, or extend the one of the same id.

        An id's weight is its count so far: writing it again replaces its own count, and leaves what
        it gained by merging. The newest text counts; text beyond 2,000 characters is cut.
        """
        self.written += 1
        new = replace(observation, text=observation.text[:LONGEST_TEXT])
        own = self._own.get(new.id)
        vector = self._vectors.get(new.id)
        old = self._drop(new.id)
        if old is None:
            self._put(new)
        else:
            gained = 0.0 if own is None else old.weight - own
            whole = replace(new, first=min(old.first, new.first), last=max(old.last, new.last))
            whole.weight = max(new.weight, old.weight - gained) + gained
            whole.thumbnail, whole.segment = new.thumbnail or old.thumbnail, new.segment or old.segment
            same = old.text == whole.text
            self._put(whole, vector if same else None)
            if own is not None:
                self._set_own(new.id, max(own, new.weight))
        if self._bytes > self._budget:
            self._consolidate()

    def retire(self, kind: str, before: int) -> int:
        """Forget the rows of a kind that were last seen before `before` (media time, ns); returns how many."""
        old = [row for row in self._rows.values() if row.kind == kind and row.last < before]
        for row in old:
            self._drop(row.id)
            self.forgotten += 1
            self.forgotten_weight += row.weight
        return len(old)

    def read(self, query: Query, now: int) -> View:
        """The observations that the query's filters let through."""
        rows = [row for row in self._rows.values() if _passes(query, row)]
        rows.sort(key=lambda row: row.first)
        meaning = None
        if self._encoder is not None and rows:
            asked = self._encoder.encode([query.text])[0].astype(np.float32)
            nothing = np.zeros_like(asked, dtype=np.float16)
            held = np.stack([self._vectors.get(row.id, nothing) for row in rows])
            meaning = (held.astype(np.float32) @ asked).astype(np.float64)
        return View(query, now, rows, meaning)

    def nbytes(self) -> int:
        """Bytes held, with Python's own overhead; kept up to date by every write."""
        return self._bytes

    def max_bytes(self) -> int:
        return self._budget

    def tiers(self) -> dict[str, int]:
        return {"host": self._bytes}

    def snapshot(self) -> Snapshot:
        counters = [self.written, self.merged, self.forgotten, self.forgotten_weight]
        vectors = list(self._vectors.items())
        meta = {
            "rows": [row.values() for row in self._rows.values()],
            "counters": counters,
            "own": self._own.copy(),
            "embedded": [name for name, _ in vectors],
        }
        arrays = {"vectors": np.stack([v for _, v in vectors])} if vectors else {}
        return Snapshot("observations", meta, arrays)

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("observations").meta
        self.reset()
        embedded = dict(zip(meta["embedded"], snapshot.arrays.get("vectors", ()), strict=True))
        for values in meta["rows"]:
            row = Observation.of(values)
            self._put(row, embedded.get(row.id))
        for name, weight in meta["own"].items():
            self._set_own(name, weight)
        self.written, self.merged, self.forgotten, self.forgotten_weight = meta["counters"]
        if self._bytes > self._budget:
            self._consolidate()

    def fork(self) -> Self:
        other = type(self)(self._budget, self._encoder)
        other._rows = {name: replace(row) for name, row in self._rows.items()}
        other._vectors = dict(self._vectors)
        other._own = dict(self._own)
        other._bytes = self._bytes
        other.written, other.merged, other.forgotten = self.written, self.merged, self.forgotten
        other.forgotten_weight = self.forgotten_weight
        return other

    def _put(self, row: Observation, vector: npt.NDArray[np.float16] | None = None) -> None:
        row.kind, row.source = intern(row.kind), intern(row.source)
        self._rows[row.id] = row
        self._bytes += row_bytes(row)
        if self._encoder is not None and row.text:
            vector = self._encoder.encode([row.text])[0] if vector is None else np.array(vector)
            self._vectors[row.id] = vector
            self._bytes += VECTOR + vector.nbytes

    def _drop(self, name: str) -> Observation | None:
        row = self._rows.pop(name, None)
        if row is None:
            return None
        self._bytes -= row_bytes(row)
        vector = self._vectors.pop(name, None)
        if vector is not None:
            self._bytes -= VECTOR + vector.nbytes
        if self._own.pop(name, None) is not None:
            self._bytes -= OWN
        return row

    def _set_own(self, name: str, weight: float) -> None:
        self._bytes += 0 if name in self._own else OWN
        self._own[name] = weight

    def _merge(self, old: Observation, new: Observation) -> None:
        """Make one row of two; it keeps the newer's id, which a tracker may still extend."""
        joined = _join(old, new, old.weight + new.weight)
        vector = self._vectors.get(new.id if joined.text == new.text else old.id)
        own = self._own.get(new.id, new.weight)
        self._drop(old.id)
        self._drop(new.id)
        self._put(joined, vector)
        self._set_own(new.id, own)
        self.merged += 1

    def _consolidate(self) -> None:
        """Merge, then forget, until the memory is down to its low-water mark."""
        low = int(self._budget * LOW_WATER)
        for merge in (self._merge_duplicates, self._merge_events):
            if self._bytes <= low:
                return
            merge()
        if self._bytes > low:
            self._forget(low)

    def _merge_duplicates(self) -> None:
        """One pass in time: lines of a source that read the same but for noise, at whatever distance."""
        seen: dict[str, str] = {}
        texts = [row for row in self._rows.values() if row.kind != "event" and row.text]
        for row in sorted(texts, key=lambda row: row.last):
            keys = _keys(row)
            for key in keys:
                other = self._rows.get(seen.get(key, ""))
                if other is not None and near_duplicate(other.text, row.text):
                    self._merge(other, row)
                    break
            seen.update(dict.fromkeys(keys, row.id))

    def _merge_events(self) -> None:
        """Pair up neighbouring events of the least weight, except in the newest quarter of time."""
        events = [row for row in self._rows.values() if row.kind == "event"]
        if len(events) < 2:
            return
        events.sort(key=lambda row: (row.source, row.first))
        first, last = min(row.first for row in events), max(row.last for row in events)
        recent = last - (last - first) // 4
        light = 2 * min(row.weight for row in events)
        waiting: Observation | None = None
        for row in events:
            if row.weight >= light or row.last > recent:
                waiting = None
            elif waiting is not None and waiting.source == row.source:
                self._merge(waiting, row)
                waiting = None
            else:
                waiting = row

    def _forget(self, low: int) -> None:
        first = min(row.first for row in self._rows.values())
        span = max(1, max(row.last for row in self._rows.values()) - first)

        def worth(row: Observation) -> float:
            return math.log2(max(row.weight, 1e-9)) + SPAN_WORTH * (row.last - first) / span

        for row in sorted(self._rows.values(), key=worth)[:-1]:
            if self._bytes <= low:
                return
            self._drop(row.id)
            self.forgotten += 1
            self.forgotten_weight += row.weight


def read_all(memories: Iterable[ObservationMemory], query: Query, now: int) -> View:
    """The observations of several memories that the query's filters let through, ranked together."""
    return joined(query, [memory.read(query, now) for memory in memories])


def joined(query: Query, views: Sequence[View]) -> View:
    """One view of several; its time is the latest of theirs."""
    rows = [row for view in views for row in view.rows]
    folders = [folder for view in views for folder in view.folders or [""] * len(view.rows)]
    meaning = None
    if any(view.meaning is not None for view in views):
        parts = [np.zeros(len(view.rows)) if view.meaning is None else view.meaning for view in views]
        meaning = np.concatenate(parts)
    return View(query, max((view.now for view in views), default=0), rows, meaning, folders)


def near_duplicate(a: str, b: str) -> bool:
    """Whether two lines read the same but for recognition noise.

    Spaces, case, punctuation and look-alike letters do not count. Beyond that one edit in ten letters
    is forgiven, within words of five letters or more that begin alike. Numbers and their signs must be
    equal: "Level 4.21 m" and "Level 4.27 m" are two facts.
    """
    if a == b:
        return True
    if _NUMBER.findall(a) != _NUMBER.findall(b):
        return False
    left, right = _skeleton(a), _skeleton(b)
    if left == right:
        return True
    words = list(zip(_skeleton_words(a), _skeleton_words(b), strict=False))
    if "".join(x for x, _ in words) != left or "".join(y for _, y in words) != right:
        return False
    differing = [(x, y) for x, y in words if x != y]
    return len(differing) <= min(len(left), len(right)) // 10 and all(
        min(len(x), len(y)) >= 5 and x[0] == y[0] and within(x, y, 1) for x, y in differing
    )


def _skeleton(text: str) -> str:
    return text.lower().translate(_SKELETON)


def _skeleton_words(text: str) -> list[str]:
    return [word for word in (_skeleton(part) for part in text.split()) if word]


def _keys(row: Observation) -> tuple[str, str, str]:
    """Names under which noisy copies of a row's text meet: all of it, its beginning, its end."""
    text, place = _skeleton(row.text), f"{row.kind}\x1f{row.source}\x1f"
    half = max(4, len(text) // 2)
    return place + text, f"{place}<{text[:half]}", f"{place}>{text[-half:]}"


def _join(old: Observation, new: Observation, weight: float) -> Observation:
    """One observation of two, under the newer's id; of two readings the more confident is kept."""
    better = new if new.score >= old.score else old
    return replace(
        better,
        id=new.id,
        first=min(old.first, new.first),
        last=max(old.last, new.last),
        weight=weight,
        thumbnail=better.thumbnail or old.thumbnail or new.thumbnail,
        segment=old.segment or new.segment,
    )


def _passes(query: Query, row: Observation) -> bool:
    return (
        (not query.kinds or row.kind in query.kinds)
        and (not query.sources or row.source in query.sources)
        and (query.since is None or row.last >= query.since)
        and (query.until is None or row.first <= query.until)
    )


def row_bytes(row: Observation) -> int:
    """Bytes of a row: `ROW`, its own strings (kind and source are shared by all rows), and its box."""
    total = ROW if row.box is None else ROW + BOX
    for text in (row.id, row.text, row.thumbnail, row.segment):
        if text is not None:
            total += getsizeof(text)
    return total
