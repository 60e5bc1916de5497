"""answer: the capacity of a machine under each scheduler, simulated and, if asked, on the engine itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING, Any

from headrace.apps.capacity.figures import percent
from headrace.apps.capacity.find import MOST, Found, Question, Search
from headrace.apps.capacity.real import Engine, Verified
from headrace.apps.capacity.simulated import Priced
from headrace.apps.capacity.words import told as promise_told
from headrace.apps.compare.markup import cell, grid

if TYPE_CHECKING:
    from headrace.models.hf import LM

#: Share of the simulated capacity at which the engine rehearses.
REHEARSED = 0.9
#: What stands where nothing was run.
NOTHING = "–"

COLUMNS = (
    "scheduler",
    "sessions, simulated",
    "over runs",
    "if 10 % slower",
    "sessions, engine",
    "simulated at its pace",
    "ticks off by",
)


@dataclass(frozen=True)
class Answer:
    """What was found.

    Attributes:
        question: what was asked.
        machine: what it was asked of, in words.
        pace: measured / predicted of the ticks of a rehearsal, median; None: there was none.
        found: by scheduler, simulated.
        verified: by scheduler, on the engine; empty if it was not asked for.
        paced: by scheduler, the capacity that the simulator finds if its noise is drawn from the ticks of those runs:
            what it would have said had the machine kept its pace since the rehearsal.
    """

    question: Question
    machine: str
    pace: float | None
    found: Mapping[str, Found]
    verified: Mapping[str, Verified] = field(default_factory=dict)
    paced: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        of = self.question
        return {
            "machine": self.machine,
            "load": str(of.load),
            "slo": promise_told(of.slo),
            "share": of.share,
            "rows": of.limits.rows,
            "units": of.limits.units,
            "budget": of.budget,
            "seconds": of.seconds,
            "seeds": of.seeds,
            "pace": None if self.pace is None else round(self.pace, 4),
            "schedulers": {
                name: found.to_json()
                | {
                    "engine": self.verified[name].to_json() if name in self.verified else None,
                    "by_the_pace_of_these_runs": self.paced.get(name),
                }
                for name, found in self.found.items()
            },
        }

    def title(self) -> str:
        of = self.question
        return f"sessions with at least {percent(of.share)} of their outputs in time: {of.load}; {promise_told(of.slo)}"

    def cells(self, name: str) -> list[str]:
        """The row of a scheduler, in the table of `COLUMNS`."""
        found, real = self.found[name], self.verified.get(name)
        over = f"{found.low}–{found.high}" if found.low < found.high else str(found.low)
        return [
            name,
            f"{found.sessions}{' or more' * (found.sessions >= MOST)}",
            over,
            str(found.slower),
            _engine(real),
            str(self.paced.get(name, NOTHING)),
            percent(max(run.error for run in real.runs)) if real else NOTHING,
        ]

    def markdown(self) -> str:
        """The text of capacity.md: CommonMark with a table, ends with a line feed; columns that say nothing are left
        out."""
        rows = [self.cells(name) for name in self.found]
        said = [at for at in range(len(COLUMNS)) if any(row[at] != NOTHING for row in rows)]
        heads = [COLUMNS[at] for at in said]
        title = self.title()
        parts = [
            f"{title[0].upper()}{cell(title[1:])}.",
            grid(heads, [[cell(row[at]) for at in said] for row in rows]),
            f"Simulated with the cost model of {'; '.join(cell(line) for line in self.lines())}.",
        ]
        return "\n\n".join(parts) + "\n"

    def lines(self) -> list[str]:
        """What stands below the table."""
        of = self.question
        runs = f"{of.seconds:g} s of load, {of.seeds} run{'s' * (of.seeds > 1)}"
        size = f"{of.limits.rows} rows and {of.limits.units} tokens a tick, {of.budget} tokens kept a session"
        said = [self.machine, f"{size}, {runs}"]
        if self.pace is not None:
            said.append(f"in a rehearsal the ticks of the engine took {self.pace:.2f} x the calibrated time (median)")
        return said


def answer(
    question: Question,
    schedulers: Sequence[str],
    priced: Priced,
    lm: LM | None = None,
    *,
    real: bool = False,
    told: Callable[[str, int, int], None] | None = None,
) -> Answer:
    """Find it.

    With a model, the engine first rehearses the load for a few seconds, and the noise of the simulation is drawn from
    how long its ticks took in terms of the calibration.

    Args:
        question: what is asked.
        schedulers: names.
        priced: the machine.
        lm: the model, or None.
        real: run the engine at the capacity that was found, and beside it.
        told: called with what is done now and (1, 1): how far it is cannot be known.
    """

    def say(what: str) -> None:
        if told is not None:
            told(what, 0, 1)

    engine = Engine(lm, question, priced) if lm is not None else None
    opening, pace = (engine.opening, 1.0) if engine else (0, None)
    if engine is not None:
        first = Search(replace(question, seeds=1), schedulers[0], priced, opening, say).capacity()
        say("rehearsing")
        ratios = engine.rehearse(schedulers[0], round(REHEARSED * first))
        priced, pace = replace(priced, ratios=tuple(ratios)), median(ratios)
    searches = {name: Search(question, name, priced, opening, say) for name in schedulers}
    found = {name: search.found() for name, search in searches.items()}
    least = min(one.curve[0].sessions for one in found.values())
    found = {name: one.from_(searches[name].point(least)) for name, one in found.items()}
    verified, paced = {}, {}
    for name in schedulers if engine is not None and real else ():
        verified[name] = engine.verify(name, found[name].sessions, say)  # type: ignore[union-attr]
        then = replace(priced, ratios=verified[name].ratios)
        paced[name] = Search(question, name, then, opening, say).capacity(0, found[name].sessions)
    return Answer(question, priced.told, pace, found, verified, paced)


def _engine(real: Verified | None) -> str:
    if real is None:
        return NOTHING
    tried = [run.point.sessions for run in real.runs]
    if real.sessions is None:
        return f"below {min(tried)}"
    return f"{real.sessions}{' or more' * (not real.bounded)}"
