"""Provisional: the transaction of one kind of state, one level deep."""

from __future__ import annotations

from abc import ABC, abstractmethod

from headrace.core.errors import StateError


class Provisional(ABC):
    """What is written after `begin` stays only if it is committed.

    A kind says what it must remember (`_mark`), how it returns to it (`_undo`) and how it lets go of it (`_settle`).
    Reads see what is provisional. Snapshots and forks are taken outside a transaction; reset and restore end it.
    """

    _begun = False

    @property
    def begun(self) -> bool:
        """Whether a transaction is open."""
        return self._begun

    def begin(self) -> None:
        """Open a transaction; StateError if one is open."""
        self._outside("begin")
        self._mark()
        self._begun = True

    def commit(self) -> None:
        """Keep what was written since `begin`; StateError without one."""
        self._inside("commit")
        self._settle()
        self._begun = False

    def rollback(self) -> None:
        """Forget what was written since `begin`; StateError without one."""
        self._inside("rollback")
        self._undo()
        self._begun = False

    @abstractmethod
    def _mark(self) -> None: ...

    @abstractmethod
    def _undo(self) -> None: ...

    @abstractmethod
    def _settle(self) -> None: ...

    def _inside(self, verb: str) -> None:
        if not self._begun:
            raise StateError(f"{type(self).__name__}: {verb} without a transaction; call begin first")

    def _outside(self, verb: str) -> None:
        if self._begun:
            raise StateError(f"{type(self).__name__}: {verb} within a transaction; commit it or roll it back first")
