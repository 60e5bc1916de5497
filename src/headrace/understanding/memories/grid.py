"""Grid: the tokens that a memory is built for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headrace.core.errors import ConfigError, InputError
from headrace.understanding.tokens import TokenAdmission
from headrace.understanding.tokens.rows import SENSES, row_bytes


@dataclass(frozen=True, slots=True)
class Grid:
    """What an encoder gives for one item, so that a memory knows its bytes when it is built.

    Attributes:
        rows, columns: R and C of its tokens; 1 and 1 for sound.
        size: D, numbers in a feature.
        sense: "sight" or "sound"; a memory holds one of them.

    Raises:
        ConfigError: a number is below 1, or there is no such sense.
    """

    rows: int
    columns: int
    size: int
    sense: str = "sight"

    def __post_init__(self) -> None:
        if min(self.rows, self.columns, self.size) < 1 or self.sense not in SENSES:
            raise ConfigError(f"{self}: use whole numbers from 1 on, and a sense of {', '.join(SENSES)}")

    @property
    def cells(self) -> int:
        return self.rows * self.columns

    @property
    def row_bytes(self) -> int:
        """Bytes of one kept row."""
        return row_bytes(self.size)

    def expect(self, admission: TokenAdmission, whole: bool) -> None:
        """Refuse tokens of another make.

        Args:
            whole: the grid must be this one; otherwise it may also be a single cell, as where a gate pooled a picture.

        Raises:
            InputError: the sense, the grid or the size of the features is another, or a feature is not finite.
        """
        tokens, where = admission.tokens, f"at {admission.pts} ns"
        shape = tokens.features.shape
        if tokens.sense != self.sense:
            raise InputError(f"tokens of {tokens.sense} {where}: this memory holds {self.sense}; use Senses for both")
        pooled = shape[:2] == (1, 1) != (self.rows, self.columns)
        if whole and pooled and shape[2] == self.size:
            raise InputError(f"tokens {shape} {where}: a gate pooled it to 1 x 1; this memory needs whole pictures")
        if (shape[:2] != (self.rows, self.columns) and not pooled) or shape[2] != self.size:
            raise InputError(
                f"tokens {shape} {where}: this memory was built for {(self.rows, self.columns, self.size)}; build it "
                "with the Grid of the encoder"
            )
        if not np.isfinite(tokens.features).all():
            raise InputError(f"tokens {where}: a feature is not finite; the encoder failed")
