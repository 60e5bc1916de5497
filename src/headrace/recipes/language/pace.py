"""Pace: CPU time of a new token under a bounded policy, beside window recompute by the model itself."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from headrace.state import Policy

#: The model: a Llama of 27 M parameters; in a smaller one, time is that of Python.
SHAPE: dict[str, Any] = {
    "vocab_size": 3712,
    "hidden_size": 512,
    "intermediate_size": 1376,
    "num_hidden_layers": 8,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "max_position_embeddings": 8192,
}
#: New tokens that are timed at least, and how many of them there are for each recompute.
STEPS, EACH = 128, 8


@dataclass(frozen=True)
class Pace:
    """CPU milliseconds of a new token, one thread.

    Attributes:
        steps: float64 [n], of each `LM.step` that says one token; those in which a block leaves are among them.
        reads: float64 [m], of each forward of the untouched model over the last tokens, as many as the window has.
    """

    steps: np.ndarray
    reads: np.ndarray

    @property
    def faster(self) -> float:
        """Times that a step is faster, by means."""
        return float(self.reads.mean() / self.steps.mean())

    @classmethod
    def of(cls, policy: Policy, window: int, seed: int = 0) -> Pace:
        """Measure in turn, in float32, on the same random weights, which cost as much as trained ones.

        Window recompute is the plain model of transformers: attention "sdpa", no cache, logits at the last place only.

        Args:
            policy: keeps about `window` tokens; its session has read twice as many.
            window: tokens that are read again for each new one.
            seed: of the weights and of the tokens that are read first.
        """
        import torch

        from headrace.models.hf.lm import LM

        with _one_thread():
            plain = _model(seed)
            lm = LM(copy.deepcopy(plain))
            ids = np.random.default_rng([seed, 29]).integers(SHAPE["vocab_size"], size=2 * window).tolist()
            steps: list[float] = []
            reads: list[float] = []
            with lm.session(policy) as session:
                session.push(ids)
                for number in range(-(-STEPS // policy.block) * policy.block):
                    began = time.process_time()
                    (outcome,) = lm.step([(session, None)])
                    steps.append(1000 * (time.process_time() - began))
                    assert outcome.token is not None
                    ids.append(outcome.token)
                    if number % EACH == 0:
                        last = torch.tensor([ids[-window:]])
                        began = time.process_time()
                        with torch.inference_mode():
                            plain(last, use_cache=False, logits_to_keep=1)
                        reads.append(1000 * (time.process_time() - began))
        return cls(np.array(steps), np.array(reads))


def _model(seed: int) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    wide = {"tie_word_embeddings": False, "initializer_range": 0.05, "bos_token_id": None, "eos_token_id": None}
    config = LlamaConfig(**SHAPE | wide | {"attn_implementation": "sdpa"})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config).float().eval()


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
