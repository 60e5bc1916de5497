"""Logarithms of probabilities of a reply's tokens, in the forms of chats and of completions."""

from __future__ import annotations

from typing import Any

from headrace.engine.opening import Said


def shown(said: Said) -> bool:
    """Whether a token has a place in the list: the end of text has none, and text that was held back is no token."""
    return said.logprob is not None and said.token is not None and said.ended != "end"


def word(said: Said) -> str:
    """The token's own text, also where what was shown with it is less or more."""
    return next((text for token, text, _ in said.top if token == said.token), said.text)


def of_chat(said: Said, top: int) -> dict[str, Any]:
    """One entry of a chat's `logprobs.content`."""
    one = _alternative(word(said), said.logprob or 0.0)
    return {**one, "top_logprobs": [_alternative(text, logprob) for _, text, logprob in said.top[:top]]}


def of_completion(said: Said, offset: int) -> dict[str, list[Any]]:
    """The lists of a completion's `logprobs`, of one token."""
    own = word(said)
    top = {text: logprob for _, text, logprob in reversed(said.top)} | {own: said.logprob or 0.0}
    return {"tokens": [own], "token_logprobs": [said.logprob], "top_logprobs": [top], "text_offset": [offset]}


def joined(parts: list[dict[str, list[Any]]]) -> dict[str, list[Any]]:
    """The lists of a whole completion."""
    names = ("tokens", "token_logprobs", "top_logprobs", "text_offset")
    return {name: [value for part in parts for value in part[name]] for name in names}


def _alternative(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}
