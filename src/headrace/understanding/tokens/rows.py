"""Rows: tokens that are kept, with what merging must not destroy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from headrace.understanding.admission import Floats

Longs = npt.NDArray[np.int64]
#: Senses by the number that a row has of them.
SENSES = ("sight", "sound")


@dataclass(slots=True)
class Rows:
    """N rows, one entry of every array each. Never changed in place: every method makes new ones.

    Attributes:
        features: float32 [N, D].
        place: int16 [N, 2]: (row, column) in the encoder's grid; (-1, -1) for a whole picture and for sound.
        time: int64 [N]: ns; of a merged row the mean time, by weight.
        first, last: int64 [N]: ns, of the earliest and the latest token in the row.
        weight: float32 [N]: how many tokens of the encoder it stands for.
        sense: int8 [N]: its place in `SENSES`.
        score: float32 [N]: what its gate or memory thinks of it; 0 where none does.
    """

    features: Floats
    place: npt.NDArray[np.int16]
    time: Longs
    first: Longs
    last: Longs
    weight: Floats
    sense: npt.NDArray[np.int8]
    score: Floats

    @classmethod
    def of(cls, features: Floats, place: npt.NDArray[Any], pts: int, sense: str = "sight", score: float = 0.0) -> Self:
        """Rows of single tokens, [N, D] at [N, 2], that came at one time."""
        count = len(features)
        time = np.full(count, pts, np.int64)
        return cls(
            np.asarray(features, np.float32),
            np.asarray(place, np.int16).reshape(count, 2),
            time, time.copy(), time.copy(),
            np.ones(count, np.float32),
            np.full(count, SENSES.index(sense), np.int8),
            np.full(count, score, np.float32),
        )  # fmt: skip

    @classmethod
    def none(cls, size: int = 0) -> Self:
        """No row, of features of that size."""
        return cls.of(np.empty((0, size), np.float32), np.empty((0, 2), np.int16), 0)

    @classmethod
    def join(cls, parts: Iterable[Rows]) -> Self:
        """The rows of all parts, in order; those without a row may have features of any size."""
        held = [part for part in parts if len(part)]
        if not held:
            return cls.none()
        return cls(**{one.name: np.concatenate([getattr(part, one.name) for part in held]) for one in fields(cls)})

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, chosen: slice | Sequence[int] | npt.NDArray[Any]) -> Self:
        """The chosen rows: a slice, indices or a mask."""
        if isinstance(chosen, list | tuple):
            chosen = np.asarray(chosen, np.intp)
        return type(self)(**{one.name: getattr(self, one.name)[chosen] for one in fields(self)})

    def merged(self, groups: npt.NDArray[np.intp]) -> Self:
        """One row for each group: features and times are means by weight, weights add up, spans reach from the first
        to the last. Place, sense and score are those of the heaviest row of the group.

        Args:
            groups: [N], the number of each row's group, 0 to G - 1, none of them empty.
        """
        count = int(groups.max()) + 1 if len(groups) else 0
        weight = np.bincount(groups, self.weight, count)
        features = np.zeros((count, self.features.shape[1]))
        np.add.at(features, groups, self.features * self.weight[:, None])
        base = int(self.time.min()) if len(self) else 0
        mean = np.bincount(groups, (self.time - base) * self.weight.astype(np.float64), count) / weight
        first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
        np.minimum.at(first, groups, self.first)
        np.maximum.at(last, groups, self.last)
        order = np.lexsort((np.arange(len(self)), -self.weight, groups))
        heaviest = order[np.unique(groups[order], return_index=True)[1]]
        return type(self)(
            (features / weight[:, None]).astype(np.float32),
            self.place[heaviest],
            np.clip(base + np.rint(mean).astype(np.int64), first, last),
            first,
            last,
            weight.astype(np.float32),
            self.sense[heaviest],
            self.score[heaviest],
        )

    @property
    def nbytes(self) -> int:
        return sum(int(getattr(self, one.name).nbytes) for one in fields(self))

    def arrays(self, prefix: str = "") -> dict[str, npt.NDArray[Any]]:
        """Copies by name, as a snapshot takes them."""
        return {prefix + one.name: getattr(self, one.name).copy() for one in fields(self)}

    @classmethod
    def restored(cls, arrays: Mapping[str, npt.NDArray[Any]], prefix: str = "") -> Self:
        """The inverse of `arrays`."""
        return cls(**{one.name: arrays[prefix + one.name].copy() for one in fields(cls)})


def row_bytes(size: int) -> int:
    """Bytes of one row of features of that size."""
    return 4 * size + 2 * 2 + 3 * 8 + 4 + 1 + 4
