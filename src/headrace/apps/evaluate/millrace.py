"""millrace: one gate and one memory on held-out streams whose truth is known, read by an oracle."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from headrace.apps.wording import size
from headrace.core.errors import ConfigError
from headrace.evaluation.audit import number
from headrace.evaluation.millrace import REGIMES, UNSEEN, World

if TYPE_CHECKING:
    from headrace.apps.compare.understanding.kept import Kept
    from headrace.apps.compare.understanding.methods import Method
    from headrace.apps.compare.understanding.result import KeeperResult
    from headrace.recipes.tokens import Setting
    from headrace.understanding.keeper import Keeper

#: Name of the row of the upper bound, and how those of blind policies begin.
UPPER, BLIND = "everything kept", "blind: "
#: What `--regime` takes for all of them.
ALL = "all"
#: Heads of the table.
COLUMNS = (
    "regime", "row", "accuracy", "refused", "alerts F1", "false/h", "courier", "conversation", "admitted",
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
        refused: of the questions that have no answer.
        alerts: F1 of standing requests: an alert within 5 s of its cause.
        false_per_hour: alerts without a cause.
        courier: share of time at which the newest output told where the courier is.
        conversation: IA-QTF1, causal.
        admitted: share of the tokens that entered.
        total_bytes: at most, over all tiers.
        slope: bytes an hour in the second half, mean over streams.
        cpu_ms: a frame, without the encoder.
        ended: why a stream ended early; "": none did.
    """

    regime: str
    name: str
    questions: int
    accuracy: float
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
        shares = (self.accuracy, self.refused, self.alerts)
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
        rows: by regime, then over all; of each the one evaluated, the upper bound, the blind policies.
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
    """Evaluate a gate in front of a memory; the unbounded memory and blind policies stand beside it.

    Streams have odd seeds, which no part was tuned on; one of the regimes was never looked at in tuning. Figures and
    blind policies are those of `headrace compare understanding`: what these guess is taken from development streams.

    Args:
        gate, memory: methods of family understanding, whose gate and whose memory are taken; or recipes of other
            packages that build a gate or a memory of tokens.
        budget: rows of sight that are kept; None: 0.5 % of a stream's tokens, as many as every method can do with at
            least.
        regime: one of millrace's, or "all".
        streams: of each regime; the k-th has seed 2 (seed + k) + 1.
        told: where it is, in frames.

    Raises:
        ConfigError: an unknown name, or a bound that is out of reach.
    """
    from headrace.apps.compare.understanding.blind import blind
    from headrace.apps.compare.understanding.methods import Label
    from headrace.apps.compare.understanding.pooled import pooled
    from headrace.apps.compare.understanding.run import FPS, LEAST, SHARE
    from headrace.apps.compare.understanding.stream import run_stream
    from headrace.recipes.tokens import Setting

    regimes = _regimes(regime)
    gated, kept_by, upper = (method(name) for name in (gate, memory, "everything"))
    worlds = [World(2 * (seed + k) + 1, one, 60 * minutes, FPS) for one in regimes for k in range(streams)]
    first = worlds[0]
    rows = max(LEAST, round(SHARE * first.frames * first.grid[0] * first.grid[1])) if budget is None else budget
    done, total = 0, sum(world.frames for world in worlds)
    name = f"{gate} + {memory}"
    grows = [UPPER] if kept_by.bounded else [UPPER, name]
    runs: list[tuple[World, dict[str, Kept]]] = []
    for world in worlds:
        setting = Setting(rows, seed)
        keepers = {name: _compose(gated, kept_by, setting), UPPER: upper.make(setting)}

        def progress(more: int, at: str = world.name) -> None:
            nonlocal done
            done += more
            if told is not None:
                told(at, min(done, total), total)

        runs.append((world, run_stream(world, keepers, progress, grows)))
    made: list[Row] = []
    for one in [*regimes, *([ALL] if len(regimes) > 1 else [])]:
        chosen = [(world, run) for world, run in runs if one in (world.regime, ALL)]
        asked = sum(len(world.questions) for world, _ in chosen)
        for who in (name, UPPER):
            kept = [run[who] for _, run in chosen]
            figures = pooled(Label(who, "", ""), "", [(one, some) for some in kept], [], seed)
            made.append(replace(_row(one, asked, figures), slope=_mean([some.slope for some in kept])))
        made += [_blind(one, asked, figures) for figures in blind([world for world, _ in chosen], [], seed)]
    return Millrace(gate, memory, rows, minutes, streams, seed, tuple(made))


def _regimes(regime: str) -> list[str]:
    known = [*REGIMES, UNSEEN]
    if regime == ALL:
        return known
    if regime not in known:
        raise ConfigError(f"unknown regime {regime!r}; use {ALL}, {', '.join(known)}")
    return [regime]


def method(name: str) -> Method:
    """A method of family understanding, or a recipe that builds a gate or a memory of tokens.

    Raises:
        ConfigError: there is none; what is near in spelling is told.
    """
    from headrace.apps.compare.understanding.methods import find

    found = next((one for one in find([name]) if one.name == name), None)
    if found is None:
        raise ConfigError(f"{name!r} is no single method; name one gate and one memory")
    return found


def _compose(gated: Method, kept_by: Method, setting: Setting) -> Keeper:
    from headrace.understanding.keeper import Keeper

    return Keeper(gated.make(setting).gate, kept_by.make(setting).memory)


def _row(regime: str, asked: int, figures: KeeperResult) -> Row:
    return Row(
        regime,
        figures.name,
        asked,
        figures.accuracy.mean,
        figures.refused.mean,
        figures.alerts.mean,
        figures.false_per_hour.mean,
        figures.courier.mean,
        figures.conversation.mean,
        figures.admitted.mean,
        figures.total_bytes,
        cpu_ms=figures.cpu_ms.mean,
        ended=figures.ended,
    )


def _blind(regime: str, asked: int, figures: KeeperResult) -> Row:
    """Of a policy that takes no tokens, and so no bytes and no time."""
    row = _row(regime, asked, figures)
    return replace(row, name=f"{BLIND}{row.name}", admitted=math.nan, total_bytes=math.nan, cpu_ms=math.nan)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _plain(value: float, digits: int = 2) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def _size(count: float) -> str:
    return "–" if math.isnan(count) else f"−{size(-count)}" if count < 0 else size(count)
