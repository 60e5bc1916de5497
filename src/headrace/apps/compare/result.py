"""Result: what a comparison found, as one value that is written and read as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from headrace.core.errors import InputError
from headrace.evaluation.metrics.bootstrap import bootstrap

#: Version of the JSON form; another one is refused.
FORMAT = 1


@dataclass(frozen=True)
class Figure:
    """A mean over streams and its 95 % bootstrap interval; `low` and `high` are NaN where there is one stream only.

    Attributes:
        mean, low, high: in the unit of what is measured; all NaN where nothing was measured.
    """

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, streams: Sequence[float], seed: int = 0) -> Self:
        """From one number a stream; NaN means that the stream has none and is left out."""
        known = [value for value in streams if not math.isnan(value)]
        if len(known) < 2:
            return cls(known[0] if known else math.nan, math.nan, math.nan)
        found = bootstrap(known, seed=seed)
        return cls(found.estimate, found.low, found.high)

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out 0; False where there is none."""
        return self.low > 0 or self.high < 0


@dataclass
class MethodResult:
    """One method on all streams.

    Buckets are the keys "lo-hi" of positions (see `Comparison.buckets`), ages are tokens between a fact and its query.

    Attributes:
        name: as it is called on the command line.
        kind: "recipe", "baseline", or "blind": it does not look at what came before.
        what: it keeps, in one line.
        bounded: its memory has an upper limit that it never meets.
        approximate: in what it differs from the method it is named after; "": nothing.
        loss: nats a token, by bucket; buckets that it did not reach are missing.
        against: its loss less that of the window baseline on the same tokens, by bucket; below 0: better. Empty for
            that baseline itself.
        recall: share of value tokens of planted facts that were predicted, by age.
        resident_bytes: of one session, on the device, at most.
        total_bytes: the same over all tiers.
        slope: bytes that one session grew by per 1,000 tokens, in the second half of the run.
        cpu_ms_per_token: CPU time of one-token steps, alone on the machine's thread, at `Comparison.timed_at`.
        tokens: that each stream read.
        ended: why it ended before the stream; "": it did not.
    """

    name: str
    kind: str
    what: str
    bounded: bool
    approximate: str = ""
    loss: dict[str, Figure] = field(default_factory=dict)
    against: dict[str, Figure] = field(default_factory=dict)
    recall: dict[int, Figure] = field(default_factory=dict)
    resident_bytes: int = 0
    total_bytes: int = 0
    slope: float = 0.0
    cpu_ms_per_token: Figure = Figure(math.nan, math.nan, math.nan)
    tokens: int = 0
    ended: str = ""


@dataclass
class Comparison:
    """Several methods on the same input.

    Attributes:
        family: of methods, such as "state".
        model, stream: as they were named.
        seed: of where streams begin, of facts, and of random baselines.
        tokens: a stream.
        streams: how many.
        trained: tokens that the model was trained on in a row.
        budget: tokens that each bounded method keeps, besides the block being written.
        block: entries of a segment.
        chance: of a value token that is guessed.
        timed_at: tokens that sessions had read when steps were timed.
        buckets: positions [lo, hi) of each bucket, in order.
        ages: of facts, ascending; those up to `budget` are within the window, the others outside.
        methods: recipes first.
        notes: what a reader must know to judge the figures, in sentences.
        date: UTC, ISO 8601.
        machine: in words.
        seconds: wall time of the run.
    """

    family: str
    model: str
    stream: str
    seed: int
    tokens: int
    streams: int
    trained: int
    budget: int
    block: int
    chance: float
    timed_at: int
    buckets: dict[str, tuple[int, int]]
    ages: list[int]
    methods: list[MethodResult]
    notes: list[str]
    date: str
    machine: str
    seconds: float = 0.0

    def method(self, name: str) -> MethodResult:
        """The method of that name; KeyError if it is not there."""
        found = next((method for method in self.methods if method.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values; NaN becomes null. `json.dumps(…, allow_nan=False)` takes it."""
        return {"format": FORMAT, **plain(asdict(self))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            InputError: it is no comparison, is of another format, or is damaged.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            found = data.get("format") if isinstance(data, Mapping) else None
            raise InputError(f"comparison: format {found!r}, this headrace reads {FORMAT}")
        fields = {key: value for key, value in data.items() if key != "format"}
        try:
            fields["methods"] = [_method(one) for one in fields["methods"]]
            fields["buckets"] = {name: (int(lo), int(hi)) for name, (lo, hi) in fields["buckets"].items()}
            return cls(**fields)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"comparison: damaged: {error!r}") from error


def _method(data: Mapping[str, Any]) -> MethodResult:
    fields = dict(data)
    for name in ("loss", "against"):
        fields[name] = {bucket: figure_of(one) for bucket, one in fields[name].items()}
    fields["recall"] = {int(age): figure_of(one) for age, one in fields["recall"].items()}
    fields["cpu_ms_per_token"] = figure_of(fields["cpu_ms_per_token"])
    fields["slope"] = number_of(fields["slope"])
    return MethodResult(**fields)


def figure_of(data: Mapping[str, Any]) -> Figure:
    """A figure from its JSON."""
    return Figure(number_of(data["mean"]), number_of(data["low"]), number_of(data["high"]))


def number_of(value: Any) -> float:
    """A number from its JSON, in which null is NaN."""
    return math.nan if value is None else float(value)


def plain(value: Any) -> Any:
    """What JSON holds: keys are text, NaN is null."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
