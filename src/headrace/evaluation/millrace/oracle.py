"""Oracle: answers questions from whatever rows a memory kept, so that gates and memories are judged without a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from headrace.core.frame import Frame
from headrace.core.item import SECOND
from headrace.evaluation.millrace.asked import Asked
from headrace.evaluation.millrace.identity import COURIER, EVERYBODY, Identity
from headrace.evaluation.millrace.questions import place
from headrace.evaluation.millrace.scenery import backdrop
from headrace.evaluation.millrace.sound import BEEPS, FULL, sounded
from headrace.evaluation.millrace.words import WORDS
from headrace.evaluation.millrace.world import World

#: Rows of one identity further apart than that belong to two visits, ns.
ABSENCE = 30 * SECOND
#: A word belongs to an entrance if it begins no further from it, ns.
WORD_NEAR = 9 * SECOND
#: Scenes by which the threshold is set, and the way that it lies from the likest of them to a perfect match.
SCENES, WAY = 32, 2 / 3
#: Number of the sense "sound" of a row.
SOUND = 1
#: Who can be recognised, by number.
KNOWN = (*EVERYBODY, COURIER)
_BATCH = 2048

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]


class Kept(Protocol):
    """What a memory kept, one entry of every array a row.

    Attributes:
        features: float32 [N, D], near to length 1 or not.
        place: [N, 2], (row, column); negative where a row has no place.
        first, last: int64 [N], ns.
        sense: [N], 0 for sight and `SOUND` for sound.
    """

    @property
    def features(self) -> Floats: ...

    @property
    def place(self) -> npt.NDArray[Any]: ...

    @property
    def first(self) -> npt.NDArray[np.int64]: ...

    @property
    def last(self) -> npt.NDArray[np.int64]: ...

    @property
    def sense(self) -> npt.NDArray[Any]: ...


@dataclass(frozen=True, slots=True)
class Read:
    """Rows that were recognised.

    Attributes:
        who: int64 [N], number in `KNOWN` of the identity that a row shows; -1 for nobody.
        word: int64 [N], number in `words.WORDS` of what a row sounds like; -1 for none of them.
        place, first, last, sense: of the rows.
    """

    who: npt.NDArray[np.int64]
    word: npt.NDArray[np.int64]
    place: npt.NDArray[Any]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]
    sense: npt.NDArray[Any]

    def of(self, chosen: npt.NDArray[np.bool_]) -> Read:
        """The chosen rows."""
        return Read(*(part[chosen] for part in (self.who, self.word, self.place, self.first, self.last, self.sense)))

    def until(self, t: int) -> Read:
        """The rows that begin no later than `t` (ns): what a memory that only appends held then."""
        return self.of(self.first <= t)


class Oracle:
    """Knows how everybody looks and how every word sounds, and nothing else of a stream.

    Everybody's portrait (where the camera pans, at each second offset) goes through the same encoder as the stream. A
    row shows the identity whose portrait it is likest to by cosine, if that is above a threshold, which clean pictures
    set once for each encoder: two thirds of the way from the highest cosine of any portrait with any cell of 32 scenes
    that are in no stream, without noise and without anybody, to 1. Visits are groups of rows of one identity that are
    not more than 30 s apart. In a cell is whom the row with the latest `last` there shows, and nobody if it shows
    nobody. The word of an entrance is the nearest one that begins within 9 s of it.

    Args:
        world: of which portraits are taken.
        encode: frame to float32 [R, C, D], the stream's encoder.
        hear: sound (float32 [n], 16 kHz) to float32 [D], the stream's encoder of sound; without it no word is known.
    """

    def __init__(
        self, world: World, encode: Callable[[Frame], Floats], hear: Callable[[Floats], Floats] | None = None
    ) -> None:
        reach = world.settings.reach
        offsets = range(-reach, reach + 1, 2)
        looks = [encode(world.portrait(who, offset))[0, 0] for who in KNOWN for offset in offsets]
        self._templates, self._offsets = _unit(np.stack(looks)), len(offsets)
        waves = (sounded(name).astype(np.float32) / np.float32(FULL) for name in (*WORDS, *BEEPS))
        self._sounds = _unit(np.stack([hear(wave) for wave in waves])) if hear else None
        scenes = (encode(backdrop(1 << 32, number, world.size)) for number in range(SCENES))
        likest = max(float((_unit(one.reshape(-1, one.shape[2])) @ self._templates.T).max()) for one in scenes)
        self.threshold = likest + WAY * (1 - likest)

    def portraits(self, identity: Identity) -> Floats:
        """What a standing request for somebody looks for: float32 [Q, D], one for each offset."""
        index = _NUMBER[identity]
        return self._templates[index * self._offsets : (index + 1) * self._offsets].copy()

    def read(self, rows: Kept) -> Read:
        """Recognise each row by itself."""
        count = len(rows.features)
        who, word = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
        for begin in range(0, count, _BATCH):
            part = slice(begin, begin + _BATCH)
            features = _unit(rows.features[part])
            heard = rows.sense[part] == SOUND
            if not heard.all():
                likeness = features @ self._templates.T
                best = likeness.argmax(axis=1)
                sure = ~heard & (likeness[np.arange(len(best)), best] >= self.threshold)
                who[part] = np.where(sure, best // self._offsets, -1)
            if heard.any() and self._sounds is not None:
                best = (features @ self._sounds.T).argmax(axis=1)
                word[part] = np.where(heard & (best < len(WORDS)), best, -1)
        return Read(who, word, rows.place, rows.first, rows.last, rows.sense)

    def matches(self, identity: Identity, rows: Kept) -> Indices:
        """Which rows show somebody."""
        return np.flatnonzero(self.read(rows).who == _NUMBER[identity])

    def answer(self, asked: Asked, rows: Kept | Read) -> str | None:
        """What the rows tell; None where they do not.

        Args:
            asked: the question; of it only what a listener would hear is used.
            rows: what a memory gave for it, or what `read` made of that.
        """
        read = rows if isinstance(rows, Read) else self.read(rows)
        if asked.about == "who":
            return self._who(asked, read)
        if asked.about == "colour":
            found = sum(KNOWN[number].colour == asked.colour for number in np.unique(read.who[read.who >= 0]))
            return str(found) if found else None
        seen = [np.flatnonzero(read.who == _NUMBER[one]) for one in asked.who]
        if not all(len(one) for one in seen):
            return None
        first = [int(read.first[one].min()) for one in seen]
        mine = seen[0]
        if asked.about == "seen":
            return "yes"
        if asked.about == "visits":
            return str(len(_visits(read, mine)))
        if asked.about == "first":
            return asked.who[int(np.argmin(first))].name
        if asked.about == "word":
            return self._word(read, _visits(read, mine)[-1])
        there = mine[np.argmin(read.first[mine])] if asked.about == "first place" else mine[np.argmax(read.last[mine])]
        return place((int(read.place[there, 0]), int(read.place[there, 1])))

    def _who(self, asked: Asked, read: Read) -> str | None:
        assert asked.cell is not None
        here = np.flatnonzero((read.sense != SOUND) & (read.place == np.asarray(asked.cell)).all(axis=1))
        if not len(here):
            return None
        newest = here[np.lexsort((read.first[here], read.last[here]))[-1]]
        return KNOWN[read.who[newest]].name if read.who[newest] >= 0 else None

    def _word(self, read: Read, entrance: int) -> str | None:
        words = np.flatnonzero(read.word >= 0)
        far = np.abs(read.first[words] - entrance)
        if not len(words) or far.min() > WORD_NEAR:
            return None
        return WORDS[read.word[words[far.argmin()]]]


_NUMBER = {identity: number for number, identity in enumerate(KNOWN)}


def _visits(read: Read, mine: Indices) -> list[int]:
    """When each visit begins, ns, as the rows `mine` of one identity tell."""
    begins: list[int] = []
    reached = 0
    for index in mine[np.argsort(read.first[mine], kind="stable")]:
        if not begins or read.first[index] - reached > ABSENCE:
            begins.append(int(read.first[index]))
        reached = max(reached, int(read.last[index]))
    return begins


def _unit(features: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("nd,nd->n", features, features))
    return features / np.maximum(lengths, np.float32(1e-12))[:, None]
