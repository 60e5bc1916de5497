"""Attach: headrace's attention in place of a transformers model's own, without a change to its code."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from transformers import AttentionInterface

from headrace.core.errors import StateError
from headrace.state import Tick

#: The name under which transformers knows the attention function; no mask function is registered, so none is made.
NAME = "headrace"


@dataclass(slots=True)
class Pass:
    """What the attention function finds in one forward pass.

    Attributes:
        tick: the rows.
        sites: number in the layout, by the id of the module.
        crossing: ids of modules that attend to the encoder's states.
        frames: how many encoder states each row has, in order, where the model has an encoder.
    """

    tick: Tick
    sites: dict[int, int]
    crossing: frozenset[int] = frozenset()
    frames: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Seen:
    """One call of the attention function, as `Survey` saw it."""

    module: nn.Module
    queries: tuple[int, ...]
    keys: tuple[int, ...]
    values: tuple[int, ...]
    options: dict[str, Any]


@dataclass(slots=True)
class Survey:
    """A forward pass that only records which modules attend, and to what shapes."""

    calls: list[Seen] = field(default_factory=list)


#: The pass that is under way, for modules to which their layer does not hand on keywords (cross-attention).
UNDER_WAY: ContextVar[Pass | Survey | None] = ContextVar("headrace_pass", default=None)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,  # noqa: ARG001 - transformers passes it by position; none is made for us
    scaling: float | None = None,
    stream: Pass | Survey | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """The attention function that transformers calls: query [1, heads, n, dim], key and value [1, kv_heads, n, dim].

    Queries and keys come as if all stood at position 0, hence not turned.
    """
    stream = UNDER_WAY.get() if stream is None else stream
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    if isinstance(stream, Pass):
        if id(module) in stream.crossing:
            return _cross(query, key, value, scaling, stream), None
        read = stream.tick.attend(
            stream.sites[id(module)],
            query[0],
            key[0],
            value[0],
            scaling=scaling,
            window=options.get("sliding_window"),
            softcap=options.get("softcap") or 0.0,
            sinks=options.get("s_aux"),
        )
        return read[None].contiguous(), None
    if isinstance(stream, Survey):
        stream.calls.append(Seen(module, tuple(query.shape), tuple(key.shape), tuple(value.shape), options))
        group = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
        return F.scaled_dot_product_attention(query, key, value, scale=scaling).transpose(1, 2).contiguous(), None
    raise StateError("the model belongs to headrace now: call it through the LM, or load another for other uses")


def _cross(query: Tensor, key: Tensor, value: Tensor, scaling: float, stream: Pass) -> Tensor:
    """Each row's queries over its own encoder states."""
    group = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    read, start = [], 0
    for (a, b), n in zip(stream.tick.spans, stream.frames, strict=True):
        k, v = key[:, :, start : start + n], value[:, :, start : start + n]
        read.append(F.scaled_dot_product_attention(query[:, :, a:b], k, v, scale=scaling))
        start += n
    return torch.cat(read, 2).transpose(1, 2).contiguous()


AttentionInterface.register(NAME, attend)
