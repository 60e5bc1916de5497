"""Frame: the payload of a video item, kept as the YUV planes that decoders give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]

#: Rows converted at a time, an even number: what a picture takes beyond its own bytes stays small.
_BAND = 64


@dataclass(slots=True)
class Frame:
    """One picture, YUV 4:2:0, limited or full range.

    Attributes:
        y: luma, uint8 [height, width]; may be a read-only view of the decoder's memory, valid as
            long as the Frame lives.
        u, v: chroma, uint8 [ceil(height/2), ceil(width/2)], or None for a grey picture.
        full_range: True where black is 0 and white 255, else 16 and 235 (BT.601 / BT.709 video).
        key: the decoder said that this is a key frame.
        owner: whatever must stay alive for the planes to stay valid.
    """

    y: Plane
    u: Plane | None = None
    v: Plane | None = None
    full_range: bool = False
    key: bool = False
    owner: Any = None

    @property
    def width(self) -> int:
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        return int(self.y.shape[0])

    @property
    def nbytes(self) -> int:
        """Bytes of the planes."""
        return sum(p.nbytes for p in (self.y, self.u, self.v) if p is not None)

    def rgb(self) -> Plane:
        """uint8 [height, width, 3] by BT.601 (height <= 576) or BT.709; for eyes, not for gates."""
        picture = np.empty((self.height, self.width, 3), np.uint8)
        kr, kb = (0.299, 0.114) if self.height <= 576 else (0.2126, 0.0722)
        for top in range(0, self.height, _BAND):
            self._band(picture[top : top + _BAND], top, kr, kb)
        return picture

    def _band(self, picture: Plane, top: int, kr: float, kb: float) -> None:
        """Fill `picture`, the rows from `top` on, an even number."""
        rows = len(picture)
        y = self.y[top : top + rows].astype(np.float32)
        if not self.full_range:
            y = (y - 16.0) * (255.0 / 219.0)
        if self.u is None or self.v is None:
            picture[...] = np.clip(y, 0, 255).astype(np.uint8)[:, :, None]
            return
        scale = 1.0 if self.full_range else 255.0 / 224.0
        half = slice(top // 2, (top + rows + 1) // 2)
        u, v = (_upsample(plane[half], rows, self.width) * scale for plane in (self.u, self.v))
        kg = 1.0 - kr - kb
        red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
        green = (y - kr * red - kb * blue) / kg
        for channel, values in enumerate((red, green, blue)):
            picture[:, :, channel] = np.clip(values + 0.5, 0, 255)


def _upsample(plane: Plane, height: int, width: int) -> npt.NDArray[np.float32]:
    full = plane.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    return full.astype(np.float32) - 128.0
