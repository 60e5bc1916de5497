"""Tokens: what an encoder makes of one item: a grid of feature vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headrace.core.errors import InputError
from headrace.core.item import Item
from headrace.understanding.admission import Floats


@dataclass(slots=True)
class Tokens:
    """The payload of an item of kind "tokens".

    Attributes:
        features: float32 [R, C, D], a vector for each cell of the grid, of length 1 or near it; sound has one cell.
        sense: "sight" or "sound".
    """

    features: Floats
    sense: str = "sight"

    @property
    def grid(self) -> tuple[int, int]:
        """(R, C)."""
        return int(self.features.shape[0]), int(self.features.shape[1])

    @property
    def nbytes(self) -> int:
        return self.features.nbytes


def tokens_of(item: Item) -> Tokens:
    """The tokens that an item carries.

    Raises:
        InputError: it carries something else, no cell, or a number that is not finite.
    """
    tokens = item.data
    if not isinstance(tokens, Tokens):
        raise InputError(
            f"{item.source!r} at {item.pts} ns: tokens are needed, got {type(tokens).__name__}; encode the frames first"
        )
    if tokens.features.ndim != 3 or not tokens.features.size:
        raise InputError(
            f"{item.source!r} at {item.pts} ns: features of shape {tokens.features.shape}; use [rows, columns, size]"
        )
    if not np.isfinite(tokens.features).all():
        raise InputError(f"{item.source!r} at {item.pts} ns: a feature is not finite; the encoder failed")
    return tokens
