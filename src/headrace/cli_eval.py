"""`headrace eval`: score published outputs, audit a benchmark, run a system over its recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from headrace.cli_output import print_json, print_table, printable, warn
from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    from headrace.apps.evaluate.scored import Scored
    from headrace.evaluation.benchmark import Stream
    from headrace.evaluation.timing import Timing

#: The command that a benchmark's name stands for, and how its name is shown.
RUN, BENCH = "run", "BENCH"
SCORE_WRITER, AUDIT_WRITER = "headrace eval", "headrace eval audit"
REPORT = "report.json"

Name = Annotated[str, typer.Argument(metavar=BENCH, help="A benchmark; `headrace eval` lists them.")]
Annotations = Annotated[str, typer.Option(metavar="FILE", help="The published annotations, file or folder, unchanged.")]
Judge = Annotated[
    str | None,
    typer.Option(
        metavar="exact|f1|meaning|URL",
        help="What compares texts, where a benchmark needs it; URL: an OpenAI-compatible model.",
    ),
]
JudgeModel = Annotated[str, typer.Option(help="Name of the model behind that URL (key: $HEADRACE_LLM_KEY).")]
Seed = Annotated[int, typer.Option(min=0, help="Of all that is drawn: policies, intervals, costs.")]
Resamples = Annotated[
    int, typer.Option(min=0, max=100_000, help="Draws of streams for the 95 % intervals; 0: no intervals.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


#: What `--clock` and `--late` take.
ClockName = Literal["zero", "profile", "measured", "wall"]
Late = Literal["newest", "queue", "every"]


class _Group(TyperGroup):
    """A first word that is no command of the group is a benchmark to run."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        helps = {*ctx.help_option_names, "--json"}
        if args and args[0] not in self.commands and args[0] not in helps:
            args = [RUN, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return (BENCH if name == RUN else name), command, rest


class _Run(TyperCommand):
    """A command whose first argument stands for its name."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece for piece in super().collect_usage_pieces(ctx) if piece.strip("{}") != BENCH]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(cls=_Group, subcommand_metavar="BENCH|COMMAND [ARGS]...")
    group.callback(invoke_without_command=True)(list_benchmarks)
    group.command("score")(score)
    group.command("audit")(audit)
    group.command("millrace")(millrace)
    group.command(RUN, cls=_Run, hidden=True)(run)
    app.add_typer(group, name="eval")


def list_benchmarks(context: typer.Context, as_json: Json = False) -> None:
    """List the benchmarks; score outputs, audit a benchmark, run a system over its recordings.

    Beside every figure stands the best policy that never looks at the stream.

    Examples:

      headrace eval

      headrace eval score ovobench --annotations ovo_bench_new.json --responses results/*.json

      headrace eval audit ovobench --annotations ovo_bench_new.json

      headrace eval ovobench --annotations ovo_bench_new.json --videos clips --system watch --out out
    """
    if context.invoked_subcommand:
        if as_json:
            raise ConfigError(f"give --json behind eval {context.invoked_subcommand}")
        return
    from headrace.apps.evaluate.find import listing

    found, problems = listing()
    for problem in problems:
        warn(problem)
    if as_json:
        fields = ("name", "title", "licence", "source", "judged")
        print_json([{field: getattr(one, field) for field in fields} for one in found])
        return
    rows = [(one.name, one.title, one.licence, "yes" if one.judged else "", one.source) for one in found]
    print_table(("benchmark", "title", "licence of the data", "judge", "annotations"), rows)


def score(
    name: Name,
    annotations: Annotations,
    responses: Annotated[
        list[str], typer.Option(metavar="FILE", help="Published outputs, files or folders; may be given often.")
    ],
    more: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Further files of responses.")] = None,
    judge: Judge = None,
    judge_model: JudgeModel = "",
    resamples: Resamples = 200,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Score published outputs, with the best blind policy beside every figure.

    Examples:

      headrace eval score ovobench --annotations ovo_bench_new.json --responses results/Gemini_*.json

      headrace eval score svbench --annotations svbench --responses out.json --judge f1 --json
    """
    from headrace.apps.evaluate.find import benchmark
    from headrace.apps.evaluate.inputs import expect_files
    from headrace.apps.evaluate.judging import judge as make_judge
    from headrace.apps.evaluate.scored import score_responses

    bench, judged = benchmark(name), make_judge(judge, judge_model)
    paths = [*responses, *(more or [])]
    expect_files("--annotations", [annotations])
    expect_files("--responses", paths)
    try:
        scored = score_responses(bench, annotations, paths, judged, resamples=resamples, seed=seed)
    except KeyboardInterrupt:
        _interrupted("interrupted; nothing was scored")
    _print_score(scored, as_json)


def audit(
    name: Name,
    annotations: Annotations,
    out: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Folder for audit.md, audit.json and audit.png.")
    ] = None,
    judge: Judge = None,
    judge_model: JudgeModel = "",
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """How much of a benchmark do policies win that never look at the stream?

    Needs no recordings and nobody's outputs; docs/evaluation.md says how to read it.

    Examples:

      headrace eval audit ovobench --annotations ovo_bench_new.json

      headrace eval audit streamingbench --annotations questions_proactive.json --out audit
    """
    from headrace.apps.evaluate import table
    from headrace.apps.evaluate.find import benchmark
    from headrace.apps.evaluate.folder import document, expect_folder, write
    from headrace.apps.evaluate.inputs import expect_files
    from headrace.apps.evaluate.judging import judge as make_judge
    from headrace.evaluation.audit import VARIANTS
    from headrace.evaluation.audit import audit as audited

    bench, judged = benchmark(name), make_judge(judge, judge_model)
    expect_files("--annotations", [annotations])
    folder = None if out is None else expect_folder(out, "audit.json", AUDIT_WRITER)
    if folder is not None:
        _expect_matplotlib()
    try:
        made = audited(bench, bench.load(annotations), judged, seed)
    except KeyboardInterrupt:
        _interrupted("interrupted; nothing was written")
    if as_json:
        print_json(made.to_json())
    else:
        for side in VARIANTS:
            columns = table.audit_columns(made, side)
            if len(columns) > 1:
                print_table(
                    (f"policy, {side}", *columns[1:]), table.audit_rows(made, side, brief=True), table.audit_title(made)
                )
        _say(table.audit_lines(made))
    if folder is not None:
        from headrace.apps.evaluate.picture import png

        text = document(made.to_json(), AUDIT_WRITER)
        _wrote(
            write(folder, {"audit.json": text, "audit.md": table.audit_markdown(made), "audit.png": png(made)}), as_json
        )


def run(
    name: Name,
    annotations: Annotations,
    system: Annotated[str, typer.Option(metavar="watch|openai|blind:POLICY", help="What is run.")],
    out: Annotated[str, typer.Option(metavar="FOLDER", help="Folder for report.md, report.json and traces/.")],
    videos: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="The recordings; a blind policy needs none.")
    ] = None,
    clock: Annotated[
        ClockName,
        typer.Option(
            help="What a step takes: nothing (zero), a time drawn from --costs (profile), what it took (measured; "
            "wall: in real time)."
        ),
    ] = "zero",
    late: Annotated[Late, typer.Option(help="What is taken of the frames that came while a step ran.")] = "newest",
    queue: Annotated[int, typer.Option(min=1, help="Frames that wait with --late queue.")] = 8,
    costs: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="An earlier run on a measured or wall clock, for --clock profile."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many streams, the first ones.")] = None,
    url: Annotated[str, typer.Option(help="Of --system openai: base URL of the server (key: $HEADRACE_LLM_KEY).")] = "",
    model: Annotated[str, typer.Option(help="Of --system openai: the model's name there.")] = "",
    judge: Judge = None,
    judge_model: JudgeModel = "",
    resamples: Resamples = 200,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Run a system online over the recordings of a benchmark, then score it.

    Every item is released at its time, every task is put at its time. A stream that has been run is not run again:
    the same command goes on where it was stopped.

    Examples:

      headrace eval ovobench --annotations ovo_bench_new.json --videos clips --system watch --out out --limit 20

      headrace eval ovobench --annotations ovo_bench_new.json --system 'blind:refusal' --out refusal
    """
    from headrace.apps.evaluate import table
    from headrace.apps.evaluate.find import benchmark
    from headrace.apps.evaluate.folder import document, expect_folder, write
    from headrace.apps.evaluate.inputs import expect_files, timing_of
    from headrace.apps.evaluate.judging import judge as make_judge

    bench, judged = benchmark(name), make_judge(judge, judge_model)
    expect_files("--annotations", [annotations])
    folder = expect_folder(out, REPORT, SCORE_WRITER)
    timing = timing_of(clock, late, queue, costs, seed)
    every = bench.load(annotations)
    streams = every[:limit]
    drawn: dict[str, Any] = {"resamples": resamples, "seed": seed}
    try:
        if system.startswith("blind:"):
            from headrace.apps.evaluate.run import run_blind

            scored = run_blind(bench, streams, system, folder, judged, **drawn)
        else:
            scored = _run_online(bench, streams, every, videos, system, url, model, timing, folder, judged, drawn)
    except KeyboardInterrupt:
        _interrupted("interrupted; the streams that were done are kept, and the same command goes on")
    files = {REPORT: document(scored.to_json(), SCORE_WRITER), "report.md": table.score_markdown(scored)}
    written = write(folder, files)
    for fault in scored.run.get("faults", ()):
        warn(fault)
    _print_score(scored, as_json)
    _wrote(written, as_json)


def millrace(
    gate: Annotated[
        str, typer.Option(help="Whose gate: a method of family understanding (stc, settle, headrace, …).")
    ] = "everything",
    memory: Annotated[str, typer.Option(help="Whose memory: likewise (flashvstream, savemem, window, …).")] = "window",
    budget: Annotated[
        int | None, typer.Option(min=1, help="Tokens that the memory keeps; default 0.5 % of a stream, 192 at least.")
    ] = None,
    regime: Annotated[str, typer.Option(help="One of millrace's regimes, or all.")] = "all",
    minutes: Annotated[float, typer.Option(min=2, max=1440, help="Length of a stream, a day at most.")] = 30.0,
    streams: Annotated[int, typer.Option(min=1, help="Of each regime.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Where the seeds of the streams begin; all are held out.")] = 0,
    as_json: Json = False,
) -> None:
    """One gate and one memory on held-out streams whose truth is known, read by an oracle.

    Beside it stand a memory that keeps everything and policies that do not look. To compare many methods, run
    `headrace compare understanding`.

    Examples:

      headrace eval millrace --gate stc --memory flashvstream --regime noisy

      headrace eval millrace --memory savemem --budget 512 --minutes 10 --json
    """
    from rich.console import Console

    from headrace.apps.compare.progress import choose_progress
    from headrace.apps.evaluate.millrace import COLUMNS, run_millrace

    options: dict[str, Any] = {"budget": budget, "regime": regime, "minutes": minutes, "streams": streams, "seed": seed}
    try:
        with choose_progress(Console(stderr=True)) as told:
            made = run_millrace(gate, memory, told=told, **options)
    except KeyboardInterrupt:
        _interrupted("interrupted; nothing was measured to its end")
    if as_json:
        print_json(made.to_json())
        return
    title = f"millrace: {made.name}, {made.budget:,} tokens, {made.minutes:g} min, seed {made.seed}"
    print_table(COLUMNS, [row.cells() for row in made.rows], title)
    _say([f"{row.regime}, {row.name}: ended early: {row.ended}" for row in made.rows if row.ended])


def _run_online(
    bench: Any,
    streams: list[Stream],
    every: list[Stream],
    videos: str | None,
    system: str,
    url: str,
    model: str,
    timing: Timing,
    folder: Path,
    judged: Any,
    drawn: dict[str, Any],
) -> Scored:
    from rich.console import Console

    from headrace.apps.evaluate.inputs import expect_videos
    from headrace.apps.evaluate.progress import choose_progress
    from headrace.apps.evaluate.run import Plan
    from headrace.apps.evaluate.run import run as run_plan
    from headrace.apps.evaluate.systems import system as make_system

    made = make_system(system, url, model)
    if videos is None:
        raise ConfigError(f"--system {system} needs --videos, the folder of the recordings")
    plan = Plan(bench, streams, expect_videos(videos), made, timing, folder, every)
    with choose_progress(Console(stderr=True)) as told:
        return run_plan(plan, judged, told=told, **drawn)


def _expect_matplotlib() -> None:
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise ConfigError("the picture needs the extra media; run: pip install 'headrace[media]'")


def _print_score(scored: Scored, as_json: bool) -> None:
    from headrace.apps.evaluate import table

    if as_json:
        print_json(scored.to_json())
        return
    print_table(table.COLUMNS, table.score_rows(scored), table.score_title(scored))
    _say(table.score_lines(scored))


def _say(lines: list[str]) -> None:
    for line in lines:
        typer.echo(printable(line))


def _wrote(paths: list[Path], as_json: bool) -> None:
    if not as_json:
        typer.echo(f"written: {', '.join(printable(str(path)) for path in paths)}")


def _interrupted(told: str) -> NoReturn:
    typer.echo(told, err=True)
    raise typer.Exit(130) from None
