"""Usage: tokens of a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headrace.engine.opening import Said


@dataclass
class Usage:
    """Tokens read and said, each prompt counted once however many choices it has.

    Attributes:
        pushed: tokens that were queued; what counts until the replies say what was read.
        read: as the replies say; their role's turn is among them.
        reused: of these, copied from another session.
        said: of all choices, tokens that ended a reply among them.
    """

    pushed: int = 0
    read: int = 0
    reused: int = 0
    said: int = 0

    def note(self, said: Said, first: bool) -> None:
        """One token; `first` if it is of a prompt's first choice."""
        self.said += said.token is not None
        if first:
            self.read, self.reused = self.read + said.prompt, self.reused + said.reused

    def as_data(self) -> dict[str, Any]:
        prompt = max(self.read, self.pushed)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": self.said,
            "total_tokens": prompt + self.said,
            "prompt_tokens_details": {"cached_tokens": self.reused},
        }
