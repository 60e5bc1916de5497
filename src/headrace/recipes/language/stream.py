"""Stream: recorded text as token ids, the same for every method."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from headrace.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from headrace.models.hf.lm import LM

#: The stream that ships: four texts that no model of the zoo was trained on.
SHIPPED = "shipped"
_TEXTS = ("zoo", "tiny-llama", "heldout.txt.gz")
#: Between the texts of that file.
_BETWEEN = "\x1e"


def streams(lm: LM, source: str | os.PathLike[str], count: int, tokens: int, seed: int = 0) -> list[list[int]]:
    """Token ids of several streams, no two of which overlap.

    Of the shipped texts each stream takes one, in turn; a file is cut into as many equal parts as there are streams.
    A stream begins at a place that is drawn, with what the model's tokenizer puts before a text.

    Args:
        lm: whose tokenizer is used.
        source: "shipped", or the path of a text file in UTF-8.
        count: of streams.
        tokens: of each.
        seed: of the places.

    Raises:
        ConfigError: a count is below 1, or the model has no tokenizer.
        InputError: the file cannot be read, is no text, or is too short.
    """
    if count < 1 or tokens < 1:
        raise ConfigError(f"streams={count}, tokens={tokens}: use 1 or more of each")
    name = os.fspath(source)
    texts = [lm.tokens(text) for text in (_shipped() if name == SHIPPED else [_read(name)])]
    parts: list[Sequence[int]] = []
    for number, text in enumerate(texts):
        share = len(range(number, count, len(texts)))
        width = len(text) // max(share, 1)
        parts += [text[width * i : width * (i + 1)] for i in range(share)]
    opening = list(lm.opening)
    wanted = tokens - len(opening)
    shortest = min(len(part) for part in parts)
    if shortest < wanted:
        raise InputError(
            f"{name}: {count} streams of {tokens} tokens are wanted, but a part has {shortest}; "
            "ask for fewer streams or tokens, or give a longer text"
        )
    draw = np.random.default_rng([seed, 51])
    starts = [int(draw.integers(len(part) - wanted + 1)) for part in parts]
    return [[*opening, *part[start : start + wanted]] for part, start in zip(parts, starts, strict=True)]


def _shipped() -> list[str]:
    data = files("headrace").joinpath(*_TEXTS).read_bytes()
    return gzip.decompress(data).decode().split(_BETWEEN)


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror}); give a text file, or {SHIPPED!r}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: is no text in UTF-8; give a text file, or {SHIPPED!r}") from error
