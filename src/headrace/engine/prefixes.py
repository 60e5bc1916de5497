"""Prefixes: which sessions have read what others begin with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")


@dataclass(slots=True)
class Lender(Generic[S]):
    """A session that has read the blocks of a chain.

    Attributes:
        session: of the host.
        chain: names of the blocks, each of which stands for all before it too.
        read: how many of them it has read.
        bytes: of its state.
        gone: it was closed, and is kept for what it has read.
    """

    session: S
    chain: tuple[int, ...]
    read: int = 0
    bytes: int = 0
    gone: bool = False


class Prefixes(Generic[S]):
    """By the name of a block, who has read it: live sessions at no cost, closed ones within a budget.

    Of closed ones the least recently used go first.

    Args:
        bytes: of closed sessions that are kept.
    """

    def __init__(self, bytes: int = 0) -> None:  # noqa: A002 - the unit is the name everywhere
        self.limit = bytes
        self._lenders: OrderedDict[str, Lender[S]] = OrderedDict()
        self._readers: dict[int, str] = {}
        self._coming: dict[int, str] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of closed sessions that are kept."""
        return sum(one.bytes for one in self._lenders.values() if one.gone)

    def announce(self, name: str, session: S, chain: tuple[int, ...]) -> None:
        """A session is about to read these blocks; whatever had its name is forgotten."""
        self.forget(name)
        self._lenders[name] = Lender(session, chain)
        for block in chain:
            self._coming.setdefault(block, name)

    def read(self, name: str, blocks: int) -> None:
        """A session has read so many blocks of its chain."""
        lender = self._lenders.get(name)
        if lender is None:
            return
        for block in lender.chain[lender.read : blocks]:
            self._readers[block] = name
            if self._coming.get(block) == name:
                del self._coming[block]
        lender.read = max(lender.read, min(blocks, len(lender.chain)))

    def longest(self, chain: Sequence[int]) -> tuple[str, int] | None:
        """Who has read most of a chain, and how many blocks of it."""
        return self._deepest(self._readers, chain)

    def coming(self, chain: Sequence[int]) -> tuple[str, int] | None:
        """Who is about to read most of a chain, and how many blocks of it."""
        return self._deepest(self._coming, chain)

    def __contains__(self, name: str) -> bool:
        return name in self._lenders

    def lender(self, name: str) -> Lender[S]:
        """The lender of this name, now the most recently used."""
        self._lenders.move_to_end(name)
        return self._lenders[name]

    def retire(self, name: str, nbytes: int) -> list[S]:
        """A session closes: keep it if it has read something and there is room. Sessions to close now, it or others."""
        lender = self._lenders.get(name)
        if lender is None:
            return []
        lender.gone, lender.bytes = True, nbytes
        if lender.read == 0 or nbytes > self.limit:
            self.forget(name)
            return [lender.session]
        self._lenders.move_to_end(name)
        out: list[S] = []
        excess = self.nbytes - self.limit
        for other in [key for key, one in self._lenders.items() if one.gone]:
            if excess <= 0:
                break
            gone = self._lenders[other]
            excess -= gone.bytes
            out.append(gone.session)
            self.forget(other)
        return out

    def forget(self, name: str) -> None:
        """A session cannot lend any more."""
        lender = self._lenders.pop(name, None)
        if lender is None:
            return
        for block in lender.chain:
            for index in (self._readers, self._coming):
                if index.get(block) == name:
                    del index[block]

    def clear(self) -> list[S]:
        """Forget all; the closed sessions that were kept."""
        kept = [one.session for one in self._lenders.values() if one.gone]
        self._lenders.clear()
        self._readers.clear()
        self._coming.clear()
        return kept

    @staticmethod
    def _deepest(index: dict[int, str], chain: Sequence[int]) -> tuple[str, int] | None:
        for depth in range(len(chain), 0, -1):
            name = index.get(chain[depth - 1])
            if name is not None:
                return name, depth
        return None
