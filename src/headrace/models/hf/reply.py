"""Reply: what a session says, token by token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.core.errors import ConfigError, StateError
from headrace.core.stateful import Snapshot
from headrace.models.hf.detokenise import Detokeniser
from headrace.models.hf.stop import Stops
from headrace.state import drive

if TYPE_CHECKING:
    from headrace.models.hf.lm import LM
    from headrace.state import Session


#: Tokens that a reply may have: its text and ids are kept, by the reply and in snapshots.
LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a reply.

    Attributes:
        id: None for the text that was held back until the reply ended.
        text: that may be shown now; empty while half a character or a possible stop string is held back.
    """

    id: int | None
    text: str


class Reply:
    """An iterator of `Token`; each `next` runs one step of its session.

    What was said is in the session's state, also if the reply is interrupted or not read to its end. Input that is
    pushed meanwhile is read before the next token.

    Args:
        session: whose reply it is.
        max_tokens: after which it ends.
        stop: strings at which it ends; they are not part of the text.
        ends: token ids at which it ends; None: those that the model brings.
        min_tokens: so many tokens are said although an id of `ends` is among them.

    Attributes:
        text: what was said so far.
        tokens: its ids.
        ended: "" while it goes on, then "stop", "end" (of text), "length" or "interrupted".
    """

    def __init__(
        self,
        session: Session,
        *,
        max_tokens: int = 256,
        stop: str | Iterable[str] = (),
        ends: Iterable[int] | None = None,
        min_tokens: int = 0,
    ) -> None:
        if not isinstance(max_tokens, int) or not 1 <= max_tokens <= LONGEST:
            raise ConfigError(f"max_tokens={max_tokens!r}; say a whole number from 1 to {LONGEST}")
        lm: LM = session.host  # type: ignore[assignment]
        if not isinstance(min_tokens, int) or not 0 <= min_tokens <= max_tokens:
            raise ConfigError(f"min_tokens={min_tokens!r}; say a whole number from 0 to max_tokens")
        self.session, self.max_tokens, self.min_tokens = session, max_tokens, min_tokens
        self.ends = lm.ends if ends is None else frozenset(ends)
        self._stops = Stops(stop)
        if self._stops.strings and lm.tokenizer is None:
            raise ConfigError("stop strings need a tokenizer; end on token ids with ends=…")
        self._detokeniser = Detokeniser(lm.tokenizer) if lm.tokenizer is not None else None
        self._epoch = session.epoch
        self.text, self.ended = "", ""
        self.tokens: list[int] = []

    def __iter__(self) -> Reply:
        return self

    def __next__(self) -> Token:
        if self.want():
            drive(self.session.host, [self.session])
            return self.take()
        return self._last()

    def want(self) -> bool:
        """Ask the session for one token more, which `take` returns once it was run; False when the reply is over.

        Raises:
            StateError: nothing was read yet, or the session is closed.
        """
        session = self.session
        if self.ended:
            return False
        session.check_open()
        if session.reply is not self or session.epoch != self._epoch:
            self.ended = "interrupted"
        elif not session.container.count and not session.inbox and session.opening is None:
            raise StateError("nothing was read yet, so nothing can be said; push something first")
        else:
            session.wanted = 1
            return True
        return False

    def take(self) -> Token:
        """The token that was run."""
        token = self.session.outbox[-1].token
        self.tokens.append(token)
        if token in self.ends and len(self.tokens) > self.min_tokens:
            self.ended = "end"
            return Token(token, self.flush())
        shown, stopped = self._stops.push(self._detokeniser.push(token) if self._detokeniser else "")
        self.text += shown
        if stopped:
            self.ended = "stop"
        elif len(self.tokens) == self.max_tokens:
            self.ended = "length"
            shown += self.flush()
        return Token(token, shown)

    def flush(self) -> str:
        """The text that is still held back; it is, once the reply is over, its last."""
        shown, stopped = self._stops.push(self._detokeniser.flush() if self._detokeniser else "")
        shown += "" if stopped else self._stops.flush()
        self.text += shown
        return shown

    def _last(self) -> Token:
        """Whatever text was held back; StopIteration if there is none, or it was shown."""
        shown = self.flush() if self.ended == "interrupted" else ""
        if not shown:
            raise StopIteration
        return Token(None, shown)

    def forget(self, keep: int) -> None:
        """Count all but the first `keep` tokens as not said; only once the reply is over."""
        self.tokens = self.tokens[:keep]

    # ── saved with its session ───────────────────────────────────────────────────────────────────────────────────

    def options(self) -> dict[str, Any]:
        """What it was made with, as JSON."""
        return {
            "max_tokens": self.max_tokens,
            "stop": list(self._stops.strings),
            "ends": sorted(self.ends),
            "min_tokens": self.min_tokens,
        }

    def snapshot(self) -> Snapshot:
        own = {"text": self.text, "ended": self.ended, "tokens": list(self.tokens), "epoch": self._epoch}
        parts = {"stops": self._stops.snapshot()}
        if self._detokeniser is not None:
            parts["detokeniser"] = self._detokeniser.snapshot()
        return Snapshot.join("reply", parts, own)

    def restore(self, snapshot: Snapshot) -> None:
        own = snapshot.expect("reply").meta["own"]
        self._stops.restore(snapshot.part("stops"))
        if self._detokeniser is not None:
            self._detokeniser.restore(snapshot.part("detokeniser"))
        tokens, told, epoch = own["tokens"], (own["text"], own["ended"]), own["epoch"]
        if not all(isinstance(value, str) for value in told) or not all(isinstance(n, int) for n in (*tokens, epoch)):
            raise StateError("the reply of this snapshot is damaged")
        self.text, self.ended, self.tokens, self._epoch = *told, list(tokens), epoch
