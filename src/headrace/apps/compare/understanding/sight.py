"""Glimpse: who is seen in what entered; Sights: when each was newly seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from headrace.apps.compare.understanding.reading import Reading
from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.millrace.oracle import ABSENCE, KNOWN
from headrace.understanding.tokens import Rows, TokenAdmission, Tokens

_NUMBER = {identity: number for number, identity in enumerate(KNOWN)}


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Who an oracle sees in some tokens.

    Attributes:
        who: int64 [N], numbers in `oracle.KNOWN`; -1 for nobody.
        place: int16 [N, 2], (row, column).
    """

    who: npt.NDArray[np.int64]
    place: npt.NDArray[np.int16]

    @classmethod
    def of(cls, reading: Reading, tokens: Tokens) -> Glimpse:
        """Everybody in all tokens of one item."""
        grid = tokens.grid
        place = np.stack(np.divmod(np.arange(grid[0] * grid[1]), grid[1]), axis=1)
        rows = Rows.of(tokens.features.reshape(len(place), -1), place, 0, tokens.sense)
        return cls(reading.read(rows).who, rows.place)

    def entered(self, reading: Reading, tokens: Tokens, admission: TokenAdmission) -> Glimpse:
        """Everybody in what a gate let in of the item; looked at anew only where the gate changed it."""
        if admission.tokens is tokens:
            chosen = admission.admitted.ravel()
            return Glimpse(self.who[chosen], self.place[chosen])
        rows = admission.rows()
        return Glimpse(reading.read(rows).who, rows.place)

    def place_of(self, identity: Identity) -> tuple[int, int] | None:
        """Where somebody is; None if not seen."""
        found = np.flatnonzero(self.who == _NUMBER[identity])
        return None if not len(found) else (int(self.place[found[0], 0]), int(self.place[found[0], 1]))


class Sights:
    """When each was newly seen: not seen for `ABSENCE` before."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._new: dict[int, list[int]] = {}

    def add(self, now: int, who: Iterable[int]) -> None:
        """Who is seen now (ns)."""
        for number in {int(one) for one in who if one >= 0}:
            if number not in self._seen or now - self._seen[number] > ABSENCE:
                self._new.setdefault(number, []).append(now)
            self._seen[number] = now

    def of(self, identity: Identity) -> list[int]:
        """Times, ns, rising."""
        return self._new.get(_NUMBER[identity], [])
