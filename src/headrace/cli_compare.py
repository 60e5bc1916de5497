"""`headrace compare`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from headrace.cli_output import print_json, print_table, printable
from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    from headrace.apps.compare.progress import Progress
    from headrace.apps.compare.result import Comparison
    from headrace.apps.compare.understanding.result import Understanding

#: What comparing needs, by family and by the extra that brings it.
NEEDS: dict[str, dict[str, tuple[str, ...]]] = {
    "state": {"hf": ("transformers",), "media": ("av", "cv2", "matplotlib")},
    "understanding": {"media": ("av", "cv2", "matplotlib")},
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    names: Annotated[list[str], typer.Argument(metavar="NAME...|FAMILY", help="Recipes and baselines, or a family.")],
    model: Annotated[
        str | None, typer.Option(help="state: a folder, a hub id, or a model that ships; default zoo:tiny-llama.")
    ] = None,
    stream: Annotated[str | None, typer.Option(help="state: shipped, or a text file; default shipped.")] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Folder for table.md, table.json and pareto.png.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of streams, facts and random baselines; default 0.")] = None,
    streams: Annotated[
        int | None, typer.Option(min=1, help="How many streams are read (understanding: of each regime).")
    ] = None,
    tokens: Annotated[
        int | None, typer.Option(min=1, help="state: of each stream; default 10 times the trained length.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=1, help="understanding: of each stream; default 15.")] = None,
    hours: Annotated[
        float | None, typer.Option(min=0, help="understanding: of one more, long stream; default 3, 0 for none.")
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(min=1, help="Tokens that a bounded method keeps; default 256 (understanding: 0.5 % of a stream)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole comparison as JSON.")] = False,
) -> None:
    """Run methods on the same recorded input and measure them: what they lose, what they forget, memory, time.

    A family is compared with its baselines. state: ways to keep a language model's past, on text; all are paired with
    window. understanding: gates and memories of tokens on millrace, streams whose truth is known, read by an oracle.
    Blind rows, which look at nothing, always stand beside them.

    Baselines of state: window, window+block, dense, random, h2o, unigram. Of understanding: window, sinks, reservoir,
    adjacent, settle, everything; headrace is our own composition, presence and episodes are the halves of it.

    Examples:

      headrace compare state --out out

      headrace compare understanding --out out

      headrace compare streamingllm dense --tokens 51200 --out long

      headrace compare flashvstream savemem --minutes 10 --hours 0 --json
    """
    from headrace.apps.compare.families import family_of

    family = family_of(names)
    _expect_installed(family)
    from rich.console import Console

    from headrace.apps.compare.progress import choose_progress
    from headrace.apps.compare.report import expect_folder, write_report

    own: dict[str, dict[str, Any]] = {"state": {"model": model, "stream": stream, "tokens": tokens},
           "understanding": {"minutes": minutes, "hours": hours}}  # fmt: skip
    for other, values in own.items():
        given = [name for name, value in values.items() if value is not None]
        if other != family and given:
            raise ConfigError(f"--{given[0]} is an option of family {other!r}; leave it out for {family!r}")
    shared = {"seed": seed, "streams": streams, "budget": budget}
    options: dict[str, Any] = {name: value for name, value in (own[family] | shared).items() if value is not None}
    folder = None if out is None else expect_folder(out)
    try:
        with choose_progress(Console(stderr=True), "frames" if family == "understanding" else "tokens") as progress:
            comparison = _run(family, names, options, progress)
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


def _run(family: str, names: list[str], options: dict[str, Any], progress: Progress) -> Comparison | Understanding:
    if family == "understanding":
        from headrace.apps.compare.understanding.run import compare_understanding

        return compare_understanding(names, progress=progress, **options)
    from headrace.apps.compare.state import compare_state

    return compare_state(names, progress=progress, **options)


def _summary(comparison: Comparison | Understanding) -> None:
    """The short table, and how to read it: in lines of the terminal's width, or on a pipe in one."""
    from rich.console import Console
    from rich.text import Text

    from headrace.apps.compare import table as states
    from headrace.apps.compare.result import Comparison
    from headrace.apps.compare.understanding import table as keepers

    heads: tuple[str, ...]
    if isinstance(comparison, Comparison):
        heads, rows, title, legend = (
            states.TERMINAL, states.rows(comparison), states.title(comparison), states.legend(comparison)
        )  # fmt: skip
    else:
        heads, rows, title, legend = (
            keepers.TERMINAL, keepers.rows(comparison), keepers.title(comparison), keepers.legend(comparison)
        )  # fmt: skip
    print_table(heads, rows, title=title)
    console = Console()
    if console.is_terminal:
        console.print(Text(legend))
    else:
        typer.echo(legend)


def _expect_installed(family: str) -> None:
    """One line with the pip command, before anything is imported that is not there."""
    lacking = [
        extra for extra, modules in NEEDS[family].items() if any(find_spec(module) is None for module in modules)
    ]
    if lacking:
        extras = ",".join(lacking)
        raise ConfigError(
            f"comparing needs the extra{'s' if len(lacking) > 1 else ''} {' and '.join(lacking)}; "
            f"run: pip install 'headrace[{extras}]'"
        )
