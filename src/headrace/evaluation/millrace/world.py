"""World: a seeded endless stream of millrace, and all that is true of it.

Small cards, each a shape of one colour with a digit on it, come, stay for some seconds in one of the cells of a grid,
go, and come back; one comes early and stays; a grey one, the courier, runs errands in the last row. Some
entrances have a word of their own. The regime says what makes it hard: `regime.SETTINGS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import merge

import numpy as np

from headrace.core.errors import ConfigError
from headrace.core.frame import Frame
from headrace.core.item import SECOND, Item
from headrace.evaluation.millrace import happenings
from headrace.evaluation.millrace.asked import Asked, Wait
from headrace.evaluation.millrace.camera import Camera, paste
from headrace.evaluation.millrace.card import SIDE, developed
from headrace.evaluation.millrace.draw import Draw
from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.millrace.plan import Plan, planned
from headrace.evaluation.millrace.questions import Asker
from headrace.evaluation.millrace.regime import SETTINGS, Regime
from headrace.evaluation.millrace.scenery import MEAN
from headrace.evaluation.millrace.sound import BEEPS, Soundtrack, lasting
from headrace.evaluation.millrace.visit import Said, Visit
from headrace.evaluation.millrace.words import WORDS
from headrace.evaluation.truth import Event, Series, Span

#: Levels (y, u, v) of the ground of portraits.
GROUND = (MEAN, 128, 128)


@dataclass(frozen=True)
class World:
    """One stream. Deterministic; what it holds grows with its visits, not with its frames.

    Args:
        seed: all that is random follows from it; even ones for development, odd ones held out, see `frozen`.
        regime: one of `regime.SETTINGS`.
        seconds: length; half an hour to ten hours give the tracks their full number of questions.
        fps: frames a second.
        size: (width, height) in pixels, multiples of 16.

    Raises:
        ConfigError: unknown regime, or a length, rate or size that is out of reach.
    """

    seed: int = 0
    regime: str = "calm"
    seconds: float = 1800.0
    fps: int = 2
    size: tuple[int, int] = (96, 64)

    def __post_init__(self) -> None:
        if self.regime not in SETTINGS:
            raise ConfigError(f"millrace: regime {self.regime!r} is none of {', '.join(SETTINGS)}")
        width, height = self.size
        if width % SIDE or height % SIDE or not 96 <= width <= 640 or not 64 <= height <= 480:
            raise ConfigError(f"millrace: size {width}x{height}; use multiples of {SIDE} from 96x64 to 640x480")
        if self.seed < 0 or not 1 <= self.fps <= 30:
            raise ConfigError(
                f"millrace: seed {self.seed}, fps {self.fps}; use a seed >= 0 and 1 to 30 frames a second"
            )
        if not 120 <= self.seconds <= 86400:
            raise ConfigError(f"millrace: {self.seconds} seconds; use 120 or more, a day at most")

    # -- time and space -----------------------------------------------------------------------

    @property
    def frames(self) -> int:
        """Their number."""
        return int(self.seconds * self.fps)

    @property
    def duration(self) -> int:
        """ns."""
        return self.pts(self.frames)

    def pts(self, index: int) -> int:
        """Media time of a frame, ns."""
        return index * SECOND // self.fps

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of cells; the last row is the courier's."""
        return self.size[1] // SIDE, self.size[0] // SIDE

    @property
    def settings(self) -> Regime:
        """What the regime does."""
        return SETTINGS[self.regime]

    @property
    def name(self) -> str:
        """`Item.source` of what is shown and heard."""
        return f"millrace-{self.regime}-{self.seed}"

    # -- what is true -------------------------------------------------------------------------

    @cached_property
    def plan(self) -> Plan:
        """Who comes when and where."""
        return planned(self.seed, self.settings, self.frames, self.fps, self.grid)

    @property
    def visits(self) -> tuple[Visit, ...]:
        """In order of their start. One never ends: its `end` is that of the stream."""
        return self.plan.visits

    @cached_property
    def shown(self) -> tuple[Identity, ...]:
        """Identities in the order of their first visit; the courier is none of them."""
        return tuple(dict.fromkeys(visit.identity for visit in self.visits))

    @property
    def absent(self) -> tuple[Identity, ...]:
        """Identities that questions are asked about, and that never come."""
        return self.plan.absent

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """Entering, leaving, touching, changing colour; see `happenings.events`."""
        return happenings.events(self.visits)

    @cached_property
    def said(self) -> tuple[Said, ...]:
        """Words and beeps, in order of their start."""
        return happenings.words(self.seed, self.visits, self.duration, WORDS, tuple(BEEPS), lasting)

    @cached_property
    def questions(self) -> tuple[Asked, ...]:
        """In order of time; as many without an answer as with one, in every track."""
        return self._asker(13).questions()

    @cached_property
    def waits(self) -> tuple[Wait, ...]:
        """Standing requests, in order of time; half of them for what never comes."""
        return self._asker(14).waits(self.events)

    @cached_property
    def errands(self) -> tuple[Span, ...]:
        """When the courier is on its way; the rest of the time it stands still."""
        return happenings.errands(self.seed, self.duration)

    @cached_property
    def courier(self) -> Series:
        """The cell (row, column) of the courier: a state that is asked for under latency."""
        return happenings.way(self.seed, self.errands, self.grid[1], self.grid[0] - 1, self.fps)

    @cached_property
    def scenes(self) -> tuple[int, ...]:
        """When each scene begins, ns."""
        return happenings.scenes(self.seed, self.settings, self.duration)

    # -- what is shown and heard --------------------------------------------------------------

    @property
    def soundtrack(self) -> Soundtrack:
        """The sound of the stream by itself; its `audible` leaves out what is only noise."""
        return Soundtrack(self.said, self.seed, self.duration / SECOND, name=self.name)

    def items(self, sound: bool = True) -> Iterator[Item]:
        """Frames, items of kind "video" that arrive at their pts, and, with `sound`, 100 ms of sound each, of kind
        "audio", that arrive when they are over; in order of arrival. Every call begins anew."""
        return merge(self._video(), self.soundtrack.items(), key=lambda item: item.arrival) if sound else self._video()

    def portrait(self, identity: Identity, offset: int = 0) -> Frame:
        """How an identity looks in its cell, without noise: 16 x 16, moved to the right by `offset` pixels (-15 to 15)
        before a plain ground that is no scene of the stream."""
        sides = (SIDE, SIDE // 2, SIDE // 2)
        y, u, v = (np.full((side, side), level, np.int16) for side, level in zip(sides, GROUND, strict=True))
        paste(y, u, v, identity, (0, 0), offset)
        return developed(y, u, v)

    def _asker(self, key: int) -> Asker:
        return Asker(Draw(self.seed, key), self.plan, self.said, self.grid, self.duration, self.fps)

    def _camera(self) -> Camera:
        stops = happenings.stops(self.seed, self.settings.reach, self.duration)
        return Camera(
            self.seed, self.settings, self.size, self.scenes, self.visits, self.courier, stops, self.plan.moving
        )

    def _video(self) -> Iterator[Item]:
        camera, name = self._camera(), self.name
        for index in range(self.frames):
            pts = self.pts(index)
            yield Item(pts, "video", camera.shoot(index, pts), pts, source=name)
