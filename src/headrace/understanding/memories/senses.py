"""Senses: one memory for what is seen, one for what is heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np

from headrace.core.stateful import Snapshot
from headrace.understanding.memory import Memory
from headrace.understanding.tokens import Cue, Rows, TokenAdmission, TokenView


class Senses:
    """Writes tokens to the memory of their sense and reads both; a Memory, Stateful.

    A cue with features is one of sight: what was heard is given whole, within the cue's stretch of time.

    Args:
        sight, sound: the two memories.
    """

    kind = "senses"

    def __init__(
        self, sight: Memory[TokenAdmission, Cue, TokenView], sound: Memory[TokenAdmission, Cue, TokenView]
    ) -> None:
        self.sight, self.sound = sight, sound

    def write(self, what: TokenAdmission, /) -> None:
        """Raises: InputError: as the memory of that sense."""
        (self.sight if what.tokens.sense == "sight" else self.sound).write(what)

    def read(self, query: Cue, now: int, /) -> TokenView:
        heard = self.sound.read(Cue(None, query.since, query.until), now)
        rows = Rows.join((self.sight.read(query, now).rows, heard.rows))
        return TokenView(rows[np.argsort(rows.first, kind="stable")], now)

    def tiers(self) -> Mapping[str, int]:
        both = dict(self.sight.tiers())
        for name, count in self.sound.tiers().items():
            both[name] = both.get(name, 0) + count
        return both

    # -- Stateful -----------------------------------------------------------------------------

    def reset(self) -> None:
        self.sight.reset()
        self.sound.reset()

    def snapshot(self) -> Snapshot:
        return Snapshot.join(self.kind, {"sight": self.sight.snapshot(), "sound": self.sound.snapshot()})

    def restore(self, snapshot: Snapshot) -> None:
        snapshot.expect(self.kind)
        self.sight.restore(snapshot.part("sight"))
        self.sound.restore(snapshot.part("sound"))

    def fork(self) -> Self:
        return type(self)(self.sight.fork(), self.sound.fork())

    def nbytes(self) -> int:
        return self.sight.nbytes() + self.sound.nbytes()

    def max_bytes(self) -> int:
        return self.sight.max_bytes() + self.sound.max_bytes()
