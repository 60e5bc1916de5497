"""ShareGPT: conversations without times, `[{"conversations": [{"from": "human" | "gpt", "value": …}, …]}, …]`."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Generator, Iterator

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.engine.request import Request
from headrace.engine.traces.arrivals import Arrivals
from headrace.engine.traces.files import LARGEST, objects, taken
from headrace.engine.traces.record import Record

log = logging.getLogger("headrace.engine")

_ASKS = ("human", "user")
_SAYS = ("gpt", "chatgpt", "assistant", "bing", "bard")


def estimate(text: str) -> int:
    """Tokens of a text, estimated: 4 characters a token, rounded up, as holds for English and common tokenisers."""
    return math.ceil(len(text) / 4)


def sharegpt(
    path: str | os.PathLike[str],
    *,
    arrivals: Arrivals | None = None,
    count: Callable[[str], int] = estimate,
    longest: int = 2048,
    exchanges: int | None = 1,
    think: float = 20.0,
    most: int | None = None,
    largest: int = LARGEST,
) -> list[Request]:
    """Read ShareGPT; the file holds texts only, so times are drawn and tokens are counted.

    Args:
        path: a JSON or JSONL file.
        arrivals: when conversations begin; default: Poisson, one a second.
        count: tokens of a text.
        longest: a conversation whose first exchange has this many tokens or more, question and answer together, is left
            out, as DistServe does; how many were is logged.
        exchanges: of one conversation at most; 1 is what serving benchmarks take, None is all. With more than 1 a
            conversation is a session, and each of its exchanges reads the new question only.
        think: mean seconds, exponential, between the arrivals of two exchanges of one session.
        most: requests.
        largest: bytes.

    Raises:
        InputError: the file cannot be used.
        ConfigError: `exchanges` is below 1, or `think` is not above 0.
    """
    if exchanges is not None and exchanges < 1:
        raise ConfigError(f"exchanges={exchanges}: give 1 or more, or None for all")
    if not (math.isfinite(think) and think > 0):
        raise ConfigError(f"think={think!r}: give seconds above 0")
    arrivals = arrivals or Arrivals()
    kept: list[list[tuple[int, int]]] = []
    seen = wanted = 0
    for record in objects(path, largest):
        if most is not None and wanted >= most:
            break
        pairs = list(_pairs(record, count, exchanges))
        seen += 1
        if pairs and sum(pairs[0]) < longest:
            kept.append(pairs)
            wanted += len(pairs)
    if seen > len(kept):
        log.warning(
            "%s: %d of %d conversations are left out (no exchange, or a long one)", path, seen - len(kept), seen
        )
    draw = np.random.default_rng([arrivals.seed, 1])
    return taken(_requests(kept, arrivals.times(len(kept)), draw, think), path, most)


def _requests(
    conversations: list[list[tuple[int, int]]], begins: list[int], draw: np.random.Generator, think: float
) -> Generator[Request, None, None]:
    for number, (pairs, arrival) in enumerate(zip(conversations, begins, strict=True)):
        session = f"sharegpt-{number}" if len(pairs) > 1 else ""
        for units, outputs in pairs:
            yield Request(arrival, units, outputs, session=session)
            arrival += round(draw.exponential(think) * SECOND)


def _pairs(record: Record, count: Callable[[str], int], most: int | None) -> Iterator[tuple[int, int]]:
    """Tokens of each question and of the answer that follows it; what has no answer is passed over."""
    asked, made = None, 0
    for number, turn in enumerate(record.items("conversations", [])):
        if not isinstance(turn, dict):
            raise record.error("conversations", f"its turn {number} is no object; mend the entry, or take it out")
        part = Record(record.file, f"{record.line}, turn {number}", turn)
        who, text = part.text("from"), part.text("value", "")
        if who in _ASKS:
            asked = count(text)
        elif who in _SAYS and asked is not None:
            said = count(text)
            if asked and said:
                yield asked, said
                made += 1
            if made == most:
                return
            asked = None
