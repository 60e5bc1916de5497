"""Layout: where a model keeps keys and values, and of what shape."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from headrace.core.errors import ConfigError
from headrace.state.rotary import Rotary


@dataclass(frozen=True)
class Site:
    """One place of a model that attends to what came before.

    Args:
        name: of the module, such as "layers.0.self_attn".
        heads: of queries, a multiple of `kv_heads`.
        kv_heads: of keys and values.
        key_dim: numbers in a key (and in a query).
        value_dim: numbers in a value.
        rotary: None: the site has no positions.
    """

    name: str
    heads: int
    kv_heads: int
    key_dim: int
    value_dim: int
    rotary: Rotary | None = None

    def __post_init__(self) -> None:
        if min(self.heads, self.kv_heads, self.key_dim, self.value_dim) < 1 or self.heads % self.kv_heads:
            raise ConfigError(f"site {self.name}: {self.heads} query heads over {self.kv_heads} key heads")
        if self.rotary is not None and self.rotary.dim != self.key_dim:
            raise ConfigError(f"site {self.name}: a rotary of {self.rotary.dim} for keys of {self.key_dim} numbers")

    @property
    def group(self) -> int:
        """Query heads a key head."""
        return self.heads // self.kv_heads


@dataclass(frozen=True)
class Layout:
    """All sites of a model, in the order of the forward pass, and how their entries are stored."""

    sites: tuple[Site, ...]
    dtype: torch.dtype = torch.float32
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        if not self.sites:
            raise ConfigError("layout: a model without a site keeps nothing")

    @property
    def axes(self) -> int:
        """Axes of a position: the most that any site follows."""
        return max((site.rotary.axis_count for site in self.sites if site.rotary is not None), default=1)

    def entry_bytes(self, site: Site) -> int:
        """Bytes of one token's key and value."""
        return site.kv_heads * (site.key_dim + site.value_dim) * int(self.dtype.itemsize)
