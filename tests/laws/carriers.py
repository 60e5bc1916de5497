"""Small transformers models that carry the policies under trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from headrace.state.laws import PolicySubject
from headrace.state.laws.policy import Given
from headrace.state.probe import Attend
from headrace.state.tick import Tick
from tests.models.families import FAMILIES, frames, plain

#: The shape of the Llama that every policy is tried on, over that of its family.
LLAMA = {"hidden_size": 32, "intermediate_size": 48, "vocab_size": 61}


@dataclass
class Whole:
    """Stands for the tick of a forward pass whose attention is a function."""

    function: Attend
    n: int

    @property
    def rows(self) -> list[None]:
        return [None]

    @property
    def spans(self) -> list[tuple[int, int]]:
        return [(0, self.n)]

    def attend(self, site: int, q: Tensor, k: Tensor, v: Tensor, *, scaling: float, **seen: Any) -> Tensor:
        assert not any(seen.values()), "the oracle knows neither windows nor sinks"
        return self.function(site, q, k, v, scaling).to(v.dtype)


class Carrier:
    """An attached model as `headrace.state.laws.policy.Model` wants it; an encoder's states are always the same."""

    def __init__(self, model: Any) -> None:
        from headrace.models.hf.attached import Attached

        self.attached = Attached(model)
        self.layout, self.vocabulary = self.attached.layout, self.attached.vocabulary

    def __call__(self, ids: Tensor, attend: Attend | Tick) -> Tensor:
        tick: Any = attend if isinstance(attend, Tick) else Whole(attend, len(ids))
        encoded = [frames()] * len(tick.rows) if self.attached.has_encoder else None
        return self.attached.forward(ids, tick, None, encoded)


@dataclass
class Beside(PolicySubject):
    """A policy beside an untouched model of the same weights, which is what law 6 asks of it."""

    untouched: Any = None

    def plain(self, inputs: Sequence[Given]) -> list[Tensor]:
        ids = torch.tensor([token for one in inputs for token in one.ids])
        encoded = frames() if self.untouched.config.is_encoder_decoder else None
        return list(plain(self.untouched, ids, encoded).split([len(one.ids) for one in inputs]))


@cache
def carrier(name: str) -> Carrier:
    """A family, attached, float64; nobody may change it."""
    return Carrier(FAMILIES[name].build(torch.float64))


@cache
def llama(dtype: torch.dtype = torch.float64) -> Carrier:
    """A small Llama whose norms, like the rest of it, are of its own type: transformers' are of float32."""
    return Carrier(_llama(dtype))


def untouched_llama() -> Any:
    """The same weights in float32 as transformers runs them."""
    return _llama(torch.float32)


def _llama(dtype: torch.dtype) -> Any:
    model = FAMILIES["llama"].build(torch.float32, **LLAMA).to(dtype)
    for module in model.modules() if dtype == torch.float64 else ():
        if type(module).__name__ == "LlamaRMSNorm":
            shape, weight, least = module.weight.shape, module.weight, module.variance_epsilon
            module.forward = partial(F.rms_norm, normalized_shape=shape, weight=weight, eps=least)
    return model
