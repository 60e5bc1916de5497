"""BurstGPT: requests to ChatGPT and GPT-4 at a university, with their times (Wang et al., arXiv:2401.17644)."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator

from headrace.engine.request import Request
from headrace.engine.traces.files import LARGEST, rows, sorted_by, taken

log = logging.getLogger("headrace.engine")


def burstgpt(
    path: str | os.PathLike[str], *, model: str | None = None, most: int | None = None, largest: int = LARGEST
) -> list[Request]:
    """Read a CSV file of BurstGPT: `Timestamp` (seconds since the first midnight), `Model`, `Request tokens`,
    `Response tokens`; its other columns are not used.

    Every row is a session of its own, since the request tokens of a conversation hold its history. A row with 0
    response tokens failed: it is left out, and how many were is logged. Times are those of the file.

    Args:
        path: the file.
        model: of this model only: "ChatGPT" or "GPT-4".
        most: requests.
        largest: bytes.

    Raises:
        InputError: the file cannot be used, or holds no request of the model.
    """
    return taken(_requests(path, model, largest), path, most)


def _requests(path: str | os.PathLike[str], model: str | None, largest: int) -> Generator[Request, None, None]:
    seen = failed = 0
    try:
        for record, arrival in sorted_by(rows(path, largest), "Timestamp", lambda record: record.time("Timestamp")):
            if model is not None and record.text("Model") != model:
                continue
            units, outputs = record.tokens("Request tokens"), record.tokens("Response tokens")
            seen += 1
            if outputs:
                yield Request(arrival, units, outputs)
            else:
                failed += 1
    finally:
        if failed:
            log.warning("%s: %d of %d requests had no response and are left out", path, failed, seen)
