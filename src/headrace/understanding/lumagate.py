"""LumaGate: what gates on luma blocks share: size, scene, versions, snapshots."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
import numpy.typing as npt

from headrace.core.errors import InputError
from headrace.core.frame import Frame
from headrace.core.item import Item
from headrace.core.stateful import Snapshot
from headrace.understanding.admission import Mask
from headrace.understanding.blockadmission import BlockAdmission
from headrace.understanding.blocks import BLOCK, LARGEST_SIDE, Blocks, blocks, working_luma
from headrace.understanding.scene import Aligned, Scene, roll

Arrays = dict[str, npt.NDArray[np.generic]]


class LumaGate(ABC):
    """A gate on blocks of 16 x 16 luma pixels.

    Subclasses keep their per-block arrays in `self.memory` (rolled, snapshotted and counted here)
    and answer `judge`.

    Args:
        follow: attach the grid to the scene while the camera pans.
    """

    kind = "lumagate"

    def __init__(self, follow: bool = True) -> None:
        self._scene = Scene() if follow else None
        self.reset()

    def reset(self) -> None:
        """Forget everything; also done when the frame size changes."""
        if self._scene is not None:
            self._scene.reset()
        self.memory: dict[str, npt.NDArray[np.float32]] = {}
        self.numbers: dict[str, float] = {}
        self._version: npt.NDArray[np.int32] | None = None
        self._size = (0, 0)
        self._tick = -1

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
        if (frame.width, frame.height) != self._size:
            tick = self._tick
            self.reset()
            self._size, self._tick = (frame.width, frame.height), tick
        self._tick += 1
        luma, factor = working_luma(frame.y)
        cut = self._scene.align(luma) if self._scene is not None else _still(luma)
        if cut.moved != (0, 0):
            cols, rows = cut.moved
            self.memory = {name: roll(array, cols, rows, np.nan) for name, array in self.memory.items()}
            if self._version is not None:
                self._version = roll(self._version, cols, rows, -1)
        picture = blocks(cut.luma)
        change = np.abs(picture.means - self.memory["previous"]) if "previous" in self.memory else np.empty(0)
        change = change[np.isfinite(change)]
        score = float(change.mean()) if change.size else 0.0
        admitted, unstable, jumped = self.judge(picture, cut.moving)
        self.memory["previous"] = picture.means
        if self._version is None:
            self._version = np.full(admitted.shape, -1, np.int32)
        self._version = np.where(admitted, np.int32(self._tick), self._version).astype(np.int32)
        return BlockAdmission(
            admitted=admitted, tick=self._tick, score=score, frame=frame, unstable=unstable, jumped=jumped,
            texture=picture.texture, version=self._version, moving=cut.moving, origin=cut.origin,
            corner=(cut.corner[0] * factor, cut.corner[1] * factor), pitch=float(BLOCK * factor),
        )  # fmt: skip

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        own = Snapshot("arrays", {}, {name: array.copy() for name, array in self.memory.items()})
        if self._version is not None:
            own.arrays["version"] = self._version.copy()
        parts = {"own": own}
        if self._scene is not None:
            parts["scene"] = self._scene.snapshot()
        meta = {"size": list(self._size), "tick": self._tick, "numbers": dict(self.numbers)}
        return Snapshot.join(self.kind, parts, meta)

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect(self.kind).meta["own"]
        self.reset()
        self._size, self._tick = (meta["size"][0], meta["size"][1]), meta["tick"]
        self.numbers = dict(meta["numbers"])
        arrays = {name: array.copy() for name, array in snapshot.part("own").arrays.items()}
        version = arrays.pop("version", None)
        self._version = None if version is None else version.astype(np.int32)
        self.memory = arrays
        if self._scene is not None:
            self._scene.restore(snapshot.part("scene"))

    @abstractmethod
    def _new(self) -> Self:
        """An empty gate of the same settings."""

    def fork(self) -> Self:
        other = self._new()
        other.restore(self.snapshot())
        return other

    def nbytes(self) -> int:
        own = sum(array.nbytes for array in self.memory.values()) + 256
        version = self._version.nbytes if self._version is not None else 0
        return own + version + (self._scene.nbytes() if self._scene is not None else 0)

    def max_bytes(self) -> int:
        """Upper bound for any frame, see `LARGEST_WORKING`."""
        return 64 << 20


def _still(luma: npt.NDArray[np.uint8]) -> Aligned:
    """The picture as it stands, padded to whole blocks."""
    height, width = luma.shape
    bottom, right = -height % BLOCK, -width % BLOCK
    padded = np.pad(luma, ((0, bottom), (0, right)), mode="edge") if bottom or right else np.ascontiguousarray(luma)
    return Aligned(padded, (0, 0), (0.0, 0.0), (0, 0), False)
