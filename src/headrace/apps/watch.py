"""watch: what `headrace watch` does: look at streams, listen, remember, answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from headrace.apps.folder import EVENTS, MEMORY, RUN, Folder
from headrace.apps.journal import Journal
from headrace.apps.keep import Keep
from headrace.apps.live import SilentView, View
from headrace.apps.manifest import Manifest
from headrace.apps.opening import DEMO as DEMO
from headrace.apps.opening import Opened, Wanted, expect_one, named, open_all
from headrace.apps.options import Options as Options
from headrace.apps.output import Output, memory_share
from headrace.apps.parts import Kit, Parts
from headrace.apps.record import Desk, Record
from headrace.apps.result import Result
from headrace.apps.resumption import Resumption
from headrace.apps.run import Run
from headrace.apps.session import Session
from headrace.core.clock import Clock, WallClock, from_speed
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND, Emission
from headrace.core.recipe import Recipe
from headrace.core.trace import Trace
from headrace.understanding.meaning import Encoder
from headrace.understanding.observations import SMALLEST, ObservationMemory
from headrace.understanding.search import Query, tokens
from headrace.understanding.standing import StandingQuestions


def watch(
    sources: str | Path | Sequence[str | Path] = (),
    options: Options | None = None,
    *,
    view: View | None = None,
    publish: Callable[[Emission], None] | None = None,
) -> Result:
    """Watch one or more streams to their end, or until interrupted (SIGINT, SIGTERM).

    Args:
        sources: files, folders of images, URLs, `camera:0`, `-`, or `demo:`, each also as `NAME=ADDRESS`; may be
            left out with `resume`. Of several, one that fails does not touch the others.
        view: is shown progress.
        publish: receives each emission once it is on disk.

    Raises:
        InputError: no source can be read; nothing has then been written.
        ConfigError: an option is not usable, or a part is not installed.
        CapacityError: the disk is full; what could be written is whole.

    Example:
        >>> import headrace
        >>> result = headrace.watch("demo:")                                # doctest: +SKIP
        >>> [alert.when for alert in result.alerts]                         # doctest: +SKIP
        []
    """
    options, view = options or Options(), view or SilentView()
    if options.out is not None and not str(options.out):
        raise ConfigError("--out is empty; give a folder")
    addresses = [sources] if isinstance(sources, (str, Path)) else list(sources)
    wanted = [Wanted.of(address) for address in addresses]
    manifest = _manifest(wanted, options)
    if options.resume and options.out is not None and wanted and not (Path(options.out) / RUN).is_file():
        options = replace(options, resume=False)  # so that one command serves the first start and those after it
    if options.resume:
        earlier = _earlier(options)
        earlier.expect(manifest, bool(wanted))
        wanted = wanted or [Wanted(given.name, given.opens()) for given in earlier.sources]
        options = replace(options, asr=earlier.asr, when=earlier.when, speed=earlier.speed, budget=earlier.budget)
        options = replace(options, ask=options.ask or earlier.ask, keep=options.keep or earlier.keep)
        manifest = earlier
    if not wanted:
        raise ConfigError("nothing to watch: give a file, a URL, a folder of images, camera:0, - or demo:")
    with ExitStack() as stack:
        return _Undertaking(wanted, manifest, options, view, publish, stack).go()


class _Undertaking:
    """The making of one run: parts first, then sources, then the folder, so that bad input leaves nothing behind."""

    def __init__(
        self,
        wanted: Sequence[Wanted],
        manifest: Manifest,
        options: Options,
        view: View,
        publish: Callable[[Emission], None] | None,
        stack: ExitStack,
    ) -> None:
        self.wanted, self.manifest, self.options, self.stack = wanted, manifest, options, stack
        self.view, self.publish = view, publish
        self.share = _share(options, len(wanted))
        self.encoder, self.keep = encoder(options.meaning), Keep.parse(options.keep)
        self.queries = [as_query(question) for question in options.ask]
        StandingQuestions(options.when)
        from_speed(options.speed)
        self.kit = Kit(options, len(wanted))

    def go(self) -> Result:
        output, earlier = None, Resumption([None] * len(self.wanted))
        if self.options.resume:
            output = self._output()
            earlier = Resumption.of(output, len(self.wanted))
            if (output.folder / EVENTS).is_file() and all(map(earlier.ended, range(len(self.wanted)))):
                return _finished(output.folder, self.options.ask)
        opened = open_all(self.wanted, self.manifest.sources, earlier.ended)
        for one in opened:
            self.stack.callback(one.close)
        begins = [earlier.rewind(number, one) for number, one in enumerate(opened)]
        for one in opened:
            one.prime()
        expect_one(opened)
        parts = [self.kit.parts(number, one.info) if one.primed else Parts() for number, one in enumerate(opened)]
        for one, part in zip(opened, parts, strict=True):
            if one.primed and part.empty:
                one.give_up(ConfigError(f"{one.info.name}: holds sound alone, and {'; '.join(one.info.errors)}"))
        expect_one(opened)
        if output is None and self.options.out is not None:
            output = self._output()
        live = any(one.primed is not None and not one.primed.can_wait for one in opened)
        speed = "realtime" if live else self.options.speed
        start = min((begin.at for begin, one in zip(begins, opened, strict=True) if one.primed), default=0)
        clock = WallClock(start=start) if live else from_speed(speed, start)
        trace = None if output is None else self._trace(output, opened, clock, speed)
        desk = Desk(clock, Journal(trace, self.publish, self.keep, earlier.known), self.view, output, self.keep)
        sessions = [self._session(number, one, parts[number], earlier, desk) for number, one in enumerate(opened)]
        earlier.catch_up(sessions, begins, clock.paced)
        return Run(sessions, self.queries, self.options, speed, desk).go()

    def _output(self) -> Output:
        """The folder, held to the end of the run."""
        assert self.options.out is not None
        folder = Folder(self.options.out, resume=self.options.resume)
        self.stack.callback(folder.release)
        return Output(folder, self.options.disk)

    def _trace(self, output: Output, opened: Sequence[Opened], clock: Clock, speed: str) -> Trace:
        """The trace; from here on an earlier run is this one."""
        options, folder = self.options, output.folder
        replace(self.manifest, ask=list(options.ask), keep=list(options.keep)).save(folder / RUN)
        if not self.keep.stores("thumbnail"):
            output.clear_thumbnails()
        folder.clear(EVENTS, MEMORY)
        header = {"stream": [one.info.url for one in opened], "clock": speed, "budget": options.budget}
        header |= {"ask": list(options.ask), "when": list(options.when)}
        trace = output.trace(header, resume=options.resume)
        if options.resume:
            trace.resume(clock.now())
        return trace

    def _session(self, number: int, one: Opened, parts: Parts, earlier: Resumption, desk: Desk) -> Session:
        memory = ObservationMemory(self.share, self.encoder)
        record = Record(one.info, memory, StandingQuestions(self.options.when), desk)
        earlier.restore(number, record)
        output, sources = desk.output, len(self.wanted)
        save = None if output is None else lambda state: output.save(number, state, sources)
        session = Session(one.primed, record, parts, save, self.options.every_s)
        if one.fault is not None:
            session.fault(str(one.fault))
        for told in one.info.errors[:] if one.fault is None else ():
            desk.view.note(record.tally.media / SECOND, "error", told, record.info.name)
        if number in earlier.damaged:
            record.fault(earlier.damaged[number])
        return session


def as_query(question: str) -> Query:
    """The question as the memory is asked it; ConfigError if it has no word."""
    if not tokens(question):
        raise ConfigError(f"the question {question!r} has no word; write what to look for")
    return Query(question)


def demo() -> dict[str, Any]:
    """What is known of the packaged clip: its `ask` and `when`."""
    truth: dict[str, Any] = json.loads(files("headrace.apps").joinpath("demo/demo.json").read_text("utf-8"))
    return truth


def demo_language() -> str:
    """The plug that puts the packaged clip's narration into words, "" if pocketsphinx is not installed."""
    known = find_spec("pocketsphinx") is not None
    return f"lm:{files('headrace.apps').joinpath('demo/demo.lm.txt')}" if known else ""


