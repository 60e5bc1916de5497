"""The command line: parse, call, print.

Commands live in the modules of `COMMANDS`, each of which has `register(app)`. They are imported when
the command line starts, so they import what they run inside their functions.

Exit codes: 0 done; 1 ran, but what it checked does not hold; 2 the user can mend it (one line on
standard error, a traceback only under --debug); 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer

from headrace.cli_output import printable
from headrace.core.errors import HeadraceError
from headrace.version import __version__

#: Modules that add commands, in the order of `headrace --help`.
COMMANDS = (
    "headrace.cli_watch",
    "headrace.cli_ask",
    "headrace.cli_recipes",
    "headrace.cli_compare",
    "headrace.cli_eval",
    "headrace.cli_engine",
    "headrace.cli_serve",
    "headrace.cli_setup",
)

#: What the parser raises: the base of `typer.BadParameter`, which typer itself does not name.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]

_HELP = """Run models on streams that never end.

Examples:

  headrace watch demo: --ask "when did the warning appear?" --out demo-out

  headrace serve zoo:tiny-llama

  headrace recipes --family understanding

  headrace doctor
"""


@dataclass
class Session:
    """What the global options said; commands find it as `typer.Context.obj`."""

    debug: bool = False


def build_app() -> typer.Typer:
    """The whole command line, from every module of `COMMANDS` that exists."""
    app = typer.Typer(
        name="headrace",
        help=_HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    for module in COMMANDS:
        if find_spec(module):
            import_module(module).register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on `arguments` (the process's own if None) and exit."""
    session = Session()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        try:
            code = build_app()(args=words, prog_name="headrace", obj=session, standalone_mode=False)
        finally:
            sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except UsageError as error:
        sys.stderr.write(_misused(error))
        sys.exit(2)
    except HeadraceError as error:
        if session.debug:
            raise
        sys.stderr.write(f"headrace: error: {printable(str(error))}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has gone: nothing is left to say, and nothing to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _misused(error: Any) -> str:
    """One line for a `UsageError`; nothing if it only stands for the help, which has been printed."""
    message = " ".join(str(error.format_message()).split()).rstrip(".")
    if not message or message.startswith("Usage:"):
        return ""
    where = error.ctx.command_path if error.ctx is not None else "headrace"
    return f"headrace: error: {message[:1].lower()}{message[1:]}; see `{where} --help`\n"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headrace {__version__}")
        raise typer.Exit


def _global_options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    session = context.ensure_object(Session)
    session.debug = debug
