"""What all peers are asked for: sessions, prompts, and the places at which their next tokens are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.state.configs import CACHE, prompt

SESSIONS = 16
PROMPT = 32
#: Bytes of a pool's or a server's room for a session do not matter here; its entries must.
ENTRIES = 256
#: Prompts, and the lengths of their beginnings, after which the distribution of the next token is compared.
COMPARED, LENGTHS = 16, (8, 16, 24, 32)
#: What float32 of transformers gives there; float32 [places, vocabulary], logarithms.
REFERENCE = CACHE / "reference.npy"


def prompts() -> list[list[int]]:
    """One for each session."""
    return [prompt(PROMPT, number) for number in range(SESSIONS)]


def places() -> Iterator[list[int]]:
    """Beginnings of prompts."""
    for number in range(COMPARED):
        whole = prompt(max(LENGTHS), number)
        for length in LENGTHS:
            yield whole[:length]


def divergence(logs: Sequence[Sequence[float]], reference: Path = REFERENCE) -> dict[str, float]:
    """How far distributions are from the reference's.

    Args:
        logs: [places, vocabulary], logarithms of probabilities.

    Returns:
        `kl`: mean of KL(reference || these), nats; `top`: share of places with the same most probable token.
    """
    import numpy as np

    wanted, found = np.load(reference).astype(np.float64), np.asarray(logs, np.float64)
    kl = (np.exp(wanted) * (wanted - found)).sum(-1).mean()
    return {"kl": float(kl), "top": float((wanted.argmax(-1) == found.argmax(-1)).mean())}
