"""Tensors as numpy arrays and back: what snapshots are made of."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from headrace.core.errors import StateError
from headrace.core.stateful import Array

#: Types of torch that numpy lacks, and the unsigned integers in which their bits travel.
_BITS: dict[torch.dtype, torch.dtype] = {
    torch.bfloat16: torch.uint16,
    torch.float8_e4m3fn: torch.uint8,
    torch.float8_e5m2: torch.uint8,
}
_NATIVE = (
    *(torch.float16, torch.float32, torch.float64, torch.complex64, torch.complex128, torch.bool),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64),
)
_NAMES: dict[str, torch.dtype] = {str(dtype).removeprefix("torch."): dtype for dtype in (*_NATIVE, *_BITS)}


def dtype_name(dtype: torch.dtype) -> str:
    """Such as "bfloat16"; `named_dtype` reads it."""
    return str(dtype).removeprefix("torch.")


def named_dtype(name: str) -> torch.dtype:
    """The torch type of a name; StateError if no snapshot holds that type."""
    if name not in _NAMES:
        raise StateError(f"tensors of type {name!r} are not kept in snapshots; known are {', '.join(_NAMES)}")
    return _NAMES[name]


def to_array(tensor: Tensor) -> tuple[Array, str]:
    """A copy of a tensor in host memory, bit for bit, and the name of its type.

    What numpy has no type for (bfloat16, float8) comes as unsigned integers of its width.

    Raises:
        StateError: the type is not kept in snapshots.
    """
    name = dtype_name(tensor.dtype)
    named_dtype(name)
    host = torch.empty(tensor.shape, dtype=tensor.dtype)
    host.copy_(tensor.detach())
    bits = _BITS.get(tensor.dtype)
    array: Array = (host if bits is None else host.view(bits)).numpy()
    return array, name


def from_array(array: Array, name: str, device: torch.device | str = "cpu") -> Tensor:
    """The tensor that `to_array` told of; it shares nothing with the array.

    Raises:
        StateError: the type is unknown, or the array is not one of it.
    """
    dtype = named_dtype(name)
    carrier = dtype_name(_BITS.get(dtype, dtype))
    if array.dtype != np.dtype(carrier):
        raise StateError(f"a tensor of type {name} comes as {carrier}; the snapshot holds {array.dtype}")
    tensor = torch.from_numpy(np.array(array, order="C"))
    return (tensor.view(dtype) if dtype in _BITS else tensor).to(device)
