"""Methods: which ones a comparison runs, found by the names that a user gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.core.errors import ConfigError
from headrace.recipes.baselines import BASELINES, Setting
from headrace.recipes.registry import Registry, open_registry, suggest

if TYPE_CHECKING:
    from headrace.state import Policy

#: The family whose recipes build a Policy.
FAMILY = "state"
#: What every method is compared with; it always runs.
REFERENCE = "window"


@dataclass(frozen=True)
class Method:
    """One method of a comparison, before it is given a budget.

    Attributes:
        name: as it is called on the command line.
        kind: "recipe" or "baseline".
        what: it keeps, in one line.
        bounded: its memory has an upper limit that it never meets.
        approximate: in what it differs from the method it is named after.
        recipe: the recipe with its defaults; None: a baseline.
    """

    name: str
    kind: str
    what: str
    bounded: bool = True
    approximate: str = ""
    recipe: Any = None

    @property
    def scales(self) -> bool:
        """Whether it can be run at any budget."""
        return self.recipe is None or hasattr(self.recipe, "at")

    def policy(self, setting: Setting) -> Policy:
        """Its policy: recipes with a method `at` are built for the setting's tokens, others as they are."""
        if self.recipe is None:
            return BASELINES[self.name].make(setting)
        built: Policy = (self.recipe.at(setting.tokens) if self.scales else self.recipe).build()
        return built


def names_of(registry: Registry | None = None) -> list[str]:
    """All that can be named: recipes of the family that exist, then baselines."""
    registry = registry or open_registry()
    rows = (registry.row(name) for name in registry.names() if name in registry.entries)
    return [row.recipe for row in rows if row.family == FAMILY] + list(BASELINES)


def find(names: Sequence[str], registry: Registry | None = None) -> list[Method]:
    """Methods by name; a family stands for its recipes that exist and the baselines. Recipes come first.

    The reference is always among them.

    Raises:
        ConfigError: a name is unknown, only planned, or of something that is no policy.
    """
    registry = registry or open_registry()
    known = names_of(registry)
    wanted = [one for name in names for one in (known if name == FAMILY else [name])]
    if not wanted:
        raise ConfigError(f"nothing to compare; name methods, or the family {FAMILY!r}")
    families = {row.family for row in registry.papers.values()}
    for name in wanted:
        if name in families:
            raise ConfigError(f"methods of family {name!r} cannot be compared yet; use {FAMILY!r}")
        if name not in BASELINES and name not in registry.papers and name not in registry.entries:
            raise ConfigError(f"unknown method {name!r}; {suggest(name, known, 'headrace recipes')}")
    recipes = [name for name in dict.fromkeys(wanted) if name not in BASELINES]
    baselines = [name for name in BASELINES if name in wanted or name == REFERENCE]
    return [_recipe(name, registry) for name in recipes] + [_baseline(name) for name in baselines]


def _recipe(name: str, registry: Registry) -> Method:
    kind = registry.entry(name).load()
    recipe, row = kind(), registry.row(name)
    built = recipe.build()
    if not hasattr(built, "keeps"):
        raise ConfigError(f"{name} builds no policy of what to keep; it cannot be compared in family {FAMILY!r}")
    return Method(name, "recipe", row.brings, bool(built.bounded), kind.reconstruction, recipe)


def _baseline(name: str) -> Method:
    found = BASELINES[name]
    return Method(name, "baseline", found.what, found.bounded, found.approximate)
