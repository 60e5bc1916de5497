"""Grid: the tokens that a memory is built for."""

from __future__ import annotations

from dataclasses import dataclass

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
            whole: the grid must be this one; otherwise it may be smaller, as where a gate pooled it.

        Raises:
            InputError: the sense, the grid or the size of the features is another.
        """
        tokens = admission.tokens
        shape = tokens.features.shape
        fits = shape[:2] == (self.rows, self.columns) if whole else shape[0] * shape[1] <= self.cells
        if tokens.sense != self.sense:
            raise InputError(
                f"tokens of {tokens.sense} at {admission.pts} ns: this memory holds {self.sense}; use Senses for both"
            )
        if not fits or shape[2] != self.size:
            raise InputError(
                f"tokens {shape} at {admission.pts} ns: this memory was built for "
                f"{(self.rows, self.columns, self.size)}; build it with the Grid of the encoder"
            )
