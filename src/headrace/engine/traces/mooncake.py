"""Mooncake: requests to Kimi with the names of their blocks of tokens (Qin et al., FAST 2025, arXiv:2407.00079)."""

from __future__ import annotations

import os
from collections.abc import Generator

from headrace.core.errors import ConfigError
from headrace.core.item import MS
from headrace.engine.request import Request
from headrace.engine.traces.files import LARGEST, objects, sorted_by, taken


def mooncake(
    path: str | os.PathLike[str], *, block: int = 512, most: int | None = None, largest: int = LARGEST
) -> list[Request]:
    """Read a JSONL file of Mooncake: `timestamp` (ms), `input_length`, `output_length`, `hash_ids`.

    Requests with equal leading names share those tokens: they become `Request.prefix`. The last name of a prompt may
    stand for less than a block; it is left out, as a cache of whole blocks would.

    Args:
        path: the file.
        block: tokens that a name stands for.
        most: requests.
        largest: bytes.

    Raises:
        InputError: the file cannot be used, or a prompt is too short for its names.
        ConfigError: `block` is below 1.
    """
    if block < 1:
        raise ConfigError(f"block={block}: give 1 token or more")
    return taken(_requests(path, block, largest), path, most)


def _requests(path: str | os.PathLike[str], block: int, largest: int) -> Generator[Request, None, None]:
    for record, arrival in sorted_by(objects(path, largest), "timestamp", lambda record: record.time("timestamp", MS)):
        units, outputs = record.tokens("input_length"), record.tokens("output_length")
        names = record.names("hash_ids", [])
        if len(names) > -(-units // block):
            raise record.error(
                "hash_ids",
                f"{len(names)} blocks of {block} are more than {units} tokens; give their size, --block (block=)",
            )
        if not units + outputs:
            raise record.error("input_length", "no token goes in and none comes out; take the line out")
        prefix = names[: units // block]
        yield Request(arrival, units, outputs, prefix=prefix, block=block if prefix else 0)
