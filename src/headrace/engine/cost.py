"""Cost: seconds of a launch, predicted from its rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from headrace.core.errors import ConfigError, InputError

#: What a launch was, row by row (units, resident entries before them), and the seconds that it took.
Sample = tuple[Sequence[tuple[int, int]], float]
#: Coefficients of a launch, in the order of `Load.terms`.
TERMS = ("base", "per_unit", "per_row", "per_pair", "per_entry", "quadratic", "per_few")
#: Values of `Cost.few` that are tried, and how much less the squared error must be for one to be taken.
FEW, WORTH = (2, 4, 8, 12, 16, 24, 32, 64), 0.05
#: What a knee may go by.
MEASURES = ("rows", "units", "reads")


@dataclass(slots=True)
class Load:
    """What a launch holds, in sums, so that one more row need not sum the others again.

    Attributes:
        rows: how many; reads: those of more than one unit.
        units: of all rows; squares: of each row, squared.
        entries: resident before, of all rows; pairs: units x entries of each row.
    """

    rows: int = 0
    units: int = 0
    entries: int = 0
    pairs: int = 0
    squares: int = 0
    reads: int = 0

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int]]) -> Self:
        load = cls()
        for units, resident in rows:
            load.add(units, resident)
        return load

    def add(self, units: int, resident: int) -> None:
        """One more row."""
        self.rows += 1
        self.units += units
        self.entries += resident
        self.pairs += units * resident
        self.squares += units * units
        self.reads += units > 1

    def terms(self, few: int = 0) -> tuple[int, ...]:
        """What each coefficient is multiplied with, in the order of `TERMS`."""
        return 1, self.units, self.rows, self.pairs, self.entries, self.squares, min(self.units, few)


@dataclass(frozen=True, slots=True)
class Misfit:
    """How far predictions are from what was measured: |predicted / measured - 1|.

    Attributes:
        mean: over all samples.
        p95: what 95 of 100 samples do not pass (nearest rank).
    """

    mean: float
    p95: float


@dataclass(frozen=True, slots=True)
class Knee:
    """Another regime of a machine: a launch with more than `over` of a measure costs this.

    Attributes:
        measure: "rows", "units" of all rows, or "reads" (rows of more than one unit).
        over: more than that many.
        cost: of such a launch; it has no knees of its own.
    """

    measure: str
    over: int
    cost: Cost

    def __post_init__(self) -> None:
        _check_split(self.measure, self.over)
        if not isinstance(self.cost, Cost) or self.cost.knees:
            raise ConfigError("Knee(cost=…) takes a Cost without knees; put all knees beside each other")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a launch, of parking and of reading again.

    A launch of rows of u units, each over r resident entries, takes

        base + per_unit Σu + per_row rows + per_pair Σur + per_entry Σr + quadratic Σu² + per_few min(Σu, few)

    The last term is what small matrix products cost beyond their share: on a CPU, each of the first units of a launch
    takes several times what a further one does. DistServe's model (arXiv 2401.09670, as its simulator fits it) is a
    case of this one: reading takes a + b Σlen + c Σlen², and saying a + b Σcontext + c batch, in two fits that are
    split by the batch:

        reads = Knee("reads", 0, Cost(a0, per_unit=b0, quadratic=c0))
        large = Knee("rows", 94, Cost(a2, per_entry=b2, per_row=c2))
        Cost(a1, per_entry=b1, per_row=c1, knees=(large, reads))

    Attributes:
        base, per_unit, per_row, per_pair, per_entry, quadratic, per_few: seconds, 0 or more.
        few: units.
        knees: in order; the last one that a launch is past says what it costs, in place of those above.
        swap_base, swap_per_byte: seconds to save a state to host memory and bring it back; a byte is one that the
            session held (`Job.bytes`).
        disk_base, disk_per_byte: the same, to disk and back.
        piece: units in which a state is read again.

    Raises:
        ConfigError: a number is negative or not finite, or a launch would take no time at all.
    """

    base: float = 1e-3
    per_unit: float = 0.0
    per_row: float = 0.0
    per_pair: float = 0.0
    per_entry: float = 0.0
    quadratic: float = 0.0
    per_few: float = 0.0
    few: int = 0
    knees: tuple[Knee, ...] = ()
    swap_base: float = 0.0
    swap_per_byte: float = 0.0
    disk_base: float = 0.0
    disk_per_byte: float = 0.0
    piece: int = 64

    def __post_init__(self) -> None:
        for name in _SECONDS:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigError(f"Cost({name}={value!r}): give seconds of 0 or more")
        for name, least in (("piece", 1), ("few", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"Cost({name}={value!r}): give units, {least} or more")
        if not self.base + self.per_unit + self.per_row:
            raise ConfigError("Cost: base, per_unit and per_row are all 0, so that a launch takes no time; give one")

    # ── a launch ─────────────────────────────────────────────────────────────────────────────────────────────────

    def seconds(self, rows: Sequence[tuple[int, int]]) -> float:
        """Of a launch of rows (units, resident entries before them)."""
        units = entries = pairs = squares = reads = 0
        for n, resident in rows:
            units += n
            entries += resident
            pairs += n * resident
            squares += n * n
            reads += n > 1
        return self._predict(len(rows), units, entries, pairs, squares, reads)

    def alone(self, units: int, resident: int) -> float:
        """Of a launch of one row."""
        return self._predict(1, units, resident, units * resident, units * units, int(units > 1))

    def of(self, load: Load) -> float:
        """Of a launch in sums."""
        return self._predict(load.rows, load.units, load.entries, load.pairs, load.squares, load.reads)

    def more(self, load: Load, units: int, resident: int) -> float:
        """Of a launch with one more row; `load` stays as it is."""
        return self._predict(
            load.rows + 1,
            load.units + units,
            load.entries + resident,
            load.pairs + units * resident,
            load.squares + units * units,
            load.reads + (units > 1),
        )

    # ── a state that went ────────────────────────────────────────────────────────────────────────────────────────

    def swap(self, nbytes: int) -> float:
        """To save a state of so many bytes to host memory and bring it back."""
        return self.swap_base + self.swap_per_byte * nbytes

    def disk(self, nbytes: int) -> float:
        """To save a state of so many bytes to disk and bring it back."""
        return self.disk_base + self.disk_per_byte * nbytes

    def recompute(self, tokens: int) -> float:
        """To read so many tokens again, alone, `piece` at a time from an empty state."""
        full, rest = divmod(tokens, self.piece)
        seconds = 0.0
        if full:
            of = self._regime(1, self.piece, int(self.piece > 1))
            before = self.piece * full * (full - 1) // 2
            each = of.base + of.per_unit * self.piece + of.per_row + of.quadratic * self.piece**2
            each += of.per_few * min(self.piece, of.few)
            seconds += each * full + (of.per_pair * self.piece + of.per_entry) * before
        if rest:
            seconds += self.seconds([(rest, full * self.piece)])
        return seconds

    # ── fitting ──────────────────────────────────────────────────────────────────────────────────────────────────

    @classmethod
    def fit(cls, samples: Iterable[Sample], splits: Sequence[tuple[str, int]] = ()) -> Self:
        """The coefficients that minimise the squared relative error, none below 0.

        Relative, since a tick of 2 ms matters as much as one of 200 ms to whoever waits for it, and since a tick that a
        busy neighbour made slow then weighs little. `few` is the one of `FEW` that fits best, if that is worth it.

        Args:
            samples: launches as they were measured.
            splits: (measure, over) of knees, in order; each regime is fitted by itself.

        Raises:
            ConfigError: a split has no such measure. InputError: there are fewer than 14 samples in a regime, or one
                is no launch.
        """
        for split in splits:
            _check_split(*split)
        parts: list[list[tuple[Load, float]]] = [[] for _ in range(len(splits) + 1)]
        for rows, seconds in samples:
            if not rows or not 0 < seconds < math.inf:
                raise InputError(
                    f"fit: a sample of {len(rows)} rows and {seconds!r} s; give launches that were measured"
                )
            load = Load.of(rows)
            past = [i for i, (measure, over) in enumerate(splits, 1) if getattr(load, measure) > over]
            parts[max(past, default=0)].append((load, seconds))
        own, *others = (cls(**_coefficients(part)) for part in parts)
        knees = tuple(Knee(*split, cost) for split, cost in zip(splits, others, strict=True))
        return replace(own, knees=knees)

    def ratios(self, samples: Iterable[Sample]) -> list[float]:
        """measured / predicted of each sample: what noise is drawn from."""
        return [seconds / self.seconds(rows) for rows, seconds in samples]

    def error(self, samples: Iterable[Sample]) -> Misfit:
        """How far predictions are off; to be asked of samples that were not fitted.

        Raises:
            InputError: there are none.
        """
        off = sorted(abs(1 / ratio - 1) for ratio in self.ratios(samples))
        if not off:
            raise InputError("error: there are no samples to compare predictions with")
        return Misfit(sum(off) / len(off), off[math.ceil(0.95 * len(off)) - 1])

    def scaled(self, factor: float) -> Self:
        """All of it so many times as slow."""
        seconds = {name: getattr(self, name) * factor for name in _SECONDS}
        knees = tuple(replace(knee, cost=knee.cost.scaled(factor)) for knee in self.knees)
        return replace(self, knees=knees, **seconds)

    # ── as data ──────────────────────────────────────────────────────────────────────────────────────────────────

    def to_json(self) -> dict[str, Any]:
        knees = [{"measure": k.measure, "over": k.over, "cost": k.cost.to_json()} for k in self.knees]
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"knees": knees}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            InputError: it is something else. ConfigError: a number cannot be.
        """
        try:
            knees = tuple(Knee(k["measure"], k["over"], cls.from_json(k["cost"])) for k in data["knees"])
            return cls(**{**data, "knees": knees})
        except (LookupError, TypeError, AttributeError) as error:
            raise InputError(f"no cost: {error}; write it with to_json()") from error

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _regime(self, rows: int, units: int, reads: int) -> Cost:
        for knee in reversed(self.knees):
            if (rows if knee.measure == "rows" else units if knee.measure == "units" else reads) > knee.over:
                return knee.cost
        return self

    def _predict(self, rows: int, units: int, entries: int, pairs: int, squares: int, reads: int) -> float:
        of = self._regime(rows, units, reads) if self.knees else self
        return (
            of.base
            + of.per_unit * units
            + of.per_row * rows
            + of.per_pair * pairs
            + of.per_entry * entries
            + of.quadratic * squares
            + of.per_few * (units if units < of.few else of.few)
        )


_SECONDS = (*TERMS, "swap_base", "swap_per_byte", "disk_base", "disk_per_byte")


def _check_split(measure: str, over: int) -> None:
    if measure not in MEASURES or isinstance(over, bool) or not isinstance(over, int) or over < 0:
        raise ConfigError(
            f"a knee at {measure!r} over {over!r}; give {', '.join(MEASURES[:-1])} or {MEASURES[-1]}, and a whole "
            "number of 0 or more"
        )


def _coefficients(part: Sequence[tuple[Load, float]]) -> dict[str, Any]:
    """Of one regime, by name."""
    import numpy as np

    from headrace.engine.leastsquares import nonnegative

    if len(part) < 2 * len(TERMS):
        raise InputError(f"fit: {len(part)} samples in a regime; {len(TERMS)} coefficients need {2 * len(TERMS)}")
    seconds, ones = np.array([seconds for _, seconds in part]), np.ones(len(part))
    tried: list[tuple[float, int, list[float]]] = []
    for few in (0, *FEW):
        matrix = np.array([load.terms(few) for load, _ in part]) / seconds[:, None]
        solved = nonnegative(matrix, ones)
        tried.append((float(np.square(matrix @ solved - ones).sum()), few, solved.tolist()))
    plain, best = tried[0], min(tried)
    _, few, found = best if best[0] < (1 - WORTH) * plain[0] - 1e-12 else plain
    return dict(zip(TERMS, found, strict=True)) | {"few": few}
