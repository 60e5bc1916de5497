"""Tick: one forward pass over the inputs of several sessions, packed as one sequence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from headrace.core.errors import ConfigError
from headrace.state.container import Container
from headrace.state.layout import Site
from headrace.state.rotary import Rotary


class Tick:
    """What the sites of a model attend to during one forward pass.

    The linear parts of the model see one sequence of all inputs; here it is taken apart again: each row's keys go to
    its own container, and its queries read from there. So a row neither pays for another's length nor sees it.

    Args:
        rows: containers that each have begun a transaction; all of one layout.

    Raises:
        ConfigError: there is no row, or two of different layouts.
    """

    def __init__(self, rows: Sequence[Container]) -> None:
        if not rows or any(row.layout is not rows[0].layout for row in rows):
            raise ConfigError("tick: it takes one row or more, all of one model")
        self.rows = list(rows)
        self._counts = [row.pending for row in rows]
        self.spans = list(pairwise(accumulate(self._counts, initial=0)))
        self._layout = rows[0].layout
        self._turns: dict[int, Tensor] = {}

    @property
    def n(self) -> int:
        """Inputs of all rows."""
        return self.spans[-1][1]

    def attend(
        self,
        site: int,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        scaling: float,
        window: int | None = None,
        softcap: float = 0.0,
        sinks: Tensor | None = None,
    ) -> Tensor:
        """Attention of a site: writes every row's keys and values, and reads for every row.

        Args:
            site: its index in the layout.
            queries: [heads, n, key_dim], not turned; keys: [kv_heads, n, key_dim]; values: [kv_heads, n, value_dim].
            scaling: of the logits.
            window: positions that the site looks back, itself included.
            softcap: c of c x tanh(logits / c).
            sinks: [heads], logits of an entry without a value.

        Returns:
            [n, heads, value_dim].
        """
        shape, rotary = self._layout.sites[site], self._layout.sites[site].rotary
        turning = [row.turns(site) for row in self.rows]
        queries = queries * scaling
        still = turned = None
        if not all(turning):
            still = self._parts(shape, queries, keys)
        if rotary is not None and any(turning):
            both = rotary.pair(torch.cat([queries, keys])) * self._turn(rotary, keys.dtype)
            turned = self._parts(shape, both[: shape.heads], rotary.flat(both[shape.heads :], values.dtype))
        sinks = None if sinks is None else sinks.view(shape.kv_heads, -1)
        own = (values,) if len(self.rows) == 1 else values.split(self._counts, 1)
        read = []
        for i, row in enumerate(self.rows):
            parts = turned if turning[i] else still
            assert parts is not None
            row.write(site, parts[1][i], own[i])
            read.append(row.read(site, parts[0][i], window=window, softcap=softcap, sinks=sinks))
        whole = read[0] if len(read) == 1 else torch.cat(read, 1)
        if self.n == 1:
            return whole.reshape(1, shape.heads, -1)
        return whole.unflatten(1, (-1, shape.group)).transpose(0, 1).flatten(1, 2)

    def _parts(self, shape: Site, queries: Tensor, keys: Tensor) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """Of each row, queries [kv_heads, n x group, …], those of one input side by side, and keys [kv_heads, n, …]."""
        if self.n == 1:
            return (queries.reshape(shape.kv_heads, shape.group, -1),), (keys,)
        queries = queries.unflatten(0, (shape.kv_heads, -1)).transpose(1, 2).flatten(1, 2)
        if len(self.rows) == 1:
            return (queries,), (keys,)
        return queries.split([n * shape.group for n in self._counts], 1), keys.split(self._counts, 1)

    def _turn(self, rotary: Rotary, dtype: torch.dtype) -> Tensor:
        """Complex [n, dim / 2]: what turns each input by its place within its segment; made once a pass."""
        found = self._turns.get(id(rotary))
        if found is None:
            steps = torch.cat([row.steps for row in self.rows])
            wide = torch.complex128 if dtype == torch.float64 else torch.complex64
            found = self._turns[id(rotary)] = rotary.turn(steps).to(self._layout.device, wide)
        return found
