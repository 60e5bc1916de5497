"""Journal: what has been acknowledged: on disk first, then shown, and never twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from headrace.apps.keep import Keep
from headrace.core.item import Emission
from headrace.core.trace import Trace


class Journal:
    """The way out of all sessions of a run; used from the event loop's thread alone.

    Args:
        trace: where emissions are kept; None keeps none.
        publish: receives each emission once it is on disk.
        keep: content of kinds that are not kept is left out of the trace.
        known: ids that were acknowledged before a crash: they are not told again.
    """

    def __init__(
        self,
        trace: Trace | None = None,
        publish: Callable[[Emission], None] | None = None,
        keep: Keep | None = None,
        known: Iterable[str] = (),
    ) -> None:
        self.trace, self._publish, self._keep = trace, publish, keep or Keep()
        self._known = set(known)
        self._turned: dict[str, int] = {}

    def retire(self, source: str, now: int) -> None:
        """Turn the trace over often enough that no words in it are older than the rules of `Keep` allow.

        Args:
            source: whose clock it is.
            now: media time in ns.
        """
        age = self._keep.shortest
        if self.trace is not None and age is not None and now - self._turned.setdefault(source, now) >= age // 2:
            self.trace.rotate()
            self._turned = {}

    def emit(self, emission: Emission) -> bool:
        """Acknowledge an emission; False if it was acknowledged before."""
        if emission.id in self._known:
            self._known.discard(emission.id)
            return False
        if self.trace is not None:
            kept = emission if self._keep.stores(emission.kind) else replace(emission, content=None)
            self.trace.emit(kept)
            self.trace.sync()
        if self._publish is not None:
            self._publish(emission)
        return True
