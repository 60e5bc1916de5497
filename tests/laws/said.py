"""What stands between a model and its words, as subjects of the laws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headrace.models.hf.detokenise import Detokeniser
from headrace.models.hf.sampling import Sampler, Sampling
from headrace.models.hf.stop import Stops
from headrace.models.hf.turns import Turns
from tests.laws.fed import NO_REFERENCE, ONE_AT_A_TIME, Fed
from tests.laws.kinds import NO_POSITIONS, Kind

WORDS = "the sluice opens at nine — Grüße, 你好 😀; "


class Bytes:
    """A tokenizer whose ids are bytes."""

    added_tokens_decoder: Mapping[int, Any] = {256: SimpleNamespace(special=True)}
    chat_template = "role: content"

    def get_vocab(self) -> dict[str, int]:
        return {chr(number): number for number in range(256)}

    def decode(self, ids: Sequence[int], **_: Any) -> str:
        return bytes(ids).decode("utf-8", "replace")

    def apply_chat_template(self, messages: Sequence[Any], add_generation_prompt: bool = False, **_: Any) -> str:
        written = "".join(f"{one['role']}: {one['content']}\n" for one in messages)
        return written + "assistant: " * add_generation_prompt


@dataclass(frozen=True)
class Stopping:
    """Characters in, those that may be shown out; again and again, what is held may become a stop string."""

    name: str = "stops"
    capacity: int = 16
    exempt: Mapping[int, str] = field(default_factory=lambda: {5: NO_POSITIONS})

    def open(self, start: int = 0, seed: int = 0) -> Stops:
        return Stops(("ab#!", "##!"))

    def inputs(self, n: int, seed: int) -> Sequence[Any]:
        return "".join(np.random.default_rng([seed, 6]).choice([*"ab#c"], n))

    def step(self, rows: Sequence[tuple[Any, Sequence[Any]]]) -> list[list[Any]]:
        return [list(part.push("".join(inputs))[0]) for part, inputs in rows]

    def plain(self, inputs: Sequence[Any]) -> Sequence[Any]:
        text = str(inputs)
        held = next((n for n in (3, 2, 1) if text.endswith(("ab#"[:n], "##"[:n]))), 0)
        return list(text[: len(text) - held])


def shown(part: Detokeniser, i: int) -> str:
    data = WORDS.encode()
    return part.push(data[i % len(data)] if i % 11 else 256) + part.push(0xFF if i % 17 == 3 else data[-1])


def lower(ids: Tensor, scores: Tensor) -> Tensor:
    """Recent tokens are less likely; the work does not depend on which they are."""
    return scores.scatter(1, ids, scores.gather(1, ids) - 1) if ids.numel() else scores


def picked(part: Sampler, logits: Tensor) -> Any:
    token = part.pick(logits)
    part.note(token)
    return token, part.choices(logits)[1]


def spoken(part: Turns, i: int) -> str:
    role = ("user", "assistant")[i % 2]
    return part.open(role) + part.content(f"turn {i}") + part.close()


SAID = [
    Stopping(),
    Fed("detokeniser", lambda: Detokeniser(Bytes()), shown, capacity=32),
    Kind(
        "sampler",
        lambda _: Sampler(Sampling(temperature=0.8, window=5, processors=(lower,))),
        lambda generator: torch.from_numpy(generator.normal(size=20)),
        picked,
        lambda inputs: (),
        exempt={5: NO_POSITIONS, 6: NO_REFERENCE},
    ),
    Fed(
        "turns",
        lambda: Turns(Bytes(), roles=("user", "assistant")),
        spoken,
        apart=8,
        exempt={1: ONE_AT_A_TIME, 5: NO_POSITIONS, 6: NO_REFERENCE},
    ),
]
