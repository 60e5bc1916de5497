"""Detokeniser: token ids, one by one, to pieces of text."""

from __future__ import annotations

from operator import index
from typing import Any, Self

import numpy as np

from headrace.core.errors import StateError
from headrace.core.stateful import Snapshot

#: What decoders write for bytes that are no whole character.
HALF = "\ufffd"
#: Ids after which an unfinished character is taken for garbage: no character has more bytes, no id fewer than one.
PATIENCE = 4
#: Ids of context that are kept behind, the length at which older ones go, where they must, and the most there are.
BEHIND, LONG, FULL = 8, 16, 64
MOST = FULL + PATIENCE


class Detokeniser:
    """Pieces that together are the tokenizer's `decode` of all ids, without special tokens; Stateful.

    Every id is decoded behind a short tail of ids that were shown, so that spaces between words come out as in the
    whole (sentencepiece-like decoders drop the first one). Ids are let go of only where the decode of the rest is
    still the end of the text shown. A piece never ends in half of a UTF-8 character: it is held until the rest comes,
    or four ids have not completed it, or `flush`.

    The pieces equal `decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)`, with one exception:
    byte-fallback decoders write a whole run of byte tokens as garbage if any part of it is invalid. Characters of such
    a run that were shown before the invalid part came stay shown.

    Args:
        tokenizer: of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder
        self._special = frozenset(number for number, token in added.items() if token.special)
        self._widest: int | None = None  # characters of a token, once they were asked for: vocabularies are large
        self.reset()

    def reset(self) -> None:
        self._tail: list[int] = []
        self._shown: str = ""  # of the decoded tail
        self._open: int = 0  # ids at its end that are not all shown

    def push(self, token: int) -> str:
        """Take the next id; the text that it completes, often one word, "" if none."""
        if index(token) in self._special:
            return ""
        self._tail.append(index(token))
        text = self._decode(self._tail)
        whole = text.rstrip(HALF)
        agrees = text.startswith(self._shown)
        self._open = 0 if agrees and whole == text else self._open + 1
        if self._open >= PATIENCE:
            return self._give_up(text, agrees)
        if not agrees or len(whole) < len(self._shown):
            return ""
        piece, self._shown = whole[len(self._shown) :], whole
        self._forget()
        return piece

    def flush(self) -> str:
        """The held bytes, as the decoder writes halves of characters; the context stays, `reset` drops it."""
        if not self._open:
            return ""
        text = self._decode(self._tail)
        if not text.startswith(self._shown):
            return self._restart()
        piece, self._shown, self._open = text[len(self._shown) :], text, 0
        self._forget()
        return piece

    def _give_up(self, text: str, agrees: bool) -> str:
        """Show what cannot become a character any more; the last half may still."""
        if not agrees:
            return self._restart()
        piece, self._shown = text[len(self._shown) : -1], max(text[:-1], self._shown, key=len)
        self._open = 1
        self._forget()
        return piece

    def _restart(self) -> str:
        """Show the open ids as a text of their own: the decoder takes back what was shown before them."""
        self._tail = self._tail[-self._open :]
        self._shown, self._open = self._decode(self._tail), 0
        return self._shown

    def _forget(self) -> None:
        """Drop the oldest ids of a long tail, where the rest decodes to the end of what was shown."""
        if len(self._tail) < LONG:
            return
        held = self._decode(self._tail)[len(self._shown) :]
        for n in range(min(BEHIND + self._open, len(self._tail) - 1), self._open, -1):
            text = self._decode(self._tail[-n:])
            shown = text.removesuffix(held) if held else text
            if shown and self._shown.endswith(shown) and text == shown + held:
                self._tail, self._shown = self._tail[-n:], shown
                return
        if len(self._tail) >= FULL:
            self._tail = self._tail[-BEHIND:]
            self._shown = self._decode(self._tail).removesuffix(held)

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        meta = {"shown": self._shown, "open": self._open}
        return Snapshot("detokeniser", meta, {"tail": np.array(self._tail, np.int64)})

    def restore(self, snapshot: Snapshot) -> None:
        tail = snapshot.expect("detokeniser").arrays["tail"].tolist()
        shown, waiting = snapshot.meta["shown"], snapshot.meta["open"]
        if len(tail) > MOST or not 0 <= waiting <= len(tail):
            raise StateError(f"a damaged snapshot of a detokeniser: {len(tail)} ids, {waiting} of them open")
        self._tail, self._shown, self._open = tail, shown, waiting

    def fork(self) -> Self:
        other = object.__new__(type(self))
        other._tokenizer, other._special, other._widest = self._tokenizer, self._special, self._widest
        other._tail, other._shown, other._open = list(self._tail), self._shown, self._open
        return other

    def nbytes(self) -> int:
        return 8 * len(self._tail) + 4 * len(self._shown) + 8

    def max_bytes(self) -> int:
        if self._widest is None:
            self._widest = max(map(len, self._tokenizer.get_vocab()), default=1)
        return 8 * MOST + 4 * MOST * (self._widest + 1) + 8
