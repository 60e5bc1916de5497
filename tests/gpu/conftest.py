"""What tests on a GPU share: they are skipped where there is none, and run one after the other on the first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def cuda() -> Iterator[torch.device]:
    """The first CUDA device; a synchronisation that was forbidden is allowed again afterwards."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    yield torch.device("cuda", 0)
    torch.cuda.set_sync_debug_mode("default")
