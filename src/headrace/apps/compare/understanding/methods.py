"""Methods: gates and memories of tokens that a comparison runs, found by the names that a user gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.core.errors import ConfigError
from headrace.recipes.registry import Registry, open_registry, suggest
from headrace.recipes.tokens import BASELINES, OURS, Setting, keeper

if TYPE_CHECKING:
    from headrace.understanding.keeper import Keeper

FAMILY = "understanding"
#: What every method is compared with; they always run.
REFERENCE, UPPER = "window", "everything"


@dataclass(frozen=True)
class Label:
    """How a row of a comparison is called.

    Attributes:
        name: as on the command line.
        kind: "recipe", "ours", "baseline" or "blind".
        what: it keeps, in one line.
        bounded: its memory has an upper limit that it never meets.
        approximate: in what it differs from the method it is named after.
    """

    name: str
    kind: str
    what: str
    bounded: bool = True
    approximate: str = ""


@dataclass(frozen=True, kw_only=True)
class Method(Label):
    """One method of a comparison, before it is given a budget.

    Attributes:
        make: its keeper, fresh, at a budget.
    """

    make: Callable[[Setting], Keeper]


def names_of(registry: Registry | None = None) -> list[str]:
    """All that can be named: recipes of the family that keep tokens, ours, then baselines."""
    registry = registry or open_registry()
    rows = (registry.row(name) for name in registry.names() if name in registry.entries)
    return [row.recipe for row in rows if row.family == FAMILY] + [*OURS, *BASELINES]


def find(names: Sequence[str], registry: Registry | None = None) -> list[Method]:
    """Methods by name; the family stands for its recipes that exist, ours and the baselines.

    `REFERENCE` and `UPPER` are always among them.

    Raises:
        ConfigError: a name is unknown, only planned, or of something that keeps no tokens.
    """
    registry = registry or open_registry()
    known = names_of(registry)
    wanted = list(dict.fromkeys(one for name in names for one in (known if name == FAMILY else [name])))
    if not wanted:
        raise ConfigError(f"nothing to compare; name methods, or the family {FAMILY!r}")
    fixed = {**OURS, **BASELINES}
    for name in wanted:
        if name not in fixed and name not in registry.papers and name not in registry.entries:
            raise ConfigError(f"unknown method {name!r}; {suggest(name, known, 'headrace recipes')}")
    recipes = [_recipe(name, registry) for name in wanted if name not in fixed]
    plain = [name for name in fixed if name in (*wanted, REFERENCE, UPPER)]
    return recipes + [
        Method(
            name, "ours" if name in OURS else "baseline", fixed[name].what, fixed[name].bounded, make=fixed[name].make
        )
        for name in plain
    ]


def _recipe(name: str, registry: Registry) -> Method:
    kind = registry.entry(name).load()
    row = registry.row(name)

    def make(setting: Setting) -> Keeper:
        recipe: Any = kind()
        return keeper(recipe, setting)

    try:
        make(Setting())
    except ConfigError as error:
        raise ConfigError(f"{name} cannot be compared in family {FAMILY!r}: {error}") from error
    return Method(name, "recipe", row.brings, True, kind.reconstruction, make=make)
