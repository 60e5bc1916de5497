"""PatchEncoder: a token for each patch of a frame, without a model; Encode: the step that makes tokens of frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError, InputError
from headrace.core.frame import Frame
from headrace.core.item import Item
from headrace.core.op import Op
from headrace.understanding.admission import Floats
from headrace.understanding.tokens.tokens import Tokens

#: Weight of chroma against luma: colours are told apart by less contrast than shapes.
CHROMA = 1.1
#: What every patch has, levels: a patch of less contrast than that is like any other flat one.
FLOOR = 8.0
#: Components of chroma: four quarters of each plane.
QUARTERS = 8


class Encoder(Protocol):
    """Turns pictures into tokens.

    Attributes:
        size: D, components of a token.
    """

    size: int

    def encode(self, frame: Frame) -> Floats:
        """float32 [R, C, D]."""
        ...


class PatchEncoder:
    """Describes each patch by its coarse structure and its colour; nothing is learned, nothing is remembered.

    Of a patch's luma the slowest components of the two-dimensional cosine transform (the mean left out, so that
    brightness does not count), of its chroma the means of four quarters, weighed by `CHROMA`, and the constant
    `FLOOR`; brought to length 1 (so that contrast does not count), and turned by a fixed rotation, so that no
    component means more than another one.

    Source: N. Ahmed, T. Natarajan and K. R. Rao, "Discrete cosine transform", IEEE Transactions on Computers C-23
    (1974).

    Args:
        patch: pixels on a side, a multiple of 4. What is left over at the right and at the bottom is not seen.
        size: D, 10 or more; `size` - 9 components are of luma.

    Raises:
        ConfigError: `patch` or `size` is out of reach.
    """

    def __init__(self, patch: int = 16, size: int = 48) -> None:
        if patch < 4 or patch % 4:
            raise ConfigError(f"patch encoder: patch {patch}; use a multiple of 4")
        if not QUARTERS + 2 <= size <= patch * patch + QUARTERS:
            raise ConfigError(f"patch encoder: size {size}; use {QUARTERS + 2} to {patch * patch + QUARTERS}")
        self.patch, self.size = patch, size
        weights = np.zeros((patch * patch * 3 // 2 + 1, size))
        luma = size - QUARTERS - 1
        weights[: patch * patch, :luma] = _waves(patch, luma)
        weights[patch * patch : -1, luma:-1] = _quarters(patch // 2) * CHROMA
        weights[-1, -1] = FLOOR * patch
        self._weights = (weights @ _rotation(size)).astype(np.float32)

    def encode(self, frame: Frame) -> Floats:
        """float32 [R, C, D], each token of length 1.

        Raises:
            InputError: the frame is smaller than a patch.
        """
        rows, columns = frame.height // self.patch, frame.width // self.patch
        if not rows or not columns:
            raise InputError(f"a frame of {frame.width}x{frame.height} is smaller than a patch of {self.patch} pixels")
        pixels = np.zeros((rows * columns, len(self._weights)), np.float32)
        area = self.patch * self.patch
        pixels[:, :area] = _patches(frame.y, rows, columns, self.patch)
        if frame.u is not None and frame.v is not None:
            pixels[:, area : area * 5 // 4] = _patches(frame.u, rows, columns, self.patch // 2)
            pixels[:, area * 5 // 4 : -1] = _patches(frame.v, rows, columns, self.patch // 2)
            pixels[:, area:-1] -= 128
        pixels[:, -1] = 1
        features = pixels @ self._weights
        features /= np.sqrt(np.einsum("nd,nd->n", features, features))[:, None]
        return features.reshape(rows, columns, self.size)


class Encode(Op):
    """Turns items of kind "video" into items of kind "tokens", of sense "sight"; items of other kinds pass.

    Args:
        encoder: of pictures.
    """

    holds_back = False

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def step(self, item: Item) -> Iterable[Item]:
        """The tokens of one frame.

        Raises:
            InputError: a video item carries no `Frame`, or one that the encoder cannot take.
        """
        if item.kind != "video":
            return (item,)
        if not isinstance(item.data, Frame):
            raise InputError(f"{item.source!r} at {item.pts} ns: a frame is needed, got {type(item.data).__name__}")
        return (item.derive(Tokens(self.encoder.encode(item.data)), "tokens"),)


def _patches(plane: npt.NDArray[np.uint8], rows: int, columns: int, side: int) -> npt.NDArray[np.uint8]:
    """[rows * columns, side * side]."""
    cut = plane[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return cut.transpose(0, 2, 1, 3).reshape(rows * columns, side * side)


def _waves(side: int, count: int) -> npt.NDArray[np.float64]:
    """The `count` slowest cosine waves on a square, the constant left out, [side * side, count], each of length 1."""
    order = np.arange(side)
    basis = np.cos(np.pi * (2 * order[:, None] + 1) * order / (2 * side)) * np.sqrt(2 / side)
    basis[:, 0] /= np.sqrt(2)
    slow = sorted(((i, j) for i in range(side) for j in range(side)), key=lambda ij: (ij[0] ** 2 + ij[1] ** 2, ij))
    return np.stack([np.outer(basis[:, i], basis[:, j]).ravel() for i, j in slow[1 : count + 1]], axis=1)


def _quarters(side: int) -> npt.NDArray[np.float64]:
    """Sums over the quarters of two squares, [2 * side * side, 8], scaled as if of luma of length 1."""
    quarter = (np.arange(side)[:, None] // (side // 2) * 2 + np.arange(side) // (side // 2)).ravel()
    sums = np.eye(4)[quarter] * 4 / side
    return np.kron(np.eye(2), sums)


def _rotation(size: int) -> npt.NDArray[np.float64]:
    """A fixed random rotation, [size, size]."""
    turned, upper = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))
    return np.asarray(turned * np.sign(np.diag(upper)))
