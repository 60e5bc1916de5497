"""Stream2LLM: prompts whose pages arrive as a crawl finds them (Stream2LLM, MLSys 2026); one CSV file a query."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Generator
from pathlib import Path

from headrace.core.errors import ConfigError, InputError
from headrace.engine.request import Chunk, Request
from headrace.engine.traces.arrivals import Arrivals
from headrace.engine.traces.files import LARGEST, beginning, header, rows, taken
from headrace.engine.traces.record import Record
from headrace.engine.traces.sharegpt import estimate

log = logging.getLogger("headrace.engine")

#: Columns that a crawl has; one that found no page has no column "content".
COLUMNS = frozenset({"type", "endTime", "query"})
#: Files of one folder that are read at most.
MOST_FILES = 100_000


def stream2llm(
    path: str | os.PathLike[str],
    *,
    arrivals: Arrivals | None = None,
    count: Callable[[str], int] = estimate,
    head: int = 32,
    outputs: int = 64,
    most: int | None = None,
    largest: int = LARGEST,
) -> list[Request]:
    """Read crawls: rows of `type` ("tavily_search" or "page_scrape"), `endTime` (seconds since the query was asked),
    `content` and `query`.

    A query is asked at a drawn time. Its request arrives when the first row ends (the search), with the instruction
    alone; each page is a chunk at its `endTime`, appended; the last one brings the question too. A crawl without pages
    is left out, and how many were is logged.

    Args:
        path: a file, or a folder of them (by the number in the name).
        arrivals: when queries are asked; default: Poisson, one a second.
        count: tokens of a text.
        head: tokens of the instruction before the pages.
        outputs: tokens of an answer: the traces hold none, and the published runs stop at the first.
        most: requests.
        largest: bytes of one file.

    Raises:
        InputError: a file cannot be used, or the folder holds none.
        ConfigError: `head` or `outputs` is below 1.
    """
    if head < 1 or outputs < 1:
        raise ConfigError(f"head={head}, outputs={outputs}: give 1 token or more")
    crawls: list[Request] = []
    empty = 0
    for file in crawls_of(path):
        if most is not None and len(crawls) >= most:
            break
        crawl = _crawl(file, count, head, outputs, largest)
        empty += crawl is None
        crawls += [crawl] if crawl else []
    if empty:
        log.warning("%s: %d crawls of %d found no page and are left out", path, empty, empty + len(crawls))
    return taken(_asked(crawls, arrivals or Arrivals()), path, most)


def crawls_of(path: str | os.PathLike[str]) -> list[Path]:
    """A file as it is, or the crawls among the CSV files of a folder, by the last number in the name.

    Raises:
        InputError: the folder holds none, or more than `MOST_FILES` files.
    """
    given = Path(path)
    if not given.is_dir():
        return [given]
    files = sorted(one for one in given.iterdir() if one.suffix.lower() == ".csv" and one.is_file())
    if len(files) > MOST_FILES:
        raise InputError(f"{given}: holds {len(files):,} files, above the limit of {MOST_FILES:,}; give a part of them")
    crawls = [one for one in files if set(header(beginning(one))) >= COLUMNS]
    if not crawls:
        raise InputError(f"{given}: holds no CSV file with columns type, endTime and query; give a folder of crawls")
    return sorted(crawls, key=lambda one: (int((re.findall(r"\d+", one.stem) or ["0"])[-1]), one.name))


def _crawl(file: Path, count: Callable[[str], int], head: int, outputs: int, largest: int) -> Request | None:
    """The request of one crawl, which arrives when its search ends, counted from when it was asked."""
    found: list[tuple[int, Record]] = sorted(
        ((record.time("endTime"), record) for record in rows(file, largest)), key=lambda pair: pair[0]
    )
    question = next((record.text("query", "") for _, record in found if record.text("type") == "tavily_search"), "")
    pages = [(end, record) for end, record in found[1:] if record.text("type") == "page_scrape"]
    if not pages:
        return None
    begin = found[0][0]
    sizes = [count(record.text("content", "") + "\n") for _, record in pages]
    sizes[-1] += count(question)
    chunks = tuple(Chunk(end - begin, units) for (end, _), units in zip(pages, sizes, strict=True))
    return Request(begin, head, outputs, chunks=chunks)


def _asked(crawls: list[Request], arrivals: Arrivals) -> Generator[Request, None, None]:
    for crawl, time in zip(crawls, arrivals.times(len(crawls)), strict=True):
        yield Request(time + crawl.arrival, crawl.units, crawl.outputs, chunks=crawl.chunks)
