"""Tick: one forward pass over the inputs of several sessions, packed as one sequence."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from headrace.core.errors import ConfigError
from headrace.state.container import Container
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
        self.spans = list(pairwise(accumulate((row.pending for row in rows), initial=0)))
        self._layout = rows[0].layout
        self._steps: Tensor | None = None
        self._turns: dict[tuple[int, float], Tensor] = {}

    @property
    def n(self) -> int:
        """Inputs of all rows."""
        return self.spans[-1][1]

    @property
    def last(self) -> list[int]:
        """Where each row's last input is in the sequence."""
        return [stop - 1 for _, stop in self.spans]

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
        shape = self._layout.sites[site]
        queries = queries.unflatten(0, (shape.kv_heads, -1)).transpose(1, 2)
        if sinks is not None:
            sinks = sinks.view(shape.kv_heads, -1)
        turning = [row.turns(site) for row in self.rows]
        still = (queries * scaling, keys) if not all(turning) else (queries, keys)
        turned = still
        if shape.rotary is not None and any(turning):
            turn = self._turn(shape.rotary, keys.dtype, 1.0)
            pairs = shape.rotary.pair(queries) * self._turn(shape.rotary, keys.dtype, scaling)[:, None]
            turned = pairs, shape.rotary.flat(shape.rotary.pair(keys) * turn, values.dtype)
        read = []
        for row, turns, (a, b) in zip(self.rows, turning, self.spans, strict=True):
            own_queries, own_keys = turned if turns else still
            row.write(site, own_keys[:, a:b], values[:, a:b])
            read.append(row.read(site, own_queries[:, a:b], window=window, softcap=softcap, sinks=sinks))
        return read[0] if len(read) == 1 else torch.cat(read)

    def _turn(self, rotary: Rotary, dtype: torch.dtype, scaling: float) -> Tensor:
        """Complex [n, dim / 2]: what turns each input by its place within its segment, scaled; made once a pass."""
        key = (id(rotary), scaling)
        found = self._turns.get(key)
        if found is None:
            if self._steps is None:
                self._steps = torch.cat([row.steps for row in self.rows])
            wide = torch.complex128 if dtype == torch.float64 else torch.complex64
            found = self._turns[key] = (rotary.turn(self._steps) * scaling).to(self._layout.device, wide)
        return found