def encoder(wanted: bool) -> Encoder | None:
    """What search by meaning needs, if it is wanted. Raises ConfigError if the extra is not installed."""
    if not wanted:
        return None
    from headrace.understanding.meaning import MiniLM

    return MiniLM()


def _manifest(wanted: Sequence[Wanted], options: Options) -> Manifest:
    gate = options.gate
    kind = type(gate).__name__
    return Manifest(
        named(wanted),
        list(options.ask),
        list(options.when),
        gate="settle" if gate is None else kind if isinstance(gate, Recipe) else getattr(gate, "__name__", kind),
        asr=options.asr,
        speed=options.speed,
        budget=options.budget,
        keep=list(options.keep),
    )


def _earlier(options: Options) -> Manifest:
    """What the run to resume was given."""
    if options.out is None:
        raise ConfigError("--resume needs the folder of the run to go on with; give its --out")
    return Manifest.load(Path(options.out) / RUN)


def _finished(folder: Folder, ask: Sequence[str]) -> Result:
    """The result of a run all of whose sources have come to their end; ConfigError if more is asked."""
    result = Result.load(folder / EVENTS)
    if set(ask) - {made.question for made in result.answers}:
        raise ConfigError(f"the run in {folder.path} is finished; ask it with `headrace ask {folder.path} QUESTION`")
    return result


def _share(options: Options, sources: int) -> int:
    """Bytes of memory for each source; ConfigError if that is too little."""
    budget = options.budget
    if options.out is not None:
        budget = min(budget, memory_share(options.disk))
    if budget // sources < SMALLEST:
        raise ConfigError(
            f"a memory of {budget} bytes is too small for {sources} source(s); give at least {SMALLEST * sources}"
        )
    return budget // sources
