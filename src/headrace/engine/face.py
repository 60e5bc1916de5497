"""Face: how servers and applications talk to live sessions, wherever these run. Protocols only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from headrace.engine.opening import Ask, Opening, Said
from headrace.engine.request import Slo


class Live(Protocol):
    """One live session, seen from an event loop.

    Every call raises InputError, ConfigError, CapacityError or StateError of the engine as it is, with nothing changed;
    StateError too when the session is closed or its worker is gone for good.
    """

    @property
    def id(self) -> str:
        """Its name: 32 hex digits, not to be guessed."""
        ...

    async def push(
        self,
        data: str | Sequence[int],
        *,
        role: str | None = None,
        stream: str = "main",
        kind: str | None = None,
        pts: int = 0,
    ) -> int:
        """Queue input; returns how many tokens it is. What happens to a reply under way is said at `Opening.meanwhile`.

        Args:
            data: text (tokenised alone) or token ids.
            role: begin the turn of this role first, as the chat template writes it; None: the turn goes on.
            stream, kind, pts: see Session.push.

        Raises:
            CapacityError: more tokens wait than the session may have waiting; nothing was queued.
        """
        ...

    async def update(self, data: str | Sequence[int]) -> int:
        """Make the session's whole input this; the longest common prefix with what was read and said is kept.

        Returns:
            How many tokens were kept.

        Raises:
            StateError: its past is no longer remembered that far (`Opening.remember`).
        """
        ...

    def say(self, ask: Ask, *, role: str | None = None) -> AsyncIterator[Said]:
        """Reply to all that was pushed. Leaving the iterator (or cancelling) interrupts the reply within one tick.

        Args:
            role: begin the turn of this role first ("assistant").
        """
        ...

    async def settle(self) -> None:
        """Return when all that was pushed has been read; raises what failed."""
        ...

    async def interrupt(self, said: int | None = None) -> int:
        """End the reply under way within one tick.

        Args:
            said: number of the last token that reached the listener; later ones are taken back out of the session's
                past, if it is remembered. None: all that was said stands.

        Returns:
            Number of the last token that stands.
        """
        ...

    async def fork(self, *, seed: int | None = None, slo: Slo | None = None, durable: bool | None = None) -> Live:
        """Another session with the same past; what waits to be read and the reply under way are not copied.

        Args:
            seed: of its draws; None: those of this session go on in both.
            slo: what is promised to it; None: what was promised to this one.
            durable: whether it outlives a crash; None: as this one.
        """
        ...

    async def snapshot(self) -> bytes:
        """Everything, as one safetensors file; no reply is under way."""
        ...

    async def missed(self, after: int) -> list[Said]:
        """What a durable session had said, behind the output of this number, when its worker died; [] otherwise.

        It is part of the state, and nobody may have got it. No reply is under way after a crash: ask for the rest.
        """
        ...

    async def figures(self) -> Mapping[str, Any]:
        """tokens_read, tokens_said, waiting, resident ("device", "host", "disk", "recompute", "none"), state_bytes,
        max_bytes, hits, steps, drops, parked, rung, meanwhile, program, created (ns)."""
        ...

    async def close(self) -> None:
        """Let go of it; closing twice is fine."""
        ...


class Pool(Protocol):
    """Workers that run sessions of one model."""

    @property
    def model(self) -> Mapping[str, Any]:
        """name, fingerprint, vocabulary, roles (of the chat template; () if none), dtype, device, parameters, tokenizer
        (whether there is one), block, default_budget, kinds (of input)."""
        ...

    async def open(self, opening: Opening) -> Live:
        """A new session.

        Raises:
            CapacityError: it was not admitted; says why and what would be.
        """
        ...

    async def take_up(self, snapshot: bytes, opening: Opening) -> Live:
        """A session from a snapshot of any worker of the same model."""
        ...

    def get(self, name: str) -> Live:
        """The session of this name, if it is durable also one of an earlier run; InputError if there is none."""
        ...

    def sessions(self) -> list[str]:
        """Names of all sessions, those of an earlier run that were taken up included."""
        ...

    async def figures(self) -> Mapping[str, Any]:
        """Counters, gauges and histograms of all workers together; see `headrace.engine.meter`."""
        ...

    async def drain(self, seconds: float) -> int:
        """Admit nothing more and wait for replies under way; returns how many were cut off after `seconds`."""
        ...

    async def close(self) -> None:
        """Stop the workers."""
        ...
