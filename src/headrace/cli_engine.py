"""`headrace calibrate`, `headrace simulate` and `headrace capacity`."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from headrace.cli_output import OpenTable, print_json, print_table, printable, warn
from headrace.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from headrace.apps.capacity.simulated import Priced
    from headrace.engine.limits import Limits
    from headrace.models.hf import LM

#: What the folder of a capacity holds, and who wrote it.
REPORT, TABLE, PICTURE, WRITER = "capacity.json", "capacity.md", "capacity.png", "headrace capacity"
#: The value of --cost that says to measure.
NOW = "now"

Model = Annotated[str, typer.Argument(metavar="MODEL", help="A folder, a hub id, or one that ships: zoo:NAME.")]
Rows = Annotated[int, typer.Option(min=1, max=65536, help="Sessions in one tick at most.")]
Units = Annotated[int, typer.Option(min=1, max=1 << 20, help="Tokens in one tick at most.")]
Budget = Annotated[int, typer.Option(min=5, max=1 << 20, help="Tokens that a session keeps at most.")]
Seed = Annotated[int, typer.Option(min=0, help="Of all that is drawn.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Promise = Annotated[float | None, typer.Option(min=0.001, help="In place of what the trace promises.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("calibrate")(calibrate)
    app.command("simulate")(simulate)
    app.command("capacity")(capacity)


def calibrate(
    model: Model,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where it is kept, for --cost and the server.")
    ] = None,
    budget: Budget = 2004,
    rows: Annotated[int, typer.Option(min=1, max=1024, help="Sessions in one launch at most.")] = 16,
    launches: Annotated[int, typer.Option(min=40, max=100_000, help="Launches that are measured.")] = 250,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure what launches of a model cost on this machine, and fit a cost model to them.

    60 % of the launches are fitted, the others held out: how far predictions are off is said of those. Nothing else
    should run meanwhile.

    Examples:

      headrace calibrate zoo:tiny-llama

      headrace calibrate Qwen/Qwen3-0.6B --out cost.json --budget 4096
    """
    _expect_models()
    from headrace.apps.capacity.measure import measure, verdict

    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out: {out.parent} is no folder; make it, or give another path")
    lm = _load(model)
    with _progress("launches") as told:
        try:
            made = measure(
                lm,
                budget=budget,
                rows=rows,
                launches=launches,
                seed=seed,
                folder=str(out.parent) if out is not None else None,
                progress=lambda done, total: told("measuring launches", done, total),
            )
        except KeyboardInterrupt:
            _interrupted("interrupted; nothing was written")
    if out is not None:
        made.save(out)
    if as_json:
        print_json(made.to_json())
    else:
        cost = made.cost
        rows_shown = [(name, f"{1e6 * getattr(cost, name):,.4g} us", told) for name, told in _TERMS.items()]
        print_table(("term", "each", "of"), rows_shown)
        typer.echo(printable(str(made)))
        if out is not None:
            typer.echo(f"written: {printable(str(out))}")
    told_off = verdict(made)
    if told_off:
        warn(told_off)


_TERMS = {
    "base": "a launch",
    "per_unit": "a token in it",
    "per_row": "a session in it",
    "per_few": "each of its first few tokens",
    "per_entry": "an entry that is resident",
    "per_pair": "a token and an entry that it reads",
    "quadratic": "tokens of a session, squared",
    "swap_base": "saving a state and bringing it back",
    "swap_per_byte": "a byte of it",
    "disk_base": "the same by way of a disk",
    "disk_per_byte": "a byte of it",
}


