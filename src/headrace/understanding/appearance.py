"""AppearanceTrigger: speaks when something that is waited for comes into sight or is heard."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.core.item import SECOND
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Floats
from headrace.understanding.tokens.rows import SENSES, Rows
from headrace.understanding.tokens.view import TokenView
from headrace.understanding.trigger import Respond, Trigger

#: Bytes of a standing cue besides its vectors; characters of its id at most.
CUE, LONGEST = 256, 128
_NEVER = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Awaited:
    """What to wait for.

    Attributes:
        id: names it in actions.
        features: float32 [Q, D]: what it may look or sound like.
        threshold: cosine from which a row is it; the default tells apart patches that share shape and colour.
        sense: of the rows that may be it.
        after: only what begins later than this media time (ns) can fire it.
    """

    id: str
    features: Floats
    threshold: float = 0.96
    sense: str = "sight"
    after: int = -(1 << 62)

    @property
    def nbytes(self) -> int:
        return self.features.nbytes + CUE


class AppearanceTrigger(Trigger[TokenView]):
    """Fires when a new row matches a standing cue, once for each visit; Stateful.

    A row matches if it is of the cue's sense and its cosine with one of the cue's vectors reaches the threshold. It is
    new if its last token is later than all rows of its sense that were shown before, so a view of the whole memory may
    be shown as well as one of what has just entered. The cue fires if it was not seen for `rest` before the row began;
    each further sight of it prolongs the visit. Behind a gate that admits a thing once, a thing that stays in sight is
    not seen again: there a visit ends `rest` after the last row that entered.
    `Respond.since` is the row's first time; the evidence is ((first, last), (row, column), cosine) of the best row.

    Args:
        cues: what stands from the beginning.
        rest: ns.
        room: bytes that all cues may take.

    Raises:
        ConfigError: as of `add`; also a rest that is not above 0.
        CapacityError: as of `add`.
    """

    def __init__(self, cues: Iterable[Awaited] = (), rest: int = 5 * SECOND, room: int = 1 << 20) -> None:
        if rest <= 0:
            raise ConfigError(f"appearance trigger: rest {rest} ns: use more than 0")
        self.rest, self.room = rest, room
        self._given = tuple(cues)
        self.reset()

    def reset(self) -> None:
        """Forget what was seen and asked since; the cues given at the start stand again."""
        self._cues: dict[str, Awaited] = {}
        self._seen: dict[str, int] = {}
        self._until = [_NEVER] * len(SENSES)
        for cue in self._given:
            self.add(cue)

    def add(self, cue: Awaited) -> None:
        """Wait for one more; only rows that are shown from now on count, and what was in sight before `after` and has
        not left since does not fire it.

        Raises:
            ConfigError: its id is empty, long or taken, its sense unknown, or its vectors are not finite, of no length,
                or not [Q, D] of the others' D.
            CapacityError: there is no room for it.
        """
        what, features = f"standing cue {cue.id[:LONGEST]!r}", np.asarray(cue.features, np.float32)
        if not 0 < len(cue.id) <= LONGEST or cue.id in self._cues:
            raise ConfigError(f"{what}: its id is taken, empty or of more than {LONGEST} characters; give another")
        if cue.sense not in SENSES:
            raise ConfigError(f"{what}: sense {cue.sense!r} is none of {', '.join(SENSES)}")
        if features.ndim != 2 or not features.size or not np.isfinite(features).all() or not features.any(axis=1).all():
            raise ConfigError(f"{what}: features of shape {features.shape}; use finite ones above 0, [vectors, size]")
        size = next((other.features.shape[1] for other in self._cues.values()), features.shape[1])
        if features.shape[1] != size:
            raise ConfigError(
                f"{what}: vectors of {features.shape[1]} components, the others have {size}; use one size"
            )
        standing = replace(cue, features=features / np.linalg.norm(features, axis=1, keepdims=True))
        if self._held() + standing.nbytes > self.room:
            raise CapacityError(f"{what}: no room: {self._held()} of {self.room} bytes are taken; drop a cue")
        self._cues[cue.id] = standing
        self._seen[cue.id] = _NEVER

    def drop(self, cue: str) -> None:
        """Wait no longer for the cue of that id; it need not stand."""
        self._cues.pop(cue, None)
        self._seen.pop(cue, None)

    def decide(self, now: int, view: TokenView) -> list[Respond]:
        """The cues that came into sight, in the order in which they were given.

        Raises:
            InputError: the rows have features of another size than the cues.
        """
        rows = view.rows
        fresh = np.flatnonzero(rows.last > np.asarray(self._until)[rows.sense])
        if not len(fresh):
            return []
        new = rows[fresh]
        for cue in self._cues.values():
            if cue.features.shape[1] != new.features.shape[1]:
                sizes = f"{new.features.shape[1]} components, the cue {cue.id!r} has {cue.features.shape[1]}"
                raise InputError(f"appearance trigger at {now} ns: rows of {sizes}; use one encoder for both")
        for sense in range(len(SENSES)):
            self._until[sense] = max(self._until[sense], int(new.last.max(where=new.sense == sense, initial=_NEVER)))
        units = new.features / np.maximum(np.linalg.norm(new.features, axis=1, keepdims=True), 1e-12)
        looks = ((cue, (units @ cue.features.T).max(axis=1)) for cue in self._cues.values())
        return [fired for cue, likeness in looks if (fired := self._look(cue, now, new, likeness)) is not None]

    def _look(self, cue: Awaited, now: int, new: Rows, likeness: Floats) -> Respond | None:
        found = np.flatnonzero((likeness >= cue.threshold) & (new.sense == SENSES.index(cue.sense)))
        if not len(found):
            return None
        first, before = int(new.first[found].min()), self._seen[cue.id]
        self._seen[cue.id] = max(before, int(new.last[found].max()))
        if first - before < self.rest or first <= cue.after:
            return None
        best = int(found[np.argmax(likeness[found])])
        span, place = (int(new.first[best]), int(new.last[best])), tuple(int(one) for one in new.place[best])
        return Respond(cue.id, first, now, ((span, place, float(likeness[best])),))

    def _held(self) -> int:
        return sum(cue.nbytes for cue in self._cues.values())

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        cues = [
            {
                "id": cue.id,
                "threshold": cue.threshold,
                "sense": cue.sense,
                "after": cue.after,
                "seen": self._seen[cue.id],
            }
            for cue in self._cues.values()
        ]
        arrays = {str(number): cue.features.copy() for number, cue in enumerate(self._cues.values())}
        return Snapshot("appearance-trigger", {"cues": cues, "until": list(self._until)}, arrays)

    def restore(self, snapshot: Snapshot) -> None:
        meta: dict[str, Any] = snapshot.expect("appearance-trigger").meta
        cues = [
            Awaited(cue["id"], snapshot.arrays[str(number)].copy(), cue["threshold"], cue["sense"], cue["after"])
            for number, cue in enumerate(meta["cues"])
        ]
        if (held := sum(cue.nbytes for cue in cues)) > self.room:
            raise StateError(f"the snapshot holds {held} bytes of cues, this trigger has room for {self.room}")
        self._cues = {cue.id: cue for cue in cues}
        self._seen = {cue["id"]: cue["seen"] for cue in meta["cues"]}
        self._until = list(meta["until"])

    def fork(self) -> Self:
        other = type(self)(self._given, self.rest, self.room)
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        return self._held() + 8 * len(SENSES)

    def max_bytes(self) -> int:
        return self.room + 8 * len(SENSES)
