"""Fixed: one tensor whose shape never changes."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from headrace.core.errors import InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.state.provisional import Provisional
from headrace.state.tensors import dtype_name, from_array, to_array


class Fixed(Provisional):
    """A recurrent state: zeros at first, then what was set last; Stateful, with a transaction.

    It owns two tensors. A transaction writes to the one that is not read, so nothing is copied at `begin` and
    nothing is allocated after the start.

    Args:
        shape: of the tensor.
        dtype: of the tensor.
        device: where it lies.
    """

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device | str = "cpu") -> None:
        self._value = torch.zeros(shape, dtype=dtype, device=device)
        self._spare = torch.zeros_like(self._value)
        self._written = False

    @property
    def value(self) -> Tensor:
        """What was set last: the tensor itself, not to be written to; `clone()` what must outlive the next `set`."""
        return self._spare if self._written else self._value

    def set(self, tensor: Tensor) -> None:
        """Copy a tensor in.

        Raises:
            InputError: its shape or type is another; the state stays as it was.
        """
        mine = self._value
        if tensor.shape != mine.shape or tensor.dtype != mine.dtype:
            found, wanted = (f"{dtype_name(one.dtype)} {list(one.shape)}" for one in (tensor, mine))
            raise InputError(f"Fixed: a tensor {found} cannot be set, this state is {wanted}")
        (self._spare if self._begun else self._value).copy_(tensor.detach())
        self._written = self._begun

    def _mark(self) -> None:
        self._written = False

    def _undo(self) -> None:
        self._written = False

    def _settle(self) -> None:
        if self._written:
            self._value, self._spare = self._spare, self._value
        self._written = False

    # -- Stateful -----------------------------------------------------------------------------

    def reset(self) -> None:
        self._value.zero_()
        self._begun = self._written = False

    def snapshot(self) -> Snapshot:
        self._outside("snapshot")
        array, name = to_array(self._value)
        return Snapshot("fixed", {"dtype": name}, {"value": array})

    def restore(self, snapshot: Snapshot) -> None:
        held = snapshot.expect("fixed")
        tensor = from_array(held.arrays["value"], held.meta["dtype"], self._value.device)
        try:
            Fixed.set(self._fresh(), tensor)
        except InputError as error:
            raise StateError(f"the snapshot does not fit: {error}") from None
        self._value.copy_(tensor)
        self._begun = self._written = False

    def fork(self) -> Self:
        self._outside("fork")
        other = self._fresh()
        other._value.copy_(self._value)
        return other

    def _fresh(self) -> Self:
        return type(self)(tuple(self._value.shape), self._value.dtype, self._value.device)

    def nbytes(self) -> int:
        return int(2 * self._value.nbytes)

    def max_bytes(self) -> int:
        return self.nbytes()
