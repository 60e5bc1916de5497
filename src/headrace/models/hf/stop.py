"""Stops: where a reply ends by what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from headrace.core.errors import ConfigError, StateError
from headrace.core.stateful import Snapshot


class Stops:
    """Looks for stop strings in text that comes in pieces, and holds back what may become one; Stateful.

    The stop is the string that is complete first; of several that end at one character, the longest. What is shown is
    the text before it, whatever the pieces were. At most the longest string less one character is held.

    Args:
        strings: the stop strings; one str is one of them. None at all is fine: everything is shown at once.

    Raises:
        ConfigError: a stop string is empty or no text.
    """

    def __init__(self, strings: str | Iterable[str] = ()) -> None:
        if not isinstance(strings, Iterable):
            raise ConfigError(f"stop={strings!r}: give a text or several")
        self.strings = (strings,) if isinstance(strings, str) else tuple(strings)
        for string in self.strings:
            if not isinstance(string, str) or not string:
                raise ConfigError(f"stop strings {self.strings!r}: give texts of one character or more")
        self._longest = max(map(len, self.strings), default=1)
        self.reset()

    def reset(self) -> None:
        self._held: str = ""
        self._stopped: bool = False

    @property
    def stopped(self) -> bool:
        """Whether a stop string was met since the last reset."""
        return self._stopped

    def push(self, piece: str) -> tuple[str, bool]:
        """Take the next piece: (text that may be shown now, whether the reply has ended).

        After the end nothing is shown any more, until `reset`.
        """
        if self._stopped:
            return "", True
        text = self._held + piece
        ends = [(at + len(string), at) for string in self.strings if (at := text.find(string)) >= 0]
        if ends:
            self._held, self._stopped = "", True
            return text[: min(ends)[1]], True
        held = self._hold(text)
        self._held = text[len(text) - held :]
        return text[: len(text) - held], False

    def flush(self) -> str:
        """The held text: the reply is over, no stop string will come."""
        held, self._held = self._held, ""
        return held

    def _hold(self, text: str) -> int:
        """How many of the last characters may begin a stop string."""
        for n in range(min(self._longest - 1, len(text)), 0, -1):
            if any(text[-n:] == string[:n] for string in self.strings):
                return n
        return 0

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot("stops", {"strings": list(self.strings), "held": self._held, "stopped": self._stopped})

    def restore(self, snapshot: Snapshot) -> None:
        meta = snapshot.expect("stops").meta
        if meta["strings"] != list(self.strings):
            raise StateError(f"the snapshot stops at {meta['strings']}, this one at {list(self.strings)}")
        self._held, self._stopped = meta["held"], meta["stopped"]

    def fork(self) -> Self:
        other = type(self)(self.strings)
        other._held, other._stopped = self._held, self._stopped
        return other

    def nbytes(self) -> int:
        return 4 * len(self._held) + 1

    def max_bytes(self) -> int:
        return 4 * (self._longest - 1) + 1
