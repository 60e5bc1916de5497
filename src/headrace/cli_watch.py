"""`headrace watch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli_llm import Llm, Meaning, choose_responder
from headrace.cli_output import printable, warn
from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    from headrace.apps.result import Answer, Result
    from headrace.core.recipe import Recipe

Json = Annotated[bool, typer.Option("--json", help="Print JSON: one emission a line, then the result.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch")(watch)


def watch(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=]SOURCE...", help="File, folder of images, URL, camera:0, - or demo:."),
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="NAME=URL", help="One more source, under a name; may be repeated.")
    ] = None,
    ask: Annotated[list[str] | None, typer.Option(help="A question to answer at the end; may be repeated.")] = None,
    when: Annotated[
        list[str] | None, typer.Option(help="A standing question, alerted once when it comes true; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, events.json, the trace and the memory.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Memory for what is remembered, such as 64MB.")] = None,
    asr: Annotated[
        str | None, typer.Option(help="Put speech into words: grammar:FILE, lm:FILE or transformers:PATH.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out after a crash, from its last saved state.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=AGE", help="How long to keep what is stored: thumbnails=2h, text=30d, speech=0."),
    ] = None,
    disk: Annotated[str | None, typer.Option(help="Space that --out may take, such as 1GB; at least 2MB.")] = None,
    speed: Annotated[str | None, typer.Option(help="max, realtime, or a factor such as 2.")] = None,
    gate: Annotated[
        str, typer.Option(help="What decides which blocks enter: settle, or a recipe such as timechat.")
    ] = "settle",
    llm: Llm = None,
    meaning: Meaning = False,
    as_json: Json = False,
) -> None:
    """Watch streams: read their text, hear their sound, find their events, answer questions, raise alerts.

    Nothing grows without bound: memory stays within --budget, the folder within --disk.
    Ctrl-C ends the streams, answers and writes the report; a second Ctrl-C breaks off.

    Examples:

      headrace watch demo:

      headrace watch lecture.mp4 --ask "what is the deadline of the proposal?" --out lecture

      headrace watch rtsp://camera.local/live --when "gate 3 is open" --out gate

      headrace watch --source door=rtsp://10.0.0.7/live --source hall=camera:0 --out house

      headrace watch talk.mp3 --asr transformers:openai/whisper-tiny --out talk

      headrace watch --resume --out house

      ffmpeg -i talk.mkv -c copy -f mpegts - | headrace watch - --json
    """
    from rich.console import Console

    from headrace.apps.live import choose_view
    from headrace.apps.watch import DEMO, Options, demo, demo_language
    from headrace.apps.watch import watch as run
    from headrace.cli_output import print_json_line
    from headrace.config import find_config, load_config

    config = load_config(find_config())
    settings = config.watch
    asked, waited = list(ask or ()), list(when or ())
    given = [*(sources or ()), *map(_named, source or ())]
    language = settings.asr if asr is None else asr
    if given == [DEMO] and asr is None:
        language = language or demo_language()
    if given == [DEMO] and not asked and not waited:
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
        asr=language,
        keep=keep or settings.keep,
        resume=resume,
        every_s=settings.save_every,
        responder=choose_responder(llm, config),
        meaning=meaning,
    )
    view = choose_view(Console(), as_json)
    publish = (lambda emission: print_json_line({"type": "emit", **_plain(emission)})) if as_json else None
    result = run(given, options, view=view, publish=publish)
    if as_json:
        import json

        print_json_line({"type": "result", **json.loads(result.to_json())})
    else:
        _summary(result, Path(folder))


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
    found = [counted(len(result.text), "line") + " of text"]
    if any(source.channels for source in result.sources):
        found += [counted(len(result.speech), "stretch", "stretches") + " of speech"]
        found += [counted(len(result.sounds), "other sound")]
    found += [counted(len(result.events), "event")]
    typer.echo(
        f"{', '.join(found)} in {clock(run.media_s)}; {factor(run.realtime_factor)} real time, "
        f"{percent(run.admitted_share)} of the picture entered, {size(run.state_bytes)} remembered"
    )
    for source in result.sources:
        for error in source.errors:
            warn(f"{source.name}: {error}")
    typer.echo(f"report: {folder / 'report.html'}")
    if any(source.errors and not source.watched_s for source in result.sources):
        raise typer.Exit(2)


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
    except (ValueError, OverflowError):
        raise ConfigError(f"{option} {text!r} is no size; write bytes or a text like 64MB") from None


def _named(text: str) -> str:
    """A `--source`, which has a name."""
    if "=" not in text:
        raise ConfigError(f"--source {text!r} has no name; write --source NAME=URL, or give the URL alone")
    return text


def _gate(name: str) -> Recipe | None:
    """The recipe of that name, or None for the gate of the house."""
    if name == "settle":
        return None
    from headrace.recipes.registry import open_registry

    registry = open_registry()
    registry.expect(name)
    return registry.entry(name).load()()