def simulate(
    trace: Annotated[
        str,
        typer.Argument(
            metavar="TRACE",
            help="A file (ShareGPT, BurstGPT, Mooncake, Vidur, Stream2LLM or sessions), or synthetic:NAME[:a=1,b=2]; "
            "NAME: chat, live, mixed, shared_prefix, streamed.",
        ),
    ],
    scheduler: Annotated[str, typer.Option(metavar="NAME[,NAME]", help="edf, fcfs, least-slack, …")] = "least-slack",
    replicas: Annotated[int, typer.Option(min=1, max=4096, help="Machines.")] = 1,
    route: Annotated[
        str, typer.Option(help="Which machine takes a session: least, power-of-two, affinity, round-robin, blind.")
    ] = "least",
    rate: Annotated[float | None, typer.Option(min=1e-6, help="Requests a second; a trace is stretched to it.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.001, help="Only requests of the first so many.")] = None,
    requests: Annotated[int | None, typer.Option(min=1, help="Only so many requests.")] = None,
    cost: Annotated[
        str, typer.Option(metavar="FILE|zoo:NAME|opt-13b", help="What ticks take: a calibration, or one that ships.")
    ] = "zoo:tiny-llama",
    rows: Rows = 64,
    units: Units = 512,
    budget: Budget = 2004,
    entries: Annotated[
        int | None, typer.Option(min=1, help="Tokens of state on a machine, all sessions; more make room.")
    ] = None,
    entry_bytes: Annotated[
        int | None, typer.Option(min=1, help="Bytes of state a token, for what making room takes; default 1,024.")
    ] = None,
    format_: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="Of the file, if it is not recognised: sharegpt, …")
    ] = None,
    block: Annotated[
        int | None, typer.Option(min=1, help="Tokens that the name of a block stands for (Mooncake); default 512.")
    ] = None,
    first_ms: Promise = None,
    every_ms: Promise = None,
    whole_ms: Promise = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Run a trace through the engine's own schedulers on machines that are cost models. Every figure is simulated.

    Examples:

      headrace simulate synthetic:chat:rate=4,seconds=120 --scheduler fcfs,edf,least-slack

      headrace simulate BurstGPT_1.csv --seconds 600 --rate 20 --replicas 8 --route power-of-two --first-ms 1000

      headrace simulate conversation_trace.jsonl --cost opt-13b --budget 131072 --units 2048 --json
    """
    from headrace.apps.capacity import simulated
    from headrace.apps.capacity.figures import COLUMNS, cells
    from headrace.apps.capacity.trace import requests_of

    given = {"first": first_ms, "every": every_ms, "whole": whole_ms}
    promised = {name: value / 1000 for name, value in given.items() if value is not None}
    names = simulated.names(scheduler)
    priced = simulated.priced(cost)
    if entry_bytes is not None:
        priced = replace(priced, entry_bytes=entry_bytes)
    held = simulated.UNLIMITED if entries is None else entries * priced.entry_bytes
    asked = requests_of(
        trace,
        rate=rate,
        horizon=seconds,
        most=requests,
        promised=promised,
        seed=seed,
        format=format_,
        block=block,
    )
    setting = simulated.Setting(trace, asked, priced, names, replicas, route, _limits(rows, units, held), budget)
    found, shown, cut = {}, OpenTable(COLUMNS), ""
    try:
        with _progress("seconds") as told:
            for name, one in simulated.each(setting, told):
                found[name] = one
                if not as_json:
                    shown.add(cells(name, one))
    except KeyboardInterrupt:
        cut = f"interrupted; {len(found)} of {len(names)} schedulers were simulated to the end"
    made = simulated.Simulation(setting, found)
    shown.close()
    if as_json and found:
        print_json({**made.to_json(), **({"interrupted": True} if cut else {})})
    elif found:
        typer.echo(printable(made.title()))
    if cut:
        _interrupted(cut)
    if not as_json and not simulated.promised(asked):
        typer.echo(
            "nothing was promised, so that every output counts as a hit; give --first-ms, --every-ms or --whole-ms"
        )


def capacity(
    slo: Annotated[str, typer.Option(metavar="first=500ms,every=100ms", help="What is promised: first, every, whole.")],
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A folder, a hub id, or one that ships.")
    ] = "zoo:tiny-llama",
    load: Annotated[
        str,
        typer.Option(
            metavar="live[:period=1s,chunk=32,reply=8,every=1]",
            help="What a session asks for; or people[:think=10s,prompt=64,reply=48].",
        ),
    ] = "live",
    share: Annotated[float, typer.Option(min=0.01, max=1.0, help="Of outputs that must be in time.")] = 0.99,
    scheduler: Annotated[
        str, typer.Option(metavar="NAME[,NAME]", help="split-fuse, least-slack, edf, fcfs, …")
    ] = "split-fuse",
    real: Annotated[bool, typer.Option("--real", help="Run the engine too, at what was found and beside it.")] = False,
    cost: Annotated[
        str, typer.Option(metavar="now|FILE|zoo:NAME|opt-13b", help="What ticks take; now: the model is measured.")
    ] = NOW,
    rows: Rows = 64,
    units: Units = 512,
    budget: Budget = 2004,
    seconds: Annotated[float, typer.Option(min=1.0, max=86_400, help="Of the load, in each run.")] = 20.0,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Simulated runs, with other arrivals and noise.")] = 5,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help=f"Folder for {REPORT}, {TABLE} and {PICTURE}.")
    ] = None,
    as_json: Json = False,
) -> None:
    """How many live sessions does this machine serve within their promises?

    The number of sessions is found by bisection in the simulator, with a cost model that is measured first; --real then
    runs the engine with the model at that number, one less and one more.

    Examples:

      headrace capacity --slo first=500ms,every=100ms

      headrace capacity --model ./model --slo whole=800ms --load live:period=2s,chunk=64,reply=16 --real --out capacity

      headrace capacity --slo first=1s,every=200ms --load people:think=5s --scheduler least-slack,fcfs --cost cost.json
    """
    from headrace.apps.capacity import simulated
    from headrace.apps.capacity.answer import COLUMNS, answer
    from headrace.apps.capacity.find import Question
    from headrace.apps.capacity.load import Load
    from headrace.apps.capacity.words import promise
    from headrace.apps.evaluate.folder import document, expect_folder, write

    names = simulated.names(scheduler)
    question = Question(Load.parse(load), promise(slo), share, _limits(rows, units), budget, seconds, seeds)
    folder = None if out is None else expect_folder(out, REPORT, WRITER)
    if folder is not None and find_spec("matplotlib") is None:
        raise ConfigError("the picture needs the extra media; run: pip install 'headrace[media]'")
    known = None if cost == NOW else simulated.priced(cost)
    lm = None
    if known is None or real:
        _expect_models()
        lm = _load(model)
    try:
        with _progress("launches") as told:
            priced = known or _measured(lm, question, told)
            made = answer(question, names, priced, lm, real=real, told=told)
    except KeyboardInterrupt:
        _interrupted("interrupted; nothing was found")
    if as_json:
        print_json(made.to_json())
    else:
        print_table(COLUMNS, [made.cells(name) for name in names], printable(made.title()))
        for line in (made.title(), *made.lines()):
            typer.echo(printable(line))
    if folder is not None:
        from headrace.apps.capacity.picture import png

        written = write(folder, {REPORT: document(made.to_json(), WRITER), TABLE: made.markdown(), PICTURE: png(made)})
        if not as_json:
            typer.echo(f"written: {', '.join(printable(str(path)) for path in written)}")


def _measured(lm: LM | None, question: Any, told: Any) -> Priced:
    from headrace.apps.capacity.measure import measure, verdict
    from headrace.apps.capacity.simulated import Priced

    assert lm is not None
    made = measure(
        lm,
        budget=question.budget,
        rows=min(question.limits.rows, 64),
        progress=lambda done, total: told("measuring launches", done, total),
    )
    if verdict(made):
        warn(verdict(made))
    return Priced.of(made)


def _limits(rows: int, units: int, held: int | None = None) -> Limits:
    from headrace.engine.limits import Limits

    return Limits(rows=rows, units=units) if held is None else Limits(rows=rows, units=units, bytes=held)


def _expect_models() -> None:
    lacking = [name for name in ("torch", "transformers") if find_spec(name) is None]
    if lacking:
        raise ConfigError(f"running a model needs {', '.join(lacking)}; run: pip install 'headrace[hf]'")


def _load(model: str) -> LM:
    from headrace.models.hf.load import load

    return load(model)


def _progress(unit: str) -> AbstractContextManager[Any]:
    from rich.console import Console

    from headrace.apps.compare.progress import choose_progress

    return choose_progress(Console(stderr=True), unit)


def _interrupted(told: str) -> NoReturn:
    typer.echo(told, err=True)
    raise typer.Exit(130) from None
