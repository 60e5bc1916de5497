"""Calibration: a cost model, and where and how well it was measured."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from headrace.core.errors import ConfigError, InputError
from headrace.core.files import atomic_write
from headrace.engine.cost import Cost, Misfit

#: Version of the file. A newer one is refused.
FORMAT = 1
_MEASURED = Path(__file__).with_name("measured")


@dataclass(frozen=True, slots=True)
class Calibration:
    """What `calibrate` found.

    Attributes:
        cost: fitted.
        machine: what it was measured on, in words.
        model: its name; fingerprint: what its snapshots know it by.
        seed: of the launches that were drawn.
        fitted: launches that the cost was fitted to.
        held_out: error over launches that it was not.
        reread: mean error of `Cost.recompute`; None: not measured.
        ratios: measured / predicted of the launches held out, which a simulator draws noise from.
    """

    cost: Cost
    machine: str
    model: str
    fingerprint: str
    seed: int
    fitted: int
    held_out: Misfit
    reread: float | None
    ratios: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "machine": self.machine,
            "model": self.model,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "fitted": self.fitted,
            "held_out": {"mean": self.held_out.mean, "p95": self.held_out.p95},
            "reread": self.reread,
            "cost": self.cost.to_json(),
            "ratios": [round(ratio, 4) for ratio in self.ratios],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            InputError: it is of a newer format, or something else.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("format"), int):
            raise InputError("no calibration; make one with headrace calibrate")
        if data["format"] > FORMAT:
            raise InputError(
                f"a calibration of format {data['format']}, and this headrace reads up to {FORMAT}; calibrate again or "
                "upgrade headrace"
            )
        try:
            ratios = tuple(float(ratio) for ratio in data["ratios"])
            if not all(0 < ratio < math.inf for ratio in ratios):
                raise ValueError("a ratio is not above 0")
            return cls(
                cost=Cost.from_json(data["cost"]),
                machine=str(data["machine"]),
                model=str(data["model"]),
                fingerprint=str(data["fingerprint"]),
                seed=int(data["seed"]),
                fitted=int(data["fitted"]),
                held_out=Misfit(float(data["held_out"]["mean"]), float(data["held_out"]["p95"])),
                reread=None if data["reread"] is None else float(data["reread"]),
                ratios=ratios,
            )
        except (LookupError, TypeError, ValueError, ConfigError, InputError) as error:
            raise InputError(f"a damaged calibration: {type(error).__name__} {error}; calibrate again") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON.

        Raises:
            InputError: there is no such folder, or `path` is no regular file.
        """
        if not Path(path).parent.is_dir():
            raise InputError(f"{Path(path).parent} is no folder; make it, or give another path")
        atomic_write(path, json.dumps(self.to_json(), indent=1) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or unreadable, is no calibration, or one of a newer format.
        """
        try:
            return cls.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError, InputError) as error:
            raise InputError(f"{path}: {error}") from error

    @classmethod
    def measured(cls, model: str) -> Self:
        """One that headrace brings, of a model by its short name, such as "tiny-llama"; see its `machine`.

        Raises:
            InputError: there is none.
        """
        known = sorted(path.stem for path in _MEASURED.glob("*.json"))
        if model not in known:
            raise InputError(f"no calibration of {model!r} is packaged ({', '.join(known)}); run headrace calibrate")
        return cls.load(_MEASURED / f"{model}.json")

    def __str__(self) -> str:
        again = "" if self.reread is None else f", reading again within {self.reread:.1%}"
        return (
            f"{self.model} on {self.machine}: {self.held_out.mean:.1%} mean and {self.held_out.p95:.1%} p95 error over "
            f"{len(self.ratios)} launches held out ({self.fitted} fitted){again}"
        )
