"""The four kinds of recording that people watch: a screen, a lecture, a street, a terminal."""

from __future__ import annotations

from headrace.core.errors import ConfigError
from tests.clips.lecture import lecture
from tests.clips.screen import screen
from tests.clips.stage import Recording
from tests.clips.street import street
from tests.clips.terminal import terminal

_MAKERS = {"screen": screen, "lecture": lecture, "street": street, "terminal": terminal}
KINDS = tuple(_MAKERS)


def recording(kind: str, seed: int) -> Recording:
    """A recording of 1280x720 and 80 to 130 seconds; the same seed gives the same frames and sound.

    Screen and terminal are silent; a screen has a frame only when something changes.

    Args:
        kind: out of `KINDS`.
        seed: draws words, colours, pace and noise.

    Raises:
        ConfigError: the kind is not known, or a lecture is to speak and espeak-ng is missing.
    """
    if kind not in _MAKERS:
        raise ConfigError(f"unknown kind of recording {kind!r}; choose from {', '.join(KINDS)}")
    return _MAKERS[kind](seed)
