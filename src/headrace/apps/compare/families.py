"""families: which comparison the names that a user gives belong to."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from headrace.apps.compare import methods as states
from headrace.apps.compare.understanding import methods as keepers
from headrace.core.errors import ConfigError

FAMILIES = {states.FAMILY: states, keepers.FAMILY: keepers}


def family_of(names: Sequence[str]) -> str:
    """The family whose methods these are; every name is known in it.

    A name that both families know, such as `window`, goes with the others; alone it means the first of them.

    Raises:
        ConfigError: a name is unknown or only planned, or the names are of different families.
    """
    known = {family: {family, *room.names_of()} for family, room in FAMILIES.items()}
    fitting = [family for family, held in known.items() if set(names) <= held]
    if fitting:
        return fitting[0]
    touched = [family for family, held in known.items() if set(names) & held]
    if len(touched) > 1 and all(any(name in held for held in known.values()) for name in names):
        raise ConfigError(f"{', '.join(names)} are of different families; compare those of one family at a time")
    near = [family for family, held in known.items() if any(get_close_matches(name, held) for name in names)]
    family = next(iter(touched or near), states.FAMILY)
    FAMILIES[family].find(names)
    return family
