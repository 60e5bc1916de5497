"""LumaGate: what gates on luma blocks share: frames, the scene, versions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from headrace.core.errors import InputError
from headrace.core.frame import Frame
from headrace.core.item import Item
from headrace.core.stateful import Stateful
from headrace.understanding.admission import Mask
from headrace.understanding.blockadmission import BlockAdmission
from headrace.understanding.blocks import BLOCK, LARGEST_SIDE, Blocks, blocks, working_luma
from headrace.understanding.gates.cellgate import CellGate
from headrace.understanding.scene import Aligned, Scene, roll


class LumaGate(CellGate):
    """A gate on blocks of 16 x 16 luma pixels.

    Subclasses keep their per-block arrays in `self.memory`, where they move with the scene, and answer `judge`.

    Args:
        follow: attach the grid to the scene while the camera pans.
    """

    def __init__(self, follow: bool = True) -> None:
        self._scene = Scene() if follow else None
        super().__init__()

    def parts(self) -> Mapping[str, Stateful]:
        return {} if self._scene is None else {"scene": self._scene}

    @abstractmethod
    def judge(self, picture: Blocks, moving: bool) -> tuple[Mask, Mask, Mask]:
        """(admitted, unstable, jumped), each bool [rows, cols], for the next picture."""

    def admit(self, item: Item) -> BlockAdmission:
        """Judge one frame. Raises InputError if `item.data` is no Frame, empty or absurdly large."""
        frame = item.data
        if not isinstance(frame, Frame):
            raise InputError(f"a luma gate needs video frames; got {type(frame).__name__} from {item.source!r}")
        if not 0 < min(frame.y.shape) <= max(frame.y.shape) <= LARGEST_SIDE:
            size = f"{frame.width}x{frame.height}"
            raise InputError(f"frame of {size} from {item.source!r}: a side must have 1 to {LARGEST_SIDE} pixels")
        tick = self.enter((frame.width, frame.height))
        luma, factor = working_luma(frame.y)
        cut = self._scene.align(luma) if self._scene is not None else _still(luma)
        if cut.moved != (0, 0):
            cols, rows = cut.moved
            self.memory = {
                name: roll(array, cols, rows, -1 if name == "version" else np.nan)
                for name, array in self.memory.items()
            }
        picture = blocks(cut.luma)
        change = np.abs(picture.means - self.memory["previous"]) if "previous" in self.memory else np.empty(0)
        change = change[np.isfinite(change)]
        score = float(change.mean()) if change.size else 0.0
        admitted, unstable, jumped = self.judge(picture, cut.moving)
        self.memory["previous"] = picture.means
        version = self.memory.get("version", np.full(admitted.shape, -1, np.int32))
        self.memory["version"] = np.where(admitted, np.int32(tick), version).astype(np.int32)
        return BlockAdmission(
            admitted=admitted, tick=tick, score=score, frame=frame, unstable=unstable, jumped=jumped,
            texture=picture.texture, version=self.memory["version"], moving=cut.moving, origin=cut.origin,
            corner=(cut.corner[0] * factor, cut.corner[1] * factor), pitch=float(BLOCK * factor),
        )  # fmt: skip

    def max_bytes(self) -> int:
        """Upper bound for any frame, see `LARGEST_WORKING`."""
        return 64 << 20


def _still(luma: npt.NDArray[np.uint8]) -> Aligned:
    """The picture as it stands, padded to whole blocks."""
    height, width = luma.shape
    bottom, right = -height % BLOCK, -width % BLOCK
    padded = np.pad(luma, ((0, bottom), (0, right)), mode="edge") if bottom or right else np.ascontiguousarray(luma)
    return Aligned(padded, (0, 0), (0.0, 0.0), (0, 0), False)
