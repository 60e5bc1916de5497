"""Sound: the payload of an audio item."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]


@dataclass(slots=True)
class Sound:
    """A stretch of sound in one channel.

    Attributes:
        samples: float32 [n], -1 to 1; the first is at the item's pts.
        rate: samples a second.
    """

    samples: Samples
    rate: int = 16_000

    @property
    def nbytes(self) -> int:
        """Bytes of the samples."""
        return int(self.samples.nbytes)
