"""millrace: one gate and one memory on held-out streams whose truth is known, read by an oracle."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from headrace.apps.wording import size
from headrace.core.errors import ConfigError
from headrace.evaluation.audit import number
from headrace.evaluation.metrics.score import pool
from headrace.evaluation.millrace import REGIMES, UNSEEN, World
from headrace.recipes.registry import suggest

if TYPE_CHECKING:
    from headrace.apps.compare.understanding.kept import Kept
    from headrace.recipes.tokens import Setting
    from headrace.understanding.keeper import Keeper

#: Names of the rows beside the one that is evaluated.
UPPER, BLIND = "everything kept", "blind: commonest answer of each kind (chosen on the whole set)"
#: What `--regime` takes for all of them.
ALL = "all"
#: Heads of the table.
COLUMNS = (
    "regime", "row", "accuracy", "answered", "refused", "alerts F1", "false/h", "courier", "conversation", "admitted",
    "bytes", "growth/h", "CPU ms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One keeper, or a blind policy, on the streams of one regime. Shares are from 0 to 1, NaN where there is none.

    Attributes:
        regime: of the streams; "all" over all of them.
        name: what was run.
        questions: how many were asked.
        accuracy: of all answers, refusals included.
        answered, refused: of the questions that have an answer; of those that have none.
        alerts: F1 of standing requests: an alert within 5 s of its cause.
        false_per_hour: alerts without a cause.
        courier: share of time at which the newest output told where the courier is.
        conversation: IA-QTF1, causal.
        admitted: share of the tokens that entered.
        total_bytes: at most, over all tiers.
        slope: bytes an hour in the second half.
        cpu_ms: a frame, without the encoder.
        ended: why a stream ended early; "": none did.
    """

    regime: str
    name: str
    questions: int
    accuracy: float
    answered: float
    refused: float
    alerts: float = math.nan
    false_per_hour: float = math.nan
    courier: float = math.nan
    conversation: float = math.nan
    admitted: float = math.nan
    total_bytes: float = math.nan
    slope: float = math.nan
    cpu_ms: float = math.nan
    ended: str = ""

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        shares = (self.accuracy, self.answered, self.refused, self.alerts)
        return (
            self.regime, self.name, *map(_plain, shares), _plain(self.false_per_hour), _plain(self.courier),
            _plain(self.conversation), _plain(self.admitted, 4), _size(self.total_bytes), _size(self.slope),
            _plain(self.cpu_ms),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Millrace:
    """What came out.

    Attributes:
        gate, memory, budget: what was evaluated, with how many rows of sight.
        minutes, streams, seed: length and number of the streams of a regime, and where their seeds begin.
        rows: by regime, then over all; of each the one evaluated, the upper bound, the blind.
    """

    gate: str
    memory: str
    budget: int
    minutes: float
    streams: int
    seed: int
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Of what was evaluated."""
        return f"{self.gate} + {self.memory}"

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable; NaN becomes null."""
        plain = asdict(self)
        plain["rows"] = [
            {key: number(value) if isinstance(value, float) else value for key, value in asdict(row).items()}
            for row in self.rows
        ]
        return plain


def run_millrace(
    gate: str = "everything",
    memory: str = "window",
    *,
    budget: int | None = None,
    regime: str = ALL,
    minutes: float = 30.0,
    streams: int = 1,
    seed: int = 0,
    told: Callable[[str, int, int], None] | None = None,
) -> Millrace:
    """Evaluate a gate in front of a memory; the unbounded memory and a blind policy stand beside it.

    Streams have odd seeds, which no part was tuned on; one of the regimes was never looked at in tuning.

    Args:
        gate, memory: methods of family understanding, whose gate and whose memory are taken.
        budget: rows of sight that are kept; None: 2 % of a stream's tokens.
        regime: one of millrace's, or "all".
        streams: of each regime; the k-th has seed 2 (seed + k) + 1.
        told: where it is, in frames.

    Raises:
        ConfigError: an unknown name, or a bound that is out of reach.
    """
    from headrace.apps.compare.understanding.stream import run_stream
    from headrace.recipes.tokens import Setting

    regimes = _regimes(regime)
    gated, kept_by, upper = (method(name) for name in (gate, memory, "everything"))
    worlds = [World(2 * (seed + k) + 1, one, 60 * minutes) for one in regimes for k in range(streams)]
    first = worlds[0]
    rows = budget if budget is not None else max(1, first.frames * first.grid[0] * first.grid[1] // 50)
    done, total = 0, sum(world.frames for world in worlds)
    name = f"{gate} + {memory}"
    runs: dict[str, list[dict[str, Kept]]] = {}
    for world in worlds:
        setting = Setting(rows, seed)
        keepers = {name: _compose(gated, kept_by, setting), UPPER: upper(setting)}

        def progress(more: int, at: str = world.name) -> None:
            nonlocal done
            done += more
            if told is not None:
                told(at, min(done, total), total)

        runs.setdefault(world.regime, []).append(run_stream(world, keepers, progress))
    asked = {one: [world for world in worlds if world.regime == one] for one in regimes}
    prior = _prior(worlds)
    made: list[Row] = []
    for one in [*regimes, *([ALL] if len(regimes) > 1 else [])]:
        chosen = runs[one] if one != ALL else [run for some in runs.values() for run in some]
        seen = asked[one] if one != ALL else worlds
        made += [_row(one, who, [run[who] for run in chosen]) for who in (name, UPPER)]
        made.append(_blind(one, seen, prior))
    return Millrace(gate, memory, rows, minutes, streams, seed, tuple(made))


def _regimes(regime: str) -> list[str]:
    known = [*REGIMES, UNSEEN]
    if regime == ALL:
        return known
    if regime not in known:
        raise ConfigError(f"unknown regime {regime!r}; use {ALL}, {', '.join(known)}")
    return [regime]


def method(name: str) -> Callable[[Setting], Keeper]:
    """What makes the keeper of a method of family understanding.

    Raises:
        ConfigError: there is none; what is near in spelling is told.
    """
    from headrace.apps.compare.understanding.methods import find, names_of

    if name not in names_of():
        raise ConfigError(f"unknown gate or memory {name!r}; {suggest(name, names_of(), ', '.join(names_of()))}")
    return next(one.make for one in find([name]) if one.name == name)


def _compose(gated: Callable[[Setting], Keeper], kept_by: Callable[[Setting], Keeper], setting: Setting) -> Keeper:
    from headrace.understanding.keeper import Keeper

    return Keeper(gated(setting).gate, kept_by(setting).memory)


def _row(regime: str, name: str, kept: Sequence[Kept]) -> Row:
    outcomes = [one for run in kept for one in run.outcomes]
    alerts = [one for run in kept for one in run.alerts]
    hours = sum(one.duration for one in alerts) / 3600e9
    return Row(
        regime,
        name,
        len(outcomes),
        _mean([one.right for one in outcomes]),
        _mean([one.right for one in outcomes if one.answerable]),
        _mean([one.refused for one in outcomes if not one.answerable]),
        pool([one.score for one in alerts]).f1 if alerts else math.nan,
        sum(one.false for one in alerts) / hours if hours else math.nan,
        _mean([run.courier for run in kept]),
        _mean([run.conversation for run in kept]),
        _mean([run.admitted for run in kept]),
        max(run.total for run in kept),
        _mean([run.slope for run in kept]),
        _mean([run.cpu_ms for run in kept]),
        next((run.ended for run in kept if run.ended), ""),
    )


def _prior(worlds: Sequence[World]) -> dict[tuple[str, str], str | None]:
    """The commonest answer of each kind of questions, None for none."""
    counts: dict[tuple[str, str], Counter[str | None]] = {}
    for asked in (asked for world in worlds for asked in world.questions):
        counts.setdefault((asked.track, asked.about), Counter())[asked.question.answer] += 1
    return {kind: count.most_common(1)[0][0] for kind, count in counts.items()}


def _blind(regime: str, worlds: Sequence[World], prior: dict[tuple[str, str], str | None]) -> Row:
    said = [(asked.question.answer, prior[asked.track, asked.about]) for world in worlds for asked in world.questions]
    return Row(
        regime,
        BLIND,
        len(said),
        _mean([right == given for right, given in said]),
        _mean([right == given for right, given in said if right is not None]),
        _mean([given is None for right, given in said if right is None]),
    )


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _plain(value: float, digits: int = 2) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _size(count: float) -> str:
    return "–" if math.isnan(count) else f"−{size(-count)}" if count < 0 else size(count)
