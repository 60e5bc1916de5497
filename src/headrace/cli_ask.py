"""`headrace ask`."""

from __future__ import annotations

from typing import Annotated

import typer

from headrace.cli_llm import Llm, Meaning, choose_responder
from headrace.cli_output import print_json, printable
from headrace.core.errors import ConfigError

#: What helps where nothing was found.
HINT = '(answers are looked up by words that were shown or said, or by time: "what was on screen in the last minute?")'


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ask")(ask)


def ask(
    words: Annotated[
        list[str], typer.Argument(metavar="DIR... QUESTION", help="The --out of one or more runs, then the question.")
    ],
    questions: Annotated[
        list[str] | None,
        typer.Option("--question", "-q", help="A question, in place of the last argument; may be repeated."),
    ] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", help="Ask of this stream only; may be repeated.")
    ] = None,
    llm: Llm = None,
    meaning: Meaning = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answers and their evidence as JSON.")] = False,
) -> None:
    """Ask what runs remember, finished or still watching; the answer quotes its evidence, or says "not seen".

    Examples:

      headrace ask headrace-out "when did the warning appear?"

      headrace ask lecture -q "what was said after the break?" -q "the deadline of the proposal" --json

      headrace ask monday tuesday "was gate 3 open in the first hour?" --source camera1
    """
    from headrace.apps.asking import Recollection
    from headrace.apps.watch import encoder
    from headrace.apps.wording import clock
    from headrace.config import find_config, load_config
    from headrace.core.item import SECOND

    folders, asked = (words, questions) if questions else (words[:-1], words[-1:])
    if not folders:
        raise ConfigError("give the --out of a run, then the question: headrace ask DIR... QUESTION")
    responder = choose_responder(llm, load_config(find_config()))
    known = Recollection.of(folders, sources or (), encoder(meaning))
    for found in known.running:
        typer.echo(
            f"{printable(str(found.folder))} is still being watched; as of {clock(found.now / SECOND)}", err=True
        )
    answers = [known.ask(question, responder) for question in asked]
    if as_json:
        told = [known.to_json(made) for made in answers]
        print_json(told if questions else told[0])
        return
    for made in answers:
        if len(answers) > 1:
            typer.echo(printable(made.question))
        typer.echo(("  " if len(answers) > 1 else "") + printable(made.text))
        if made.note:
            typer.echo(f"(quoted, because {printable(made.note)})", err=True)
    if not any(made.seen or made.windows for made in answers):
        typer.echo(HINT, err=True)
