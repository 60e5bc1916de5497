"""Record: what one session remembers of its source, tells, and reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from headrace.apps.decode import decode
from headrace.apps.journal import Journal
from headrace.apps.keep import ROWS, Keep
from headrace.apps.live import View
from headrace.apps.output import Output
from headrace.apps.redo import Redone
from headrace.apps.result import Alert, Evidence, SourceInfo
from headrace.apps.series import Series
from headrace.apps.wording import clean
from headrace.core.clock import Clock
from headrace.core.item import SECOND, Emission, Item, emission_id
from headrace.core.stateful import Snapshot
from headrace.media.heard import Heard
from headrace.understanding.observation import Observation
from headrace.understanding.observations import LONGEST_TEXT, ObservationMemory
from headrace.understanding.perceive import Moment
from headrace.understanding.question import Evidence as Found
from headrace.understanding.reading import Sighting
from headrace.understanding.standing import Alert as Fired
from headrace.understanding.standing import StandingQuestions

#: Thumbnails whose time is known, at most.
PICTURES = 50_000


@dataclass(slots=True)
class Tally:
    """Counters of one session.

    Attributes:
        media: ns of media time reached.
        frames, blocks, entered: frames judged, blocks seen, blocks admitted.
        oldest: greatest age in ns of a frame when a line of it was told.
        largest: most bytes that the memory has held.
        resumed: times that the session was taken up again after a crash.
    """

    media: int = 0
    frames: int = 0
    blocks: int = 0
    entered: float = 0.0
    oldest: int = 0
    largest: int = 0
    resumed: int = 0


@dataclass(slots=True)
class Desk:
    """What all records of a run write to; used from the event loop's thread alone.

    Attributes:
        progress: called after each frame and chunk of sound.
        redone: what was acknowledged behind the saved state, where going on may tell it otherwise.
    """

    clock: Clock
    journal: Journal
    view: View
    output: Output | None = None
    keep: Keep = field(default_factory=Keep)
    redone: Redone = field(default_factory=Redone)
    progress: Callable[[], None] = lambda: None


class Record:
    """Takes in what a session's operators make of its source.

    Attributes:
        info: the source, for the result.
        memory, standing: of this source alone, so that a fault or a flood of another touches neither.
        series, alerts, tally: see their classes.
        last_heard: the newest chunk of sound.
        age: ns from the arrival of a frame until its last line was told; 0 where time follows the media.
    """

    def __init__(self, info: SourceInfo, memory: ObservationMemory, standing: StandingQuestions, desk: Desk) -> None:
        self.info, self.memory, self.standing, self.desk = info, memory, standing, desk
        self.series, self.tally = Series(), Tally()
        self.alerts: list[Alert] = []
        self.last_heard: Heard | None = None
        self.age = 0
        self._proofs: dict[str, list[str]] = {}  # of each alert: the observations that it rests on
        self._pictures: deque[tuple[int, str]] = deque(maxlen=PICTURES)  # by time, as rules may want them gone

    # -- taking in ------------------------------------------------------------------------------

    def moment(self, item: Item, backlog: int) -> None:
        """A frame has been judged; `backlog` items wait behind it."""
        moment: Moment = item.data
        admission, tally, trace = moment.admission, self.tally, self.desk.journal.trace
        tally.media = max(tally.media, item.pts)
        tally.frames += 1
        tally.blocks += admission.admitted.size
        tally.entered += float(admission.admitted.sum())
        if trace is not None:
            trace.item(self.desk.clock.now(), item)
        if moment.boundary is not None:
            self._event(item)
        change = float(admission.unstable.mean()) if tally.frames > 3 else 0.0
        self.series.add(item.pts / SECOND, change, admission.share, self.memory.nbytes(), backlog)
        self.desk.progress()

    def heard(self, item: Item) -> None:
        """A chunk of sound was listened to, or something was heard in it."""
        if item.kind == "heard":
            self.tally.media = max(self.tally.media, item.pts)
            heard: Heard = item.data
            self.last_heard = heard
            self.series.add(
                item.pts / SECOND, state_bytes=self.memory.nbytes(), level_db=heard.level_db, voice=heard.voice
            )
            self.desk.progress()
            return
        event = item.data
        row = Observation(
            event.id, "sound", self.info.name, event.what, event.first, event.last,
            score=event.score, level_db=event.level_db,
        )  # fmt: skip
        if self._remember(row, told=not event.new) and event.new:
            content = {"what": event.what, "level_db": round(event.level_db, 1), "score": round(event.score, 4)}
            self._tell(row, content, event.last, event.what)

    def said(self, item: Item) -> None:
        """Somebody spoke."""
        said = item.data
        text = clean(said.text, LONGEST_TEXT)
        row = Observation(said.id, "speech", self.info.name, text, said.first, said.last, score=said.score)
        if self._remember(row):
            content = {"text": text, "score": round(said.score, 4), "by": said.by}
            self._tell(row, content, said.last, text or "(speech)")
        if text:
            self._decide(row, said.last)

    def fault(self, told: str) -> None:
        """Something went wrong with the source."""
        self.info.errors.insert(0, told)
        self.desk.view.note(self.tally.media / SECOND, "error", told, self.info.name)

    def sighting(self, item: Item) -> None:
        """A line of text was read, read again, or is gone."""
        sighting: Sighting = item.data
        seen, clock = sighting.observation, self.desk.clock
        if clock.paced and sighting.change != "gone":
            self.age = clock.now() - item.arrival
            self.tally.oldest = max(self.tally.oldest, self.age)
        event = self.memory.get(seen.segment) if seen.segment else None
        seen = replace(seen, thumbnail=event.thumbnail if event is not None else None)
        if self._remember(seen, told=sighting.change != "new") and sighting.change == "new":
            content = {"text": seen.text, "box": seen.box, "score": round(seen.score, 4), "segment": seen.segment}
            self._tell(seen, content, item.pts, seen.text)
        if sighting.change != "gone":
            self._decide(seen, item.pts)

    def gap(self, start: int, end: int) -> None:
        """From `start` to `end` (media time, ns) nothing was watched."""
        self.info.gaps.append((start / SECOND, end / SECOND))
        name = emission_id(self.info.name, "gap", start)
        content = {"from_s": start / SECOND, "to_s": end / SECOND}
        self.desk.journal.emit(Emission(name, "gap", content, start, end, self.desk.clock.now(), end, self.info.name))
        told = f"not watched for {(end - start) / SECOND:.1f} s"
        self.desk.view.note(end / SECOND, "error", told, self.info.name)

    def _event(self, item: Item) -> None:
        """An event begins."""
        moment: Moment = item.data
        boundary, output = moment.boundary, self.desk.output
        assert boundary is not None
        picture = None
        if output is not None and self.desk.keep.stores("thumbnail"):
            picture = output.thumbnail(moment.segment, moment.admission.frame)
            self._pictures.append((item.pts, picture))
        row = Observation(
            moment.segment, "event", item.source, "", boundary.pts, boundary.known,
            score=boundary.score, thumbnail=picture, segment=moment.segment,
        )  # fmt: skip
        if self._remember(row):
            content = {"score": round(boundary.score, 4), "thumbnail": picture}
            self._tell(row, content, item.pts, "a new scene" if boundary.score else "the stream begins", instant=True)

    def _remember(self, row: Observation, told: bool = False) -> bool:
        """Write a row; False if it is one that was acknowledged before a crash under another id, whose it is now."""
        row, known = self.desk.redone.claim(row, new=not told)
        self.memory.write(row)
        self.tally.largest = max(self.tally.largest, self.memory.nbytes())
        return not known

    def _tell(self, row: Observation, content: Any, newest: int, words: str, instant: bool = False) -> None:
        """Acknowledge an observation."""
        end = row.first if instant else row.last
        now = self.desk.clock.now()
        emission = Emission(row.id, row.kind, content, row.first, end, now, newest, source=self.info.name)
        if self.desk.journal.emit(emission):
            self.desk.view.note(row.first / SECOND, row.kind, words, self.info.name)

    def _decide(self, row: Observation, newest: int) -> None:
        """Alert if a standing question came true."""
        now = self.desk.clock.now() if self.desk.clock.paced else newest
        for fired in self.standing.decide(now, [row]):
            self._alert(fired, newest)

    def _alert(self, fired: Fired, newest: int) -> None:
        name = emission_id(self.info.name, "alert", fired.since, int(fired.question.rpartition("-")[2]))
        evidence = [as_evidence(found) for found in fired.evidence]
        self._proofs[name] = [found.observation for found in fired.evidence]
        text = "; ".join(f'"{proof.text}"' for proof in evidence)
        latency = fired.latency / SECOND if self.desk.clock.paced else None
        self.alerts.append(Alert(name, fired.when, fired.since / SECOND, fired.now / SECOND, latency, text, evidence))
        content = {"when": fired.when, "text": text, "evidence": [asdict(proof) for proof in evidence]}
        emission = Emission(
            name, "alert", content, fired.since, newest, self.desk.clock.now(), newest, self.info.name,
            cause=fired.question,
        )  # fmt: skip
        if self.desk.journal.emit(emission):
            self.desk.view.note(fired.since / SECOND, "alert", f"{fired.when}: {text}", self.info.name)

    # -- keeping --------------------------------------------------------------------------------

    def retire(self) -> None:
        """Forget what is older than the rules of `Keep` allow."""
        keep, output, now = self.desk.keep, self.desk.output, self.tally.media
        before = keep.before("thumbnail", now)
        while before is not None and output is not None and self._pictures and self._pictures[0][0] < before:
            output.remove(self._pictures.popleft()[1])
        for kind in ROWS:
            before = keep.before(kind, now)
            if before is not None:
                self.memory.retire(kind, before)

    def stored(self) -> ObservationMemory:
        """The memory as it may be written to disk."""
        kinds = self.desk.keep.unstored
        if not kinds:
            return self.memory
        memory = self.memory.fork()
        for kind in kinds:
            memory.retire(kind, 1 << 62)
        return memory

    def settle(self) -> None:
        """At the end: how long the evidence of alerts was there, and its picture, are known now."""
        for alert in self.alerts:
            for proof, name in zip(alert.evidence, self._proofs.get(alert.id, ()), strict=False):
                row = self.memory.get(name)
                if row is not None:
                    proof.end_s, proof.thumbnail = row.last / SECOND, row.thumbnail

    def snapshot(self) -> Snapshot:
        """Everything but the ops' own states."""
        meta = {
            "info": asdict(self.info),
            "tally": asdict(self.tally),
            "series": asdict(self.series),
            "alerts": [asdict(alert) for alert in self.alerts],
            "proofs": self._proofs,
            "pictures": list(self._pictures),
        }
        parts = {"memory": self.stored().snapshot()}
        if not self.desk.keep.private:
            parts["standing"] = self.standing.snapshot()
        return Snapshot.join("record", parts, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Raises InputError or StateError if the snapshot is damaged or of something else."""
        own = snapshot.expect("record").meta["own"]
        self.info = decode(SourceInfo, own["info"], "record", "info")
        self.tally = decode(Tally, own["tally"], "record", "tally")
        self.series = decode(Series, own["series"], "record", "series")
        self.alerts = decode(list[Alert], own["alerts"], "record", "alerts")
        self._proofs = decode(dict[str, list[str]], own["proofs"], "record", "proofs")
        self._pictures.extend(decode(list[tuple[int, str]], own["pictures"], "record", "pictures"))
        self.memory.restore(snapshot.part("memory"))
        if "standing" in snapshot.meta["parts"]:
            self.standing.restore(snapshot.part("standing"))
        else:
            fired = {alert.when for alert in self.alerts}
            for question in list(self.standing):
                if question.text in fired:
                    self.standing.disarm(question.id)


def as_evidence(found: Found) -> Evidence:
    """Evidence as the result keeps it."""
    kind: Any = found.kind
    return Evidence(found.source, found.start / SECOND, found.end / SECOND, found.text, found.thumbnail, kind)
