"""`headrace recipes`: list the published methods, show one, run its check."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli_output import print_json, print_json_line, print_table, warn
from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    import inspect
    from collections.abc import Mapping

    from headrace.core.recipe import Row
    from headrace.recipes.registry import Registry
    from headrace.recipes.runner import Outcome

#: Figures that stand side by side at most, and below one another.
WIDE, LONG = 8, 24

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Status(StrEnum):
    """What `--status` takes."""

    PLANNED = "planned"
    PARTIAL = "partial"
    WORKS = "works"
    BROKEN = "broken"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    recipes = typer.Typer()
    recipes.callback(invoke_without_command=True)(list_recipes)
    recipes.command("show")(show)
    recipes.command("check")(check)
    app.add_typer(recipes, name="recipes")


def list_recipes(
    context: typer.Context,
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only this status.")] = None,
    as_json: Json = False,
) -> None:
    """List the published methods and what stands of each: planned, partial or works.

    Examples:

      headrace recipes

      headrace recipes --family understanding --status works

      headrace recipes show timechat

      headrace recipes check timechat
    """
    if context.invoked_subcommand:
        if family or status or as_json:
            raise ConfigError(f"list options do not go with recipes {context.invoked_subcommand}")
        return
    from headrace.recipes.registry import suggest

    registry, rows = _rows()
    families = list(dict.fromkeys(row.family for row in rows))
    if family is not None and family not in families:
        raise ConfigError(f"unknown family {family!r}; {suggest(family, families, ', '.join(families))}")
    chosen = [row for row in rows if family in (None, row.family) and status in (None, row.status)]
    if as_json:
        print_json([asdict(row) for row in chosen])
    else:
        print_table(
            ("recipe", "family", "status", "commit", "title"),
            [(row.recipe, row.family, _status(row), row.commit[:7], row.title) for row in chosen],
            title=f"{len(chosen)} of {len(rows)} recipes",
        )
    for problem in registry.problems:
        warn(problem)


def show(name: Annotated[str, typer.Argument(help="Name of a recipe.")], as_json: Json = False) -> None:
    """Show one method: its paper, its claim, its parameters, and what was measured.

    Examples:

      headrace recipes show timechat

      headrace recipes show timechat --json
    """
    registry, rows = _rows()
    registry.expect(name)
    row = next(row for row in rows if row.recipe == name)
    about = asdict(row)
    if name in registry.entries:
        about |= _describe(registry, name)
    if as_json:
        print_json(about)
        return
    about["status"] = _status(row)
    del about["stale"]
    for key, value in about.items():
        if value:
            typer.echo(f"{key.replace('_', ' ')}: {_words(value)}")


def check(
    names: Annotated[list[str], typer.Argument(help="Names of recipes.")],
    seed: Annotated[int | None, typer.Option(min=0, help="Seed; default from headrace.toml.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The long check.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Keep the result in the results that ship with headrace.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure the claim of each recipe beside its baselines; exit 1 if one does not hold.

    With --json, one object a line: recipe, claim, measured, baselines, holds, seed.

    Examples:

      headrace recipes check timechat

      headrace recipes check timechat quickvideo --seed 3 --json
    """
    from headrace.config import find_config, load_config
    from headrace.recipes.registry import open_registry
    from headrace.recipes.results import packaged_path, record, user_path
    from headrace.recipes.runner import run_check

    registry = open_registry()
    entries = [registry.entry(name) for name in names]
    foreign = [entry.name for entry in entries if entry.package]
    if update and foreign:
        raise ConfigError(f"--update keeps results of headrace's own recipes, not of {', '.join(foreign)}")
    settings = load_config(find_config()).recipes
    target = packaged_path() if update else user_path(settings.results)
    held = True
    for entry in entries:
        outcome = run_check(entry, settings.seed if seed is None else seed, full)
        record(target, entry.name, outcome.result)
        held = held and outcome.result.holds
        if as_json:
            print_json_line(outcome.to_json())
        else:
            _print_outcome(outcome)
    if not held:
        raise typer.Exit(1)


def _rows() -> tuple[Registry, list[Row]]:
    """The registry, and every row with its status from the results in force."""
    from headrace.config import find_config, load_config
    from headrace.recipes.registry import open_registry
    from headrace.recipes.results import apply, packaged_path, read_results, user_path

    registry = open_registry()
    packaged = read_results(packaged_path())
    user = read_results(user_path(load_config(find_config()).recipes.results))
    rows = [
        apply(registry.row(name), registry.entries.get(name), packaged.get(name), user.get(name))
        for name in registry.names()
    ]
    return registry, rows


def _describe(registry: Registry, name: str) -> dict[str, Any]:
    """What only the recipe's class knows; a recipe that does not load says why instead."""
    import inspect

    entry = registry.entries[name]
    try:
        kind = entry.load()
    except ConfigError as error:
        return {"broken": str(error)}
    parameters = inspect.signature(kind).parameters
    return {
        "module": entry.module,
        "claim": kind.claim,
        "missing": kind.missing,
        "reconstruction": kind.reconstruction,
        "parameters": {name: _default(parameter) for name, parameter in parameters.items()},
        "about": inspect.getdoc(kind) or "",
    }


def _default(parameter: inspect.Parameter) -> str:
    return "required" if parameter.default is parameter.empty else str(parameter.default)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_words(part)}" for name, part in value.items())
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _status(row: Row) -> str:
    return f"{row.status} (stale)" if row.stale else row.status


def _figure(run: Mapping[str, float], key: str) -> str:
    return f"{run[key]:.4g}" if key in run else ""


def _print_outcome(outcome: Outcome) -> None:
    """The figures of an outcome: a row a method; where these would be wide, a row a figure; where these would be many,
    only those that compare the methods."""
    result = outcome.result
    figures = list(dict.fromkeys(key for run in (result.measured, *result.baselines.values()) for key in run))
    runs = {outcome.recipe: result.measured, **result.baselines}
    own = [key for key in figures if not any(key in run for run in result.baselines.values())]
    shown = own if own and len(figures) > LONG else figures
    verdict = "holds" if result.holds else "does not hold"
    typer.echo(f"{outcome.recipe}: {verdict} (seed {result.seed}): {outcome.claim}")
    if len(shown) <= WIDE and shown == figures:
        print_table(("method", *shown), [(name, *(_figure(run, key) for key in shown)) for name, run in runs.items()])
    else:
        runs = runs if shown == figures else {outcome.recipe: result.measured}
        print_table(("figure", *runs), [(key, *(_figure(run, key) for run in runs.values())) for key in shown])
    if shown != figures:
        typer.echo(f"{len(figures) - len(shown)} figures of each method: --json")
    if result.note:
        typer.echo(f"note: {result.note}")
    if result.missing:
        typer.echo(f"missing: {', '.join(result.missing)}")
