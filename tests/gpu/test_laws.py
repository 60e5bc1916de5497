"""The eight laws over every policy, with weights and entries on a GPU."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from headrace.state import Layout
from headrace.state.laws import LAWS
from headrace.state.probe import Attend, Probe
from headrace.state.tick import Tick
from tests.laws.policies import POLICIES, subject

pytestmark = pytest.mark.gpu


class Moved(Probe):
    """A `Probe` on a device; what stands for its attention computes on the CPU."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.embedding = self.embedding.to(device)
        self.layers = [{name: matrix.to(device) for name, matrix in layer.items()} for layer in self.layers]
        self.layout = Layout(self.layout.sites, self.layout.dtype, device)

    def __call__(self, ids: Tensor, attend: Attend | Tick) -> Tensor:
        if isinstance(attend, Tick):
            return super().__call__(ids, attend)
        device = self.embedding.device
        return super().__call__(ids, lambda site, *given: attend(site, *(x.cpu() for x in given)).to(device))


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_keeps_the_laws(name: str, cuda: torch.device) -> None:
    told: Any = subject(name, Moved(cuda))
    assert {one.device for one in told.open().tensors()} <= {cuda}
    for law, hold in LAWS.items():
        if law not in told.exempt:
            hold(told, 0)
