"""Camera: the frames of a stream, one after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from headrace.core.frame import Frame
from headrace.core.item import SECOND
from headrace.evaluation.millrace.card import SIDE, Card, Shorts, card, developed
from headrace.evaluation.millrace.draw import Draw, mixed
from headrace.evaluation.millrace.identity import COURIER, Identity
from headrace.evaluation.millrace.regime import Regime
from headrace.evaluation.millrace.scenery import scenery, texture
from headrace.evaluation.millrace.visit import Cell, Visit
from headrace.evaluation.truth import Series

#: Length of the noise that frames are given slices of, samples.
BANK = 1 << 17
#: Period of daylight, ns.
DAY = 600 * SECOND


class Camera:
    """Draws frames. Holds two scenes and a bank of noise, however long the stream is.

    Args:
        seed: of scenes and noise.
        regime: what the camera does to a scene.
        size: (width, height).
        scenes: when each scene begins, ns.
        visits: in order of their start.
        courier: the courier's cell.
        stops: pixels by which the camera has moved.
        moving: cells that never stop moving.
    """

    def __init__(
        self,
        seed: int,
        regime: Regime,
        size: tuple[int, int],
        scenes: Sequence[int],
        visits: Sequence[Visit],
        courier: Series,
        stops: Series,
        moving: Sequence[Cell],
    ) -> None:
        self._seed, self._regime, self._size = seed, regime, size
        self._scenes, self._visits, self._courier, self._stops = scenes, visits, courier, stops
        self._moving = moving
        width, height = size
        self._held: dict[int, Card] = {}
        self._luma = Draw(seed, 8).bell(BANK + width * height, regime.noise)
        self._chroma = Draw(seed, 9).bell(BANK + width * height // 4, (regime.noise + 2) // 3)
        self._leaves = texture(Draw(seed, 10), 256, 256, 40) if moving else None
        self._next, self._there = 0, list[Visit]()

    def shoot(self, index: int, pts: int) -> Frame:
        """The frame of that number and time; times must not fall."""
        picture = self._scene(pts)
        left = self._regime.reach + self._stops.at(pts)
        y, u, v = (
            _window(plane, left // part, self._size[0] // part) for plane, part in zip(picture, (1, 2, 2), strict=True)
        )
        self._people(pts)
        for visit in self._there:
            share = _share(visit, pts)
            if share:
                paste(y, u, v, visit.identity, visit.cell, self._regime.reach - left, share)
        paste(y, u, v, COURIER, self._courier.at(pts), self._regime.reach - left)
        if self._leaves is not None:
            self._stir(y, index, self._leaves)
        return self._film(y, u, v, index, pts)

    # -- what is there ------------------------------------------------------------------------

    def _canvas(self, number: int) -> Card:
        if number not in self._held:
            width, height = self._size
            self._held = {kept: self._held[kept] for kept in self._held if kept == number - 1}
            self._held[number] = scenery(self._seed, number, height, width + 2 * self._regime.reach)
        return self._held[number]

    def _scene(self, pts: int) -> tuple[Shorts, Shorts, Shorts]:
        number = bisect_right(self._scenes, pts) - 1
        gone, whole = pts - self._scenes[number], self._regime.mixing
        if number and gone < whole:
            share = 128 * gone // whole
            old = self._canvas(number - 1)
            new = self._canvas(number)
            return tuple(_mix(a, b, share) for a, b in zip(_planes(old), _planes(new), strict=True))  # type: ignore[return-value]
        return _planes(self._canvas(number))

    def _people(self, pts: int) -> None:
        """Bring `_there` to this time."""
        fade = self._regime.fade
        while self._next < len(self._visits) and self._visits[self._next].start - fade <= pts:
            self._there.append(self._visits[self._next])
            self._next += 1
        self._there = [visit for visit in self._there if pts < visit.end + fade]

    def _stir(self, y: Shorts, index: int, leaves: Shorts) -> None:
        for number, (row, column) in enumerate(self._moving):
            where = mixed(self._seed, 11, index, number)
            down, across = where % (256 - SIDE), (where >> 20) % (256 - SIDE)
            y[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE] = (
                leaves[down : down + SIDE, across : across + SIDE] + 112
            )

    # -- what the camera makes of it ----------------------------------------------------------

    def _film(self, y: Shorts, u: Shorts, v: Shorts, index: int, pts: int) -> Frame:
        regime = self._regime
        if regime.band:
            y += (y * _band(len(y), index, regime.band)[:, None]) >> 8
        grain = [self._noise(self._luma, y, index, 0), self._noise(self._chroma, u, index, 1)]
        grain.append(self._noise(self._chroma, v, index, 2))
        if regime.dark < 256:
            light = _light(pts, regime.dark)
            rise = 64 + 64 * regime.grain * (256 - light) // (max(1, regime.noise) * (256 - regime.dark))
            grain = [(noise * rise) >> 6 for noise in grain]
            y = (y * (light >> 1)) >> 7
            u, v = (128 + (((plane - 128) * (light >> 1)) >> 7) for plane in (u, v))
        return developed(y + grain[0], u + grain[1], v + grain[2])

    def _noise(self, bank: Shorts, plane: Shorts, index: int, number: int) -> Shorts:
        where = mixed(self._seed, 12, index, number) % BANK
        return bank[where : where + plane.size].reshape(plane.shape)


def paste(y: Shorts, u: Shorts, v: Shorts, who: Identity, cell: Cell, offset: int = 0, share: int = 128) -> None:
    """Draw an identity into planes, `offset` pixels to the right of its cell, with `share` 128ths of its weight."""
    looks = card(who)
    for plane, drawn, side, moved in (
        (y, looks.y, SIDE, offset),
        (u, looks.u, SIDE // 2, offset // 2),
        (v, looks.v, SIDE // 2, offset // 2),
    ):
        top, left = cell[0] * side, cell[1] * side + moved
        cut, end = max(0, -left), min(side, plane.shape[1] - left)
        area = plane[top : top + side, left + cut : left + end]
        area[...] = drawn[:, cut:end] if share == 128 else area + (((drawn[:, cut:end] - area) * share) >> 7)


def _share(visit: Visit, pts: int) -> int:
    """128ths of it that are there."""
    if visit.start <= pts < visit.end:
        return 128
    gone = visit.start - pts if pts < visit.start else pts - visit.end
    return 128 * (visit.fade - gone) // visit.fade


def _band(height: int, index: int, strength: int) -> Shorts:
    """By how many 256ths each row is brighter or darker, int16 [height]: a triangle that rolls through the picture."""
    phase = (np.arange(height, dtype=np.int16) + 37 * (index % 128)) & 127
    return (np.abs(phase - 64) - 32) * np.int16(strength) // np.int16(32)


def _light(pts: int, dark: int) -> int:
    """256ths of full light: day to night and back once in `DAY`."""
    gone = pts % DAY
    return 256 - (256 - dark) * min(gone, DAY - gone) // (DAY // 2)


def _mix(one: Shorts, other: Shorts, share: int) -> Shorts:
    return one + (((other - one) * np.int16(share)) >> 7)


def _planes(picture: Card) -> tuple[Shorts, Shorts, Shorts]:
    return picture.y, picture.u, picture.v


def _window(plane: Shorts, left: int, width: int) -> Shorts:
    return plane[:, left : left + width].copy()
