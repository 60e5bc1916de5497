"""`headrace watch` and `headrace ask`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli_output import printable, warn
from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    from headrace.apps.result import Answer, Result
    from headrace.config import Config
    from headrace.core.recipe import Recipe
    from headrace.understanding.responder import Responder

Json = Annotated[bool, typer.Option("--json", help="Print JSON: one emission a line, then the result.")]
Llm = Annotated[
    str | None,
    typer.Option(help="Base URL of an OpenAI-compatible server that words the answers (key: $HEADRACE_LLM_KEY)."),
]
Meaning = Annotated[bool, typer.Option("--meaning", help="Search by meaning too (extra: meaning).")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("watch")(watch)
    app.command("ask")(ask)


def watch(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="File, folder of images, URL, camera:0, - or demo:.")
    ],
    ask: Annotated[list[str] | None, typer.Option(help="A question to answer at the end; may be repeated.")] = None,
    when: Annotated[
        list[str] | None, typer.Option(help="A standing question, alerted once when it comes true; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, events.json, the trace and the memory.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Memory for what is remembered, such as 64MB.")] = None,
    disk: Annotated[str | None, typer.Option(help="Space that --out may take, such as 1GB; at least 2MB.")] = None,
    speed: Annotated[str | None, typer.Option(help="max, realtime, or a factor such as 2.")] = None,
    gate: Annotated[
        str, typer.Option(help="What decides which blocks enter: settle, or a recipe such as timechat.")
    ] = "settle",
    llm: Llm = None,
    meaning: Meaning = False,
    as_json: Json = False,
) -> None:
    """Watch streams: read their text, find their events, answer questions, raise alerts.

    Nothing grows without bound: memory stays within --budget, the folder within --disk.
    Ctrl-C ends the streams, answers and writes the report; a second Ctrl-C breaks off.

    Examples:

      headrace watch demo:

      headrace watch lecture.mp4 --ask "what is the deadline of the proposal?" --out lecture

      headrace watch rtsp://camera.local/live --when "gate 3 is open" --out gate

      ffmpeg -i talk.mkv -c copy -f mpegts - | headrace watch - --json
    """
    from rich.console import Console

    from headrace.apps.live import choose_view
    from headrace.apps.watch import DEMO, Options, demo
    from headrace.apps.watch import watch as run
    from headrace.cli_output import print_json_line
    from headrace.config import find_config, load_config

    config = load_config(find_config())
    settings = config.watch
    asked, waited = list(ask or ()), list(when or ())
    if sources == [DEMO] and not asked and not waited:
        known = demo()
        asked = [entry["question"] for entry in known["ask"]]
        waited = [known["when"]["condition"]]
    folder = out or settings.out
    options = Options(
        ask=asked,
        when=waited,
        out=folder,
        budget=_size("--budget", budget, settings.budget),
        disk=_size("--disk", disk, settings.disk),
        speed=speed or settings.speed,
        gate=_gate(gate),
        responder=_responder(llm, config),
        meaning=meaning,
    )
    view = choose_view(Console(), as_json)
    publish = (lambda emission: print_json_line({"type": "emit", **_plain(emission)})) if as_json else None
    result = run(sources, options, view=view, publish=publish)
    if as_json:
        import json

        print_json_line({"type": "result", **json.loads(result.to_json())})
    else:
        _summary(result, Path(folder))


def ask(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The --out of a run.")],
    question: Annotated[str, typer.Argument(help="What to look for.")],
    llm: Llm = None,
    meaning: Meaning = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer and its evidence as JSON.")] = False,
) -> None:
    """Ask what a finished run remembers; the answer quotes its evidence, or says "not seen".

    Examples:

      headrace ask headrace-out "when did the warning appear?"

      headrace ask lecture "deadline of the proposal" --json
    """
    from headrace.apps.output import recall
    from headrace.apps.watch import as_query, encoder
    from headrace.cli_output import print_json
    from headrace.config import find_config, load_config
    from headrace.core.item import SECOND
    from headrace.understanding.responder import answer

    responder = _responder(llm, load_config(find_config()))
    query = as_query(question)
    memory, result = recall(folder, encoder(meaning))
    view = memory.read(query, round(result.run.media_s * SECOND))
    made = answer(query, view, responder)
    if as_json:
        print_json(made.to_json())
        return
    typer.echo(printable(made.text))
    if made.note:
        typer.echo(f"(quoted, because {printable(made.note)})", err=True)


def _summary(result: Result, folder: Path) -> None:
    """What a person wants to know at the end."""
    from headrace.apps.wording import clock, counted, factor, percent, size

    run = result.run
    for alert in result.alerts:
        typer.echo(f"alert   {clock(alert.t_s)}  {printable(f'{alert.when}: {alert.text}')}")
    for when in result.standing:
        if all(alert.when != when for alert in result.alerts):
            typer.echo(f"alert   never  {printable(when)}")
    for made in result.answers:
        _print_answer(made)
    typer.echo(
        f"{counted(len(result.text), 'line')} of text, {counted(len(result.events), 'event')} in {clock(run.media_s)}"
        f" of video; {factor(run.realtime_factor)} real time, {percent(run.admitted_share)} of the picture entered,"
        f" {size(run.state_bytes)} remembered"
    )
    for source in result.sources:
        for error in source.errors:
            warn(f"{source.name}: {error}")
    typer.echo(f"report: {folder / 'report.html'}")


def _print_answer(made: Answer) -> None:
    typer.echo(f"ask     {printable(made.question)}\n        {printable(made.text)}")
    if made.note:
        typer.echo(f"        (quoted, because {printable(made.note)})")


def _plain(emission: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(emission)  # type: ignore[call-overload, no-any-return]


def _size(option: str, text: str | None, default: int) -> int:
    from headrace.config import parse_size

    if text is None:
        return default
    try:
        return parse_size(text)
    except ValueError:
        raise ConfigError(f"{option} {text!r} is no size; write bytes or a text like 64MB") from None


def _gate(name: str) -> Recipe | None:
    """The recipe of that name, or None for the gate of the house."""
    if name == "settle":
        return None
    from headrace.recipes.registry import open_registry

    registry = open_registry()
    registry.expect(name)
    return registry.entry(name).load()()


def _responder(url: str | None, config: Config) -> Responder | None:
    """Who words the answers, or None to quote.

    Evidence and the key go to that server, so a settings file that merely lies in the current folder, which
    another may have put there, cannot name it.
    """
    settings, origin = config.watch, config.sources.get("watch.llm")
    here = origin is not None and Path(origin) == Path.cwd() / "headrace.toml"
    if url is None and settings.llm and here and "HEADRACE_CONFIG" not in os.environ:
        raise ConfigError(
            "headrace.toml in this folder names an llm server; give it as --llm, or in your own settings file"
        )
    if not (url or settings.llm):
        return None
    from headrace.understanding.llm import Remote

    return Remote(url or settings.llm, settings.llm_model, settings.llm_timeout)
