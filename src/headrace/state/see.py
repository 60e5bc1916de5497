"""See: which entries a query sees."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.core.errors import ConfigError


@dataclass(frozen=True)
class See:
    """Everything that is kept, less what is denied; inside the segment that is being written, what came before.

    Args:
        denied: pairs (stream of the query, stream of the entry) that do not see each other.
        whole: a segment sees all of itself; it must then come in one piece.
    """

    denied: frozenset[tuple[str, str]] = frozenset()
    whole: bool = False

    def __post_init__(self) -> None:
        for pair in self.denied:
            if len(pair) != 2 or not all(isinstance(name, str) for name in pair):
                raise ConfigError(f"see: {pair!r} is no pair of streams; use deny(query, entry)")

    @property
    def by_stream(self) -> bool:
        """A change of stream begins a new segment."""
        return bool(self.denied)

    def __and__(self, other: See) -> See:
        return See(self.denied | other.denied, self.whole or other.whole)

    def allows(self, query: str, entry: str) -> bool:
        return (query, entry) not in self.denied


#: Each query sees what is kept and came before it.
causal = See()
#: The entries of one segment see each other: frames and chunks that are denoised together.
whole = See(whole=True)


def deny(query: str, entry: str) -> See:
    """Queries of one stream do not see entries of another: `causal & deny("source", "target")`."""
    return See(frozenset({(query, entry)}))
