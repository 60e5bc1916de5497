"""`headrace compare`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli_output import print_json, print_table, printable
from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    from headrace.apps.compare.result import Comparison

#: What comparing needs, by the extra that brings it.
NEEDS = {"hf": ("transformers",), "media": ("av", "cv2", "matplotlib")}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    names: Annotated[list[str], typer.Argument(metavar="NAME...|FAMILY", help="Recipes and baselines, or a family.")],
    model: Annotated[str, typer.Option(help="A folder, a hub id, or a model that ships.")] = "zoo:tiny-llama",
    stream: Annotated[str, typer.Option(help="shipped, or a text file in UTF-8.")] = "shipped",
    out: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Folder for table.md, table.json and pareto.png.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of streams, facts and random baselines; default 0.")] = None,
    streams: Annotated[int | None, typer.Option(min=1, help="How many streams are read; default 4.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Of each; default 10 times the trained length.")] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Tokens that a bounded method keeps; default 256.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole comparison as JSON.")] = False,
) -> None:
    """Run methods on the same recorded input and measure them: loss, recall, memory, time.

    A family is compared with its baselines: window, window+block, dense, random and h2o.
    All others are paired with window, which always runs; unigram, which looks at no order, always stands beside them.

    Examples:

      headrace compare state --out out

      headrace compare streamingllm dense --tokens 51200 --out long

      headrace compare state --stream notes.txt --streams 2 --budget 512 --json
    """
    _expect_installed()
    from rich.console import Console

    from headrace.apps.compare.methods import find
    from headrace.apps.compare.progress import choose_progress
    from headrace.apps.compare.report import expect_folder, write_report
    from headrace.apps.compare.state import compare_state

    find(names)
    folder = None if out is None else expect_folder(out)
    given = {"seed": seed, "streams": streams, "tokens": tokens, "budget": budget}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    try:
        with choose_progress(Console(stderr=True)) as progress:
            comparison = compare_state(names, model=model, stream=stream, progress=progress, **options)
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing was written", err=True)
        raise typer.Exit(130) from None
    if as_json:
        print_json(comparison.to_json())
    else:
        _summary(comparison)
    if folder is not None:
        written = write_report(comparison, folder)
        if not as_json:
            typer.echo(f"written: {', '.join(printable(str(path)) for path in written)}")


def _summary(comparison: Comparison) -> None:
    """The short table, and how to read it: in lines of the terminal's width, or on a pipe in one."""
    from rich.console import Console
    from rich.text import Text

    from headrace.apps.compare.table import TERMINAL, legend, rows, title

    print_table(TERMINAL, rows(comparison), title=title(comparison))
    console = Console()
    if console.is_terminal:
        console.print(Text(legend(comparison)))
    else:
        typer.echo(legend(comparison))


def _expect_installed() -> None:
    """One line with the pip command, before anything is imported that is not there."""
    lacking = [extra for extra, modules in NEEDS.items() if any(find_spec(module) is None for module in modules)]
    if lacking:
        extras = ",".join(lacking)
        raise ConfigError(
            f"comparing needs the extra{'s' if len(lacking) > 1 else ''} {' and '.join(lacking)}; "
            f"run: pip install 'headrace[{extras}]'"
        )
