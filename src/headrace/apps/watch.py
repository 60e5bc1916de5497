"""watch: what `headrace watch` does: look at streams, remember, answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import Any

from headrace.apps.live import SilentView, View
from headrace.apps.options import Options as Options
from headrace.apps.output import Output, memory_share
from headrace.apps.result import Result, SourceInfo
from headrace.apps.run import Run
from headrace.apps.session import RATE, Primed, Shared
from headrace.apps.wording import clean
from headrace.core.clock import WallClock, from_speed
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND, Emission
from headrace.core.recipe import Recipe
from headrace.media import open_source
from headrace.understanding.meaning import Encoder
from headrace.understanding.memory import ObservationMemory
from headrace.understanding.search import Query, tokens
from headrace.understanding.standing import StandingQuestions

#: The address of the clip that comes with the package.
DEMO = "demo:"


def watch(
    sources: str | Path | Sequence[str | Path],
    options: Options | None = None,
    *,
    view: View | None = None,
    publish: Callable[[Emission], None] | None = None,
) -> Result:
    """Watch one or more streams to their end, or until interrupted (SIGINT, SIGTERM).

    Args:
        sources: files, folders of images, URLs, `camera:0`, `-`, or `demo:`.
        view: is shown progress.
        publish: receives each emission once it is on disk.

    Raises:
        InputError: a source cannot be read; nothing has then been written.
        ConfigError: an option is not usable, or a part is not installed.
        CapacityError: the disk is full; what could be written is whole.

    Example:
        >>> import headrace
        >>> result = headrace.watch("demo:")                                # doctest: +SKIP
        >>> [alert.when for alert in result.alerts]                         # doctest: +SKIP
        []
    """
    options, view = options or Options(), view or SilentView()
    addresses = [sources] if isinstance(sources, (str, Path)) else list(sources)
    if not addresses:
        raise ConfigError("nothing to watch: give a file, a URL, a folder of images, camera:0, - or demo:")
    if options.out is not None:
        options = replace(options, budget=min(options.budget, memory_share(options.disk)))
    memory = ObservationMemory(options.budget, encoder(options.meaning))
    standing, queries = StandingQuestions(options.when), [as_query(question) for question in options.ask]
    clock = from_speed(options.speed)
    parts = [(_gate(options), _reader()) for _ in addresses]
    opened = _open(addresses)
    try:
        speed = options.speed
        if any(not source.can_wait for source, _ in opened):
            clock, speed = WallClock(), "realtime"
        output = Output(options.out, options.disk) if options.out is not None else None
        shared = Shared(clock, memory, standing, view, output=output, publish=publish)
        return Run(opened, parts, queries, options, speed, shared).go()
    finally:
        for source, _ in opened:
            source.close()


def as_query(question: str) -> Query:
    """The question as the memory is asked it; ConfigError if it has no word."""
    if not tokens(question):
        raise ConfigError(f"the question {question!r} has no word; write what to look for")
    return Query(question)


def demo() -> dict[str, Any]:
    """What is known of the packaged clip: its `ask` and `when`."""
    truth: dict[str, Any] = json.loads(files("headrace.apps").joinpath("demo/demo.json").read_text("utf-8"))
    return truth


def _open(addresses: Sequence[str | Path]) -> list[tuple[Primed, SourceInfo]]:
    """Open all sources and read the first frame of each; names are made unique."""
    opened: list[tuple[Primed, SourceInfo]] = []
    try:
        for address in addresses:
            packaged = str(address) == DEMO
            path = str(files("headrace.apps").joinpath("demo/demo.mp4")) if packaged else address
            source = open_source(path, name="demo" if packaged else None, every=SECOND // RATE)
            taken = [other.name for _, other in opened]
            plain = clean(source.name)
            source.name = next(name for name in _numbered(plain) if name not in taken)
            info = source.info
            seconds = info.duration / SECOND if info.duration else None
            about = SourceInfo(
                source.name, DEMO if packaged else clean(info.name), info.width, info.height, info.fps or 0.0, seconds
            )
            opened.append((Primed(source), about))
    except BaseException:
        for primed, _ in opened:
            primed.close()
        raise
    return opened


def _numbered(name: str) -> Iterator[str]:
    """The name, then name#2, name#3, …"""
    yield name
    yield from (f"{name}#{number}" for number in count(2))


def _gate(options: Options) -> Any:
    if options.gate is None:
        from headrace.understanding.settle import SettleGate

        return SettleGate()
    gate = options.gate.build() if isinstance(options.gate, Recipe) else options.gate()
    if not hasattr(gate, "admit"):
        raise ConfigError(
            f"{type(options.gate).__name__} builds no gate; see `headrace recipes --family understanding`"
        )
    return gate


def _reader() -> Any:
    from headrace.understanding.reader import TextReader

    return TextReader()


def encoder(wanted: bool) -> Encoder | None:
    """What search by meaning needs, if it is wanted. Raises ConfigError if the extra is not installed."""
    if not wanted:
        return None
    from headrace.understanding.meaning import MiniLM

    return MiniLM()
