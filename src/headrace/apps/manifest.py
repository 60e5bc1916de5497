"""Manifest: what a run was given, `run.json` in its folder, so that it can be taken up again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from headrace.apps.decode import decode
from headrace.apps.output import refused
from headrace.core.errors import ConfigError, InputError
from headrace.core.files import atomic_write

FORMAT = 1


@dataclass(slots=True)
class Given:
    """One source as it was given.

    Attributes:
        address: without credentials and query; a local file by its whole path.
        whole: nothing was left out of the address.
    """

    name: str
    address: str
    whole: bool = True

    def opens(self) -> str:
        """The address to open; ConfigError if part of it was not kept."""
        if not self.whole:
            raise ConfigError(
                f"the address of {self.name} held what is not kept on disk (a password, or what follows ?); "
                "give the sources again"
            )
        return self.address


@dataclass(slots=True)
class Manifest:
    """What a run was given.

    Attributes:
        ask, when: questions, and standing questions.
        gate: name of the gate.
        asr: plug of the recogniser, "" for none.
        speed: "max", "realtime" or a factor.
        budget: bytes of memory.
        keep: retention rules.
    """

    sources: list[Given]
    ask: list[str] = field(default_factory=list)
    when: list[str] = field(default_factory=list)
    gate: str = "settle"
    asr: str = ""
    speed: str = "max"
    budget: int = 0
    keep: list[str] = field(default_factory=list)
    format: int = FORMAT

    def save(self, path: Path) -> None:
        """Raises CapacityError if the disk does not take it."""
        try:
            atomic_write(path, json.dumps(asdict(self), indent=1) + "\n")
        except OSError as error:
            raise refused(path, error) from error

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises InputError if the file is missing, damaged or of a newer format."""
        try:
            data = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise InputError(f"{path.parent} holds no run to resume; watch without --resume") from None
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: cannot be read ({error}); watch without --resume") from None
        if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
            raise InputError(f"{path}: format {data['format']} is newer than {FORMAT}; upgrade headrace")
        made: Self = decode(cls, data, str(path), "")
        return made

    def expect(self, other: Manifest, sources: bool) -> None:
        """Raise ConfigError if `other`, what is given now, would be another run; what is not given is not compared.

        Args:
            sources: whether sources are given.
        """
        given = other.sources if sources else self.sources
        pairs: Sequence[tuple[str, object, object]] = (
            ("SOURCE", [asdict(s) for s in self.sources], [asdict(s) for s in given]),
            ("--when", self.when, other.when or self.when),
            ("--gate", self.gate, other.gate),
            ("--asr", self.asr, other.asr or self.asr),
            ("--speed", self.speed, self.speed if other.speed == "max" else other.speed),
        )
        for option, then, now in pairs:
            if then != now:
                raise ConfigError(
                    f"the run to resume was started with another {option} ({_shown(then)}, not {_shown(now)}); "
                    "give the same or leave it out, or watch without --resume"
                )


def _shown(value: object) -> str:
    if isinstance(value, list):
        return (
            ", ".join(f"{part['name']}={part['address']}" if isinstance(part, dict) else str(part) for part in value)
            or "none"
        )
    return str(value) or "none"
