"""Refuse: models that cannot run as a stream, found before they give wrong answers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from torch import nn

from headrace.core.errors import Unstreamable
from headrace.models.hf.attach import Seen

#: Layer types that are attention over keys and values, in the words of transformers configs.
ATTENTION = {"full_attention", "sliding_attention"}
#: Options of an attention function that change what is seen or how much, and that headrace does not carry out.
FOREIGN = ("position_bias", "indices", "block_mask", "head_mask")


def refuse_positions(decoder: nn.Module) -> None:
    """Refuse learned or tabulated absolute positions: they end with their table, and cannot be given again."""
    for name, module in decoder.named_modules():
        words = name.rsplit(".", 1)[-1].lower()
        if words in ("wpe", "embed_positions", "position_embedding", "position_embeddings", "pos_embed"):
            why = f"{type(module).__name__} adds absolute positions to the input; they end where their table ends"
            raise Unstreamable(f"module {name}", why, ("a model with rotary positions",))


def refuse_layers(config: Any) -> None:
    """Refuse layers whose state is not keys and values, and masks that attention functions are not told of."""
    for number, kind in enumerate(getattr(config, "layer_types", None) or ()):
        if kind not in ATTENTION:
            why = f"it is of type {kind!r}; headrace knows {', '.join(sorted(ATTENTION))}"
            raise Unstreamable(f"layer {number}", why, ("a model whose layers are attention",))


def refuse_calls(config: Any, calls: list[Seen]) -> None:
    """Refuse models whose attention does not come through the attention function, or wants more than it gets."""
    layers, modules = config.num_hidden_layers, {id(call.module) for call in calls}
    if len(modules) < layers:
        why = f"only {len(modules)} of {layers} layers call transformers' attention interface"
        raise Unstreamable(
            type(config).__name__, why, ("a model whose transformers class supports attention backends",)
        )
    if len(modules) < len(calls):
        kind = next(type(a.module).__name__ for a, b in pairwise(calls) if a.module is b.module)
        raise Unstreamable(
            f"module {kind}", "it attends more than once in one pass", ("a model of one attention a layer",)
        )
    types = getattr(config, "layer_types", None)
    for call in calls:
        for name in FOREIGN:
            if call.options.get(name) is not None:
                raise Unstreamable(f"module {type(call.module).__name__}", f"its attention wants {name}")
        number = getattr(call.module, "layer_idx", None)
        slides = types and number is not None and number < len(types) and types[number] == "sliding_attention"
        if slides and call.options.get("sliding_window") is None:
            raise Unstreamable(f"layer {number}", "it slides over a window, but does not tell its attention which")
