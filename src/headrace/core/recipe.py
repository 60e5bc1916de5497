"""Recipe: one published method as a frozen dataclass of its hyper-parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(slots=True)
class Check:
    """What a recipe's check measured.

    Attributes:
        measured: figures of the method, by name.
        baselines: the same figures for each baseline, by baseline name.
        holds: whether the claim, as restated in `Recipe.claim`, held.
        seed: the seed of the run.
        note: what a reader must know to judge the figures: the stream, its length, what is small.
    """

    measured: dict[str, float]
    baselines: dict[str, dict[str, float]]
    holds: bool
    seed: int
    note: str = ""


@dataclass(frozen=True)
class Recipe(ABC):
    """One published method.

    A subclass is a frozen dataclass whose fields are the method's hyper-parameters with the
    paper's (or its code's) defaults, and whose docstring gives the citation and the mechanism.

    Class attributes:
        name: the row's name in the table of papers.
        claim: the paper's claim, restated so that a small run can test it.
        missing: parts of the paper that this recipe does not build; a recipe with any is at best
            `partial`.
        reconstruction: why the method is a reconstruction (only the abstract was known), or "".
    """

    name: ClassVar[str]
    claim: ClassVar[str]
    missing: ClassVar[tuple[str, ...]] = ()
    reconstruction: ClassVar[str] = ""

    @abstractmethod
    def build(self) -> Any:
        """The part this recipe stands for: a Gate, a Source, a Policy, …"""

    @abstractmethod
    def check(self, seed: int = 0, full: bool = False) -> Check:
        """Measure the claim beside its baselines: at most 120 s, longer only if `full`."""


@dataclass(slots=True)
class Row:
    """One line of the table of papers: what exists, whether or not a recipe stands for it yet."""

    recipe: str
    title: str
    family: str
    paper_claim: str
    brings: str
    works_when: str
    status: str = "planned"
    reason: str = ""
    commit: str = ""
    stale: bool = False
    measured: dict[str, float] = field(default_factory=dict)
