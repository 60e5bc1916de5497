"""Position: where the reading of a source stands, and how reading finds back there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headrace.core.errors import StateError
from headrace.core.frame import Frame
from headrace.media.stats import Stats
from headrace.media.wire import digest

FORMAT = 1


class Mismatch(Exception):
    """The short way to a position does not lead there; the long one has to be taken."""


@dataclass(frozen=True, slots=True)
class State:
    """What decides where the parts of a source that are read next are placed.

    Attributes:
        timeline: see Timeline.snapshot.
        next: see Ticks.next.
        stats: a copy.
        heard: ns before which no sound is placed.
    """

    timeline: list[Any]
    next: int
    stats: Stats
    heard: int

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> State:
        """From what `asdict` gave."""
        return cls(data["timeline"], data["next"], Stats(**data["stats"]), data["heard"])


@dataclass(frozen=True, slots=True)
class Mark:
    """The last picture decoded, as it was placed.

    Attributes:
        state: after it was placed, before it was counted.
        due: it is to be handed over.
        frames: frames handed over before it in this pass.
        planes: gets its planes.
    """

    state: State
    due: bool
    frames: int
    planes: Callable[[], Frame]

    def as_json(self) -> dict[str, Any]:
        return {"state": asdict(self.state), "due": self.due, "frames": self.frames}

    @classmethod
    def of(cls, data: Mapping[str, Any], planes: Callable[[], Frame]) -> Mark:
        return cls(State.of(data["state"]), data["due"], data["frames"], planes)


@dataclass(frozen=True, slots=True)
class Seek:
    """The short way back to a picture of a file: decoding its video from a key frame well before it.

    Attributes:
        key: number of the video packet, from 1, that decoding begins with.
        fed: packets of video that had been fed to the decoder when the picture came out.
        made: samples of sound that had been made by then.
        stamp: of the picture, in ticks.
        digest: of its planes, hexadecimal.
    """

    key: int
    fed: int
    made: int
    stamp: int
    digest: str

    def reaches(self, fed: int, made: int, stamp: int | None, planes: Callable[[], Frame]) -> bool:
        """Whether a picture that comes out of the decoder is the one sought.

        Raises:
            Mismatch: it is not, and cannot come any more; or the picture or what surrounds it has changed.
        """
        if stamp is None or stamp > self.stamp:
            raise Mismatch
        if stamp == self.stamp and (fed, made, digest(planes()).hex()) != (self.fed, self.made, self.digest):
            raise Mismatch
        return stamp == self.stamp


class Given:
    """How many items of one kind a pass has handed over, of which the first `again` are not handed over again.

    Args:
        again: number of items that were handed over before the source was opened again.
        last: pts of the last of them.
    """

    def __init__(self, again: int = 0, last: int | None = None) -> None:
        self.count, self.last = 0, last
        self._again = again

    def skips(self, pts: int) -> bool:
        """Whether the next item, at `pts` ns, was handed over before.

        Raises:
            StateError: the last one that was is not where it was.
        """
        if self.count == self._again:
            return False
        self.count += 1
        if self.count == self._again and pts != self.last:
            raise StateError("the source no longer gives what it gave before this position; begin without it")
        return True

    def give(self, pts: int) -> None:
        """An item is handed over."""
        self.count, self._again, self.last = self.count + 1, self.count + 1, pts

    def stand(self, count: int) -> None:
        """So many items have gone by."""
        self.count = count

    @property
    def done(self) -> bool:
        """Whether all that were handed over before have come."""
        return self.count >= self._again

    def as_json(self) -> list[int | None]:
        return [self.count, self.last]


def same_source(name: str, position: Mapping[str, Any], identity: Mapping[str, Any]) -> None:
    """Raise StateError unless `position` is well formed and was taken from a source of this identity."""
    try:
        known, taken = position["format"], dict(position["source"])
    except (KeyError, TypeError, ValueError):
        known, taken = None, {}
    if known != FORMAT:
        raise StateError(f"{name}: the position is damaged or of another version; begin without it")
    for key in identity.keys() | taken.keys():
        if identity.get(key) != taken.get(key):
            raise StateError(
                f"{name}: the position is of another source ({key} was {taken.get(key)}, is {identity.get(key)}); "
                "begin without it"
            )
