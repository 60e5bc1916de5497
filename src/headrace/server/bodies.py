"""Bodies: the bytes of what clients are sending, or have sent and wait for the answer to, all together."""

from __future__ import annotations

from starlette.exceptions import HTTPException

from headrace.server.errors import RETRY_AFTER

#: The first bytes of each body, which are always taken: `Settings.connections` bounds their sum.
LITTLE = 64 << 10


class Bodies:
    """What is held of all bodies; lives on the event loop.

    Args:
        most: bytes, less the first `LITTLE` of each body.

    Attributes:
        held: of them now.
    """

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0

    def check(self, size: int) -> None:
        """Refuse a body of so many bytes before any has come.

        Raises:
            HTTPException: there is no room for it now (429).
        """
        self._refuse(counted(size))

    def grow(self, before: int, now: int) -> None:
        """A body of `before` bytes has `now`; raises as `check`, with nothing changed."""
        more = counted(now) - counted(before)
        self._refuse(more)
        self.held += more

    def give(self, size: int) -> None:
        """A body of so many bytes is let go of."""
        self.held -= counted(size)

    def _refuse(self, more: int) -> None:
        if more and self.held + more > self.most:
            raise HTTPException(
                429,
                f"bodies of {self.held} bytes are at work of the {self.most} that may be; send it again later",
                {"retry-after": str(RETRY_AFTER), "connection": "close"},
            )


def counted(size: int) -> int:
    """What of a body counts."""
    return max(0, size - LITTLE)
