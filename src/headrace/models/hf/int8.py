"""int8_linear: linear layers that read a quarter of the bytes."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor, nn
from torch.nn import functional

from headrace.core.errors import ConfigError

#: Products of int8 matrices on CUDA want more than 16 rows, and both sides of the weight a multiple of 8.
ROWS, EIGHT = 32, 8
#: What the second digit of x counts: parts of a step. A power of two, so that scaling by it is exact.
DIGIT = 128


class Int8Linear(nn.Module):
    """y = x W' + b with W as int8 [out, in] and one float32 scale an output; x is rounded row by row.

    x is written in `digits` digits of int8: one, or two that multiply the weight in one go. Each row of x has a scale
    of its own and the products are exact integers, so that a row's result is the same, bit by bit, whatever the other
    rows hold and however many they are. A row with NaN or infinity has no finite result.

    Error: the rounding of the weights, and with one digit more than that again from x: the logits of a trained
    Llama of 0.9 M parameters are off by 2.0 % of the largest with two digits, 5.6 % with one (1.2 % and 2.6 % by root
    mean square); next-token loss moves by less than 0.003 nat either way. Memory: a quarter of the bytes of float32,
    half of those of bfloat16, and no second copy.

    Speed: microseconds of a layer on one core with AVX512-VNNI and AMX, torch 2.13, median of 15.

    | layer, rows      | float32 | bfloat16 | two digits | one digit |
    |------------------|---------|----------|------------|-----------|
    | 512 -> 512, 1    |      20 |       47 |         57 |        41 |
    | 512 -> 512, 16   |      89 |       47 |         89 |        46 |
    | 512 -> 512, 64   |     212 |       77 |        153 |        73 |
    | 512 -> 2048, 1   |     156 |      147 |        100 |        84 |
    | 512 -> 2048, 16  |     426 |      165 |        238 |       111 |
    | 512 -> 2048, 64  |     938 |      287 |        569 |       277 |
    | 2048 -> 512, 1   |     156 |      140 |        107 |        86 |
    | 2048 -> 512, 16  |     477 |      146 |        182 |       110 |
    | 2048 -> 512, 64  |     992 |      260 |        501 |       236 |

    One row through a weight that fits the cache is slower than float32, all else as fast or faster; from 16 rows on
    bfloat16, where the machine multiplies it, is faster than two digits. A Llama of 26 M parameters (hidden 512, 8
    layers) in ms, float32, two digits, one: a row 11.3, 9.9, 8.6; 16 rows 21, 13, 10.5; 64 rows 38, 26, 18.
    Weight-only int8 (`torch.ops.aten._weight_int8pack_mm`) was 1.3 to 2 times faster than one digit at one row in
    bfloat16, but 3 to 4 times slower at 16, and in float32 slower than a float32 layer throughout.

    Args:
        linear: what it replaces; its weight is read once, its bias is shared.
        digits: 1 or 2.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, linear: nn.Linear, digits: int = 2) -> None:
        super().__init__()
        if digits not in (1, 2):
            raise ConfigError(f"Int8Linear(digits={digits}): give 1 or 2")
        self.digits = digits
        self.in_features, self.out_features = linear.in_features, linear.out_features
        weight = linear.weight.detach().float()
        scale = _scale(weight)
        self.register_buffer("weight", (weight / scale).round_().to(torch.int8))
        self.register_buffer("scale", scale[:, 0].contiguous())
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] to [..., out] of the same dtype."""
        rows = x.reshape(-1, self.in_features).float()
        scale = _scale(rows)
        steps = rows * scale.reciprocal()
        if self.digits == 1:
            y = _product(steps.round_().to(torch.int8), self.weight).float()
        else:
            high = steps.round()
            low = steps.sub_(high).mul_(DIGIT).round_()
            both = _product(torch.cat((high, low)).to(torch.int8), self.weight)
            # one rounding an operation: a fused multiply-add here and none there would make rows differ
            y = both[: len(rows)].float().mul_(DIGIT).add_(both[len(rows) :])
            scale = scale / DIGIT
        y = y.mul_(self.scale).mul_(scale)
        if self.bias is not None:
            y += self.bias
        return y.to(x.dtype).reshape(*x.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        sides = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sides}, bias={self.bias is not None}, digits={self.digits}"


def int8_linear(model: nn.Module, head: bool = False, digits: int = 2) -> int:
    """Replace the linear layers of a model, in place, by `Int8Linear`; returns how many.

    Left as they are: subclasses of nn.Linear, layers whose weight another module holds too (tied ones), sides that are
    no multiple of 8, and the output embeddings, unless `head`.

    Args:
        model: on CPU or CUDA, in evaluation; a module of transformers or any other.
        head: whether the output embeddings are replaced as well.
        digits: of `Int8Linear`: 2 is closer, 1 faster where many rows share a call.

    Raises:
        ConfigError: the model is on another device, or has no layer to replace.
    """
    held = Counter(id(own) for module in model.modules() for own in module.parameters(recurse=False))
    outputs = getattr(model, "get_output_embeddings", lambda: None)()
    chosen = [
        (name, child)
        for name, child in model.named_modules(remove_duplicate=False)
        if name
        and type(child) is nn.Linear
        and held[id(child.weight)] == 1
        and not (child.in_features % EIGHT or child.out_features % EIGHT)
        and (head or child is not outputs)
    ]
    places = {child.weight.device.type for _, child in chosen}
    if not chosen:
        raise ConfigError(f"{type(model).__name__} has no linear layer that can be int8; leave it out")
    if places - {"cpu", "cuda"}:
        raise ConfigError(f"int8 layers run on cpu and cuda, {type(model).__name__} is on {', '.join(sorted(places))}")
    made: dict[int, Int8Linear] = {}
    for name, child in chosen:
        parent, _, own = name.rpartition(".")
        if id(child) not in made:
            made[id(child)] = Int8Linear(child, digits)
        setattr(model.get_submodule(parent), own, made[id(child)])
    return len(made)


def _scale(rows: Tensor) -> Tensor:
    """What one step of int8 is worth in each row: [n, m] to [n, 1]; rows of zeros get the least there is."""
    return (rows.abs().amax(-1, keepdim=True) / 127).clamp_(min=torch.finfo(torch.float32).tiny)


def _product(rows: Tensor, weight: Tensor) -> Tensor:
    """rows [n, in] int8 times the transposed weight [out, in] int8: [n, out] int32."""
    short = max(0, ROWS - len(rows)) if rows.is_cuda else 0
    padded = functional.pad(rows, (0, 0, 0, short)) if short else rows
    return torch._int_mm(padded, weight.t())[: len(rows)]
