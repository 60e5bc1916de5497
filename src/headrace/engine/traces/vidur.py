"""Vidur: lengths, with or without times, as its simulator reads them (Agrawal et al., MLSys 2024, arXiv:2405.05465)."""

from __future__ import annotations

import os
from collections.abc import Iterator

from headrace.engine.request import Request
from headrace.engine.traces.arrivals import Arrivals
from headrace.engine.traces.files import LARGEST, beginning, header, rows, sorted_by, taken
from headrace.engine.traces.record import Record


def vidur(
    path: str | os.PathLike[str], *, arrivals: Arrivals | None = None, most: int | None = None, largest: int = LARGEST
) -> list[Request]:
    """Read a CSV file of Vidur: `arrived_at` (seconds), `num_prefill_tokens`, `num_decode_tokens`.

    Args:
        path: the file.
        arrivals: draws times in place of those of the file; None: those of the file or, if it has no `arrived_at`,
            Poisson, one a second.
        most: requests.
        largest: bytes.

    Raises:
        InputError: the file cannot be used.
    """
    if arrivals is None and "arrived_at" in header(beginning(path)):
        timed = sorted_by(rows(path, largest), "arrived_at", lambda record: record.time("arrived_at"))
        return taken((_request(record, arrival) for record, arrival in timed), path, most)
    found = taken((_request(record, 0) for record in rows(path, largest)), path, most)
    return list(_drawn(found, arrivals or Arrivals()))


def _request(record: Record, arrival: int) -> Request:
    units, outputs = record.tokens("num_prefill_tokens"), record.tokens("num_decode_tokens")
    if not units + outputs:
        raise record.error("num_prefill_tokens", "no token goes in and none comes out; take the line out")
    return Request(arrival, units, outputs)


def _drawn(found: list[Request], arrivals: Arrivals) -> Iterator[Request]:
    for request, arrival in zip(found, arrivals.times(len(found)), strict=True):
        yield Request(arrival, request.units, request.outputs)
