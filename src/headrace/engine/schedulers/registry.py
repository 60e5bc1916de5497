"""Registry: schedulers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, cast

from headrace.core.errors import ConfigError
from headrace.engine.scheduler import Scheduler
from headrace.engine.schedulers.density import Density
from headrace.engine.schedulers.edf import Edf
from headrace.engine.schedulers.fair import Fair
from headrace.engine.schedulers.fcfs import Fcfs
from headrace.engine.schedulers.grouped import Grouped
from headrace.engine.schedulers.leastslack import LeastSlack
from headrace.engine.schedulers.prefillfirst import PrefillFirst
from headrace.engine.schedulers.shortest import Shortest
from headrace.engine.schedulers.shuffled import Shuffled
from headrace.engine.schedulers.splitfuse import SplitFuse
from headrace.engine.schedulers.streamed import Streamed


def known() -> Mapping[str, Callable[[], Scheduler]]:
    """Every scheduler by the name that commands take, with what makes it at its defaults."""
    return {
        "fcfs": Fcfs,
        "edf": Edf,
        "least-slack": LeastSlack,
        "prefill-first": PrefillFirst,
        "split-fuse": SplitFuse,
        "density": Density,
        "streamed": Streamed,
        "grouped": Grouped,
        "fair": Fair,
        "shortest": Shortest,
        "random": Shuffled,
    }


def scheduler_of(given: Any) -> Scheduler:
    """A scheduler, of a name the one that is known by it, of a recipe what it builds.

    Raises:
        ConfigError: no scheduler has that name, or what is given or built is none.
    """
    if isinstance(given, str):
        names = known()
        if given not in names:
            close = get_close_matches(given.lower(), names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
            raise ConfigError(f"unknown scheduler {given!r}; {hint}")
        return names[given]()
    recipe = hasattr(given, "build") and not isinstance(given, type)
    built = given.build() if recipe else given
    if isinstance(built, type) or not callable(built):
        raise ConfigError(
            f"{getattr(given, '__name__', type(given).__name__)} is no scheduler; give a name ({', '.join(known())}), "
            "an object such as Edf(), or a recipe that builds one"
        )
    return cast(Scheduler, built)
