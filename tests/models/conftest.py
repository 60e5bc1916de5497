"""What the tests of models share: one thread, and the model that ships."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small products are slower on many threads, and their order of summation would differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny() -> Any:
    """`zoo:tiny-llama` with its tokenizer, float32."""
    pytest.importorskip("transformers")
    from headrace.models.hf.load import load

    return load("zoo:tiny-llama", device="cpu")
