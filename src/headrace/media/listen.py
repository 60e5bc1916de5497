"""Listen: sound in; how loud and how voiced it is, what happened, and stretches of speech out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from headrace.core.errors import InputError
from headrace.core.item import MS, SECOND, Item, emission_id
from headrace.core.op import Op
from headrace.core.sound import Sound
from headrace.core.stateful import Snapshot
from headrace.media.activity import FRAME, Activity, Stretch
from headrace.media.framer import Framer
from headrace.media.heard import RATE, Heard, SoundEvent, Utterance
from headrace.media.loudness import BLOCK, Loudness, Mark, level_db
from headrace.media.novelty import Novelty

if TYPE_CHECKING:
    from headrace.media.vad import SileroVad

#: ns by which a chunk may begin earlier or later than the one before ended and still go on from it.
SLACK = 50 * MS
#: Tells sounds apart that begin at the same time.
ORDINAL = {"silence": 0, "loud": 1, "change": 2}


class Listen(Op):
    """Listens to the audio items (`Sound`, 16 kHz) of one source; Stateful.

    Leaves, for each audio item, one item "heard" (`Heard`), and before it, as they become known, items "sound"
    (`SoundEvent`) and "speech" (`Utterance`). Items of other kinds pass as they are. "sound" and "speech" do not
    depend on how the stream is cut into chunks. A gap in the times closes what is under way and begins anew.

    Args:
        network: judges what is speech; None takes the weights of the package `silero-vad`.
        activity, loudness, novelty: other limits than the usual ones.

    Raises:
        ConfigError: the `audio` extra is missing.
        InputError: at `step`: sound of another rate, or that goes back in time.
    """

    holds_back = False

    def __init__(
        self,
        network: SileroVad | None = None,
        activity: Activity | None = None,
        loudness: Loudness | None = None,
        novelty: Novelty | None = None,
    ) -> None:
        from headrace.media.vad import SileroVad, VadStream

        self.network = network or SileroVad()
        self.activity, self.loudness = activity or Activity(), loudness or Loudness()
        self.novelty = novelty or Novelty()
        self._vad = VadStream(self.network)
        self._frames, self._blocks = Framer(FRAME, RATE), Framer(BLOCK, RATE)
        self.reset()

    def reset(self) -> None:
        self._anew()
        self._last: Item | None = None  # without its sound
        self._end = 0
        self._voice = 0.0

    def step(self, item: Item) -> Iterable[Item]:
        return list(self._hear(item)) if item.kind == "audio" else (item,)

    def finish(self) -> Iterable[Item]:
        """What is under way at the end of the stream."""
        last = self._last
        return [self._item(last, found) for found in self._close()] if last is not None else ()

    def _hear(self, item: Item) -> Iterator[Item]:
        samples = self._checked(item)
        if self._last is not None and item.pts - self._end > SLACK:
            yield from (self._item(item, found) for found in self._close())
        self._last = replace(item, data=None)
        self._end = item.pts + len(samples) * SECOND // RATE
        most = -1.0
        for found in self._judge(item.pts, samples):
            if isinstance(found, float):
                most = max(most, found)
            else:
                yield self._item(item, found)
        yield item.derive(Heard(level_db(samples), self._voice if most < 0 else most), "heard")

    def _checked(self, item: Item) -> npt.NDArray[np.float32]:
        """The samples of an item, finite and within -1 to 1."""
        sound: Sound = item.data
        if sound.rate != RATE:
            raise InputError(f"{item.source}: sound at {sound.rate} Hz cannot be listened to; give it at {RATE} Hz")
        if self._last is not None and item.pts < self._end - SLACK:
            late = (self._end - item.pts) / SECOND
            raise InputError(f"{item.source}: sound goes back by {late:.3f} s at {item.pts / SECOND:.3f} s; sort it")
        return np.clip(np.nan_to_num(np.asarray(sound.samples, np.float32)), -1.0, 1.0)

    def _judge(self, pts: int, samples: npt.NDArray[np.float32]) -> Iterator[float | Stretch | Mark]:
        """Probabilities of speech and what was found, in the order of the times at which it was known."""
        known: list[tuple[int, int, npt.NDArray[np.float32]]] = []
        known += [(at, FRAME, frame) for at, frame in self._frames.cut(pts, samples)]
        known += [(at, BLOCK, block) for at, block in self._blocks.cut(pts, samples)]
        for at, size, part in sorted(known, key=lambda one: (one[0] + one[1] * SECOND // RATE, one[1])):
            if size == FRAME:
                self._voice = self._vad.hear(part)
                yield self._voice
                stretch = self.activity.see(at, part, self._voice)
                if stretch is not None:
                    yield stretch
                continue
            yield from self.loudness.see(at, part)
            change = self.novelty.see(at, part, self.loudness.quiet)
            if change is not None:
                yield change

    def _close(self) -> list[Stretch | Mark]:
        """End what is under way and begin anew."""
        found = [self.activity.finish(), *self.loudness.finish(), self.novelty.finish()]
        self._anew()
        return [one for one in found if one is not None]

    def _anew(self) -> None:
        for part in (self.activity, self.loudness, self.novelty, self._vad, self._frames, self._blocks):
            part.reset()

    def _item(self, item: Item, found: Stretch | Mark) -> Item:
        if isinstance(found, Stretch):
            name = emission_id(item.source, "speech", found.first)
            return item.derive(Utterance(name, found.first, found.last, found.score, found.samples, RATE), "speech")
        name = emission_id(item.source, "sound", found.first, ORDINAL[found.what])
        event = SoundEvent(name, found.what, found.first, found.last, found.level_db, found.score, found.new)
        return item.derive(event, "sound")

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        parts = {
            "activity": self.activity.snapshot(),
            "loudness": self.loudness.snapshot(),
            "novelty": self.novelty.snapshot(),
            "vad": self._vad.snapshot(),
            "frames": self._frames.snapshot(),
            "blocks": self._blocks.snapshot(),
        }
        last = self._last
        own = None if last is None else [last.pts, last.kind, None, last.arrival, last.epoch, last.source]
        return Snapshot.join("listen", parts, {"last": own, "end": self._end, "voice": self._voice})

    def restore(self, snapshot: Snapshot) -> None:
        own = snapshot.expect("listen").meta["own"]
        self.activity.restore(snapshot.part("activity"))
        self.loudness.restore(snapshot.part("loudness"))
        self.novelty.restore(snapshot.part("novelty"))
        self._vad.restore(snapshot.part("vad"))
        self._frames.restore(snapshot.part("frames"))
        self._blocks.restore(snapshot.part("blocks"))
        self._last = None if own["last"] is None else Item(*own["last"])
        self._end, self._voice = own["end"], own["voice"]

    def fork(self) -> Self:
        other = type(self)(self.network, self.activity.fork(), self.loudness.fork(), self.novelty.fork())
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        parts = (self.activity, self.loudness, self.novelty, self._vad, self._frames, self._blocks)
        return sum(part.nbytes() for part in parts) + 256

    def max_bytes(self) -> int:
        parts = (self.activity, self.loudness, self.novelty, self._vad, self._frames, self._blocks)
        return sum(part.max_bytes() for part in parts) + 256
