"""Result: what a comparison of gates and memories found, as one value that is written and read as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from headrace.apps.compare.result import FORMAT, Figure, figure_of, number_of, plain
from headrace.core.errors import InputError

#: What a budget is equal in: bytes that a reader attends to, or bytes over all tiers.
SETTINGS = ("resident", "total")
NONE = Figure(math.nan, math.nan, math.nan)


@dataclass
class KeeperResult:
    """One method at one setting on all streams. Accuracies are of the oracle reader, answers and refusals alike.

    Attributes:
        name: as it is called on the command line.
        kind: "recipe", "ours", "baseline" or "blind": it does not look at the stream.
        what: it keeps, in one line.
        setting: one of `SETTINGS`.
        bounded: its memory has an upper limit that it never meets.
        approximate: in what it differs from the method it is named after; "": nothing.
        same: the setting in which the very same run is reported, "" if this is a run of its own.
        accuracy: over all questions.
        tracks, ages, regimes: accuracy by track, by age of the evidence (words such as "5 min") and by regime.
        long_ages: accuracy by age on the long stream alone.
        entered: share of the tokens that entered, by regime.
        refused: share of the unanswerable questions that were refused.
        alerts: F1 of standing questions: an alert within 5 s of the entrance.
        false_per_hour: alerts an hour that nothing gave cause for.
        delay_s: median s from the entrance to its alert.
        courier: share of time at which the newest output told where the courier is.
        conversation: IA-QTF1 of what was said in conversations.
        admitted: share of the tokens that entered.
        computed: share of the encoder's work that was done.
        read: rows that a reader got, on average.
        resident_bytes, total_bytes: at most, on the device and over all tiers, the gate's state included.
        slope: bytes an hour by which it grew in the second half of the longest stream.
        cpu_ms: CPU time a frame of gate and memory, without the encoder.
        ended: why it ended before the stream; "": it did not.
    """

    name: str
    kind: str
    what: str
    setting: str
    bounded: bool = True
    approximate: str = ""
    same: str = ""
    accuracy: Figure = NONE
    tracks: dict[str, Figure] = field(default_factory=dict)
    ages: dict[str, Figure] = field(default_factory=dict)
    regimes: dict[str, Figure] = field(default_factory=dict)
    long_ages: dict[str, Figure] = field(default_factory=dict)
    entered: dict[str, Figure] = field(default_factory=dict)
    refused: Figure = NONE
    alerts: Figure = NONE
    false_per_hour: Figure = NONE
    delay_s: Figure = NONE
    courier: Figure = NONE
    conversation: Figure = NONE
    admitted: Figure = NONE
    computed: Figure = NONE
    read: float = math.nan
    resident_bytes: int = 0
    total_bytes: int = 0
    slope: float = 0.0
    cpu_ms: Figure = NONE
    ended: str = ""


_FIGURES = ("accuracy", "refused", "alerts", "false_per_hour", "delay_s", "courier", "conversation", "admitted",
            "computed", "cpu_ms")  # fmt: skip
_TABLES = ("tracks", "ages", "regimes", "long_ages", "entered")
_NUMBERS = ("read", "slope")


@dataclass
class Understanding:
    """Several gates and memories on the same streams.

    Attributes:
        family: "understanding".
        seed: of the streams: all of them are held out from tuning.
        streams: of each regime.
        minutes: length of a stream; of the long one beside them too (0: there was none).
        fps, tokens: frames a second, and tokens a stream.
        budget: rows that the window keeps.
        total_bytes: that every bounded method has, on the device or in all; sound is not counted.
        regimes, unseen: in order; the one that was never looked at in tuning.
        tracks, ages, long_ages: in order; the ages of the short streams, and those of the long one.
        questions: how many were asked, by track, on all short streams.
        methods: of both settings, recipes first.
        upper: name of the unbounded method.
        notes: what a reader must know to judge the figures, in sentences.
        date, machine, seconds: when, on what, wall time.
    """

    seed: int
    streams: int
    minutes: float
    long_minutes: float
    fps: int
    tokens: int
    budget: int
    total_bytes: int
    regimes: list[str]
    unseen: str
    tracks: list[str]
    ages: list[str]
    long_ages: list[str]
    questions: dict[str, int]
    methods: list[KeeperResult]
    upper: str
    notes: list[str]
    date: str
    machine: str
    seconds: float = 0.0
    family: str = "understanding"

    def at(self, setting: str) -> list[KeeperResult]:
        """The methods at one setting."""
        return [method for method in self.methods if method.setting == setting]

    def method(self, name: str, setting: str = "resident") -> KeeperResult:
        """The method of that name; KeyError if it is not there."""
        found = next((method for method in self.at(setting) if method.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def to_json(self) -> dict[str, Any]:
        """Plain values; NaN becomes null."""
        return {"format": FORMAT, **plain(asdict(self))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            InputError: it is no comparison of understanding, is of another format, or is damaged.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT or data.get("family") != "understanding":
            raise InputError(f"comparison: no comparison of understanding in format {FORMAT}")
        fields = {key: value for key, value in data.items() if key != "format"}
        try:
            fields["methods"] = [_method(one) for one in fields["methods"]]
            return cls(**fields)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"comparison: damaged: {error!r}") from error


def _method(data: Mapping[str, Any]) -> KeeperResult:
    fields = dict(data)
    fields |= {name: figure_of(fields[name]) for name in _FIGURES}
    fields |= {name: {key: figure_of(one) for key, one in fields[name].items()} for name in _TABLES}
    fields |= {name: number_of(fields[name]) for name in _NUMBERS}
    return KeeperResult(**fields)
