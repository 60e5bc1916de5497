"""Spec: what a worker is told to be, as plain data; it builds the engine where it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    from headrace.engine.engine import Engine


@dataclass(frozen=True)
class Spec:
    """One worker.

    Attributes:
        model: a folder, a hub id, or a model that ships (`zoo:tiny-llama`).
        dtype, optimize: see `headrace.models.hf.load`.
        device: "cpu", "cuda" (of several the one of its number, so that each has a lane), "cuda:1", …; None: CUDA, if
            there is any.
        number: of the worker.
        scheduler: its name (see `headrace.engine.schedulers`).
        rows, units, seconds: of a tick, see `Limits`.
        bytes: of state on the device, all sessions together.
        host_bytes: of state of sessions that make room, in the memory of the host.
        disk_bytes: the same, on disk, in `folder`.
        prefix_bytes: of closed sessions that are kept for those that begin like them.
        sessions: of all workers together.
        utilisation: see `Admission`.
        cost: file of a calibration; None: what ships for this model, else measured as it runs.
        folder: of durable sessions and of the disk tier; None: neither.
    """

    model: str
    dtype: str | None = None
    device: str | None = None
    number: int = 0
    optimize: bool = False
    scheduler: str = "split-fuse"
    rows: int = 64
    units: int = 512
    seconds: float = math.inf
    bytes: int = 4 << 30
    host_bytes: int = 1 << 30
    disk_bytes: int = 16 << 30
    prefix_bytes: int = 256 << 20
    sessions: int = 1024
    utilisation: float = 0.8
    cost: str | None = None
    folder: str | None = None

    def build(self) -> tuple[Engine[Any], dict[str, Any]]:
        """The engine, and what there is to know of its model."""
        import torch

        from headrace.engine.admission import Admission
        from headrace.engine.engine import Engine
        from headrace.engine.hosted import Hosted
        from headrace.engine.lane import Lane
        from headrace.engine.limits import Limits
        from headrace.engine.parking import Room, Storage
        from headrace.engine.schedulers.registry import scheduler_of
        from headrace.models.hf.host import DEFAULT
        from headrace.models.hf.load import load

        device = self.device
        if device in (None, "cuda") and torch.cuda.is_available():
            device = f"cuda:{self.number % torch.cuda.device_count()}"
        if device in (None, "cpu"):
            torch.set_num_threads(1)
        lm = load(self.model, dtype=self.dtype, device=device, optimize=self.optimize)
        limits = Limits(self.rows, self.units, self.seconds, self.bytes)
        lane = Lane(scheduler_of(self.scheduler), self._cost(), limits)
        folder = Path(self.folder) if self.folder else None
        engine = Engine(
            Hosted(lm),
            lane,
            admission=Admission(1 << 62, self.utilisation),
            storage=Storage(Room(self.host_bytes, self.disk_bytes if folder else 0), folder),
            prefixes=self.prefix_bytes,
        )
        turns = lm.session().parts.get("turns")
        model = {
            "name": lm.name,
            "fingerprint": lm.fingerprint,
            "vocabulary": lm.vocabulary,
            "dtype": str(lm.attached.dtype).removeprefix("torch."),
            "device": str(lm.attached.device),
            "parameters": sum(p.numel() for p in lm.attached.model.parameters()),
            "roles": tuple(getattr(turns, "roles", ())),
            "tokenizer": lm.tokenizer is not None,
            "block": DEFAULT.block,
            "default_budget": 2004,
            "kinds": ("text",),
        }
        return engine, model

    def _cost(self) -> Any:
        from headrace.engine.calibration import Calibration
        from headrace.engine.cost import Cost

        if self.cost is not None:
            return Calibration.load(self.cost).cost
        if self.model.startswith("zoo:"):
            try:
                return Calibration.measured(self.model.removeprefix("zoo:")).cost
            except ConfigError:
                pass
        return Cost(1e-2, per_unit=1e-3, per_row=1e-3)
