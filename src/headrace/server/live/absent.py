"""Absent: a durable session of an earlier run that is on the disk and that the pool could not take up yet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from headrace.server.errors import RETRY_AFTER, Refusal


@dataclass
class Absent:
    """One such session; its files are kept.

    Attributes:
        owner: name of its key; "" where the file that says it is damaged.
        facts: what its journal says of it; see `Journals.save`.
        why: it could not be taken up when that was last tried.
        taking: held by whoever tries, or lets go of it.
    """

    id: str
    owner: str
    facts: dict[str, Any]
    why: str = ""
    taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def refusal(self, error: Exception) -> Refusal:
        """Note why it could not be taken up, and what is answered meanwhile (503)."""
        if isinstance(error, OSError):
            self.why = f"its journal cannot be read: {error.strerror}"
        elif isinstance(error, KeyError | TypeError | ValueError):
            self.why = "its journal is damaged"
        else:
            self.why = str(error)
        message = f"session {self.id} cannot be taken up now, and is kept: {self.why}"
        return Refusal(message, status=503, code="not_taken_up", retry_after=RETRY_AFTER)
