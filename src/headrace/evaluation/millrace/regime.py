"""Regime: what makes a stream hard: how a scene changes, and what the camera does to it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from headrace.core.item import SECOND


@dataclass(frozen=True, slots=True)
class Regime:
    """What differs from one regime to another. Levels are those of 8-bit pictures.

    Attributes:
        scene: shortest and longest scene, ns.
        mixing: in which one scene becomes the next, ns; 0 for a cut.
        fade: in which an identity appears and disappears, ns; 0 for at once.
        noise: deviation of the noise of the sensor, levels of luma; chroma has a third of it.
        grain: by how much that rises in full darkness.
        moving: cells that never stop moving: a new texture every frame.
        reach: pixels that the camera pans to either side.
        band: share by which brightness swings, in 256ths of it; a band rolls through the picture.
        dark: light that is left at the darkest, in 256ths; 256 for always day.
    """

    scene: tuple[int, int] = (180 * SECOND, 300 * SECOND)
    mixing: int = 0
    fade: int = 0
    noise: int = 2
    grain: int = 0
    moving: int = 0
    reach: int = 0
    band: int = 0
    dark: int = 256


#: The one that nothing is tuned on.
UNSEEN = "night"
SETTINGS = MappingProxyType(
    {
        "calm": Regime(),
        "noisy": Regime(noise=44),
        "busy": Regime(moving=4),
        "fade": Regime(mixing=10 * SECOND, fade=10 * SECOND),
        "pan": Regime(reach=5),
        "flicker": Regime(band=64),
        "cut": Regime(scene=(8 * SECOND, 15 * SECOND)),
        UNSEEN: Regime(grain=12, dark=56),
    }
)
#: Those that methods may be tuned on.
REGIMES = tuple(name for name in SETTINGS if name != UNSEEN)
