"""Fingerprint: which model a session was saved with."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

import torch

#: Bytes of a tensor's ends that are looked at.
ENDS = 4096


def fingerprint(model: Any) -> str:
    """Of the config and of each tensor's name, shape, type and ends: quick, and another model has another."""
    digest = blake2b(digest_size=16)
    given = model.config.to_dict().items()
    config = {key: value for key, value in given if not key.startswith("_") and key != "transformers_version"}
    digest.update(json.dumps(config, sort_keys=True, default=str).encode())
    for name, tensor in model.state_dict().items():
        flat = tensor.detach().reshape(-1)
        n = max(1, ENDS // tensor.itemsize)
        ends = torch.cat([flat[:n], flat[-n:]]).cpu().contiguous().view(torch.uint8)
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode() + ends.numpy().tobytes())
    return digest.hexdigest()
