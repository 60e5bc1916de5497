"""find: benchmarks by name: those of the house, and recipes that build one."""

from __future__ import annotations

from headrace.core.errors import ConfigError
from headrace.evaluation.benchmark import Benchmark
from headrace.evaluation.benchmarks import known, open_benchmark
from headrace.recipes.registry import THIRD_PARTY, open_registry, suggest


def names() -> list[str]:
    """Of all benchmarks that are known without importing one, and of third-party recipes, which may be some."""
    registry = open_registry()
    foreign = [name for name in registry.entries if registry.row(name).family == THIRD_PARTY]
    return sorted({*known(), *foreign})


def benchmark(name: str) -> Benchmark:
    """The benchmark of that name.

    Raises:
        ConfigError: there is none; what is near in spelling is told. A third party's that does not load.
    """
    if name in known():
        try:
            return open_benchmark(name)
        except ImportError as error:
            raise ConfigError(f"benchmark {name} does not load: {error}") from error
    registry = open_registry()
    if name not in registry.papers and name not in registry.entries:
        raise ConfigError(f"unknown benchmark {name!r}; {suggest(name, names(), '`headrace eval`')}")
    entry = registry.entry(name)
    try:
        built = entry.load()().build()
    except (TypeError, ConfigError) as error:
        raise ConfigError(f"recipe {name} of {entry.owner} builds nothing without parameters: {error}") from error
    if not isinstance(built, Benchmark):
        raise ConfigError(f"the recipe {name} builds no benchmark; `headrace eval` lists those that do")
    return built


def listing() -> tuple[list[Benchmark], list[str]]:
    """Every benchmark by name, and one line for each that does not load; recipes of other parts are left out."""
    found, problems = [], []
    house = known()
    for name in names():
        try:
            found.append(benchmark(name))
        except ConfigError as error:
            if name in house:
                problems.append(str(error))
    return found, problems
