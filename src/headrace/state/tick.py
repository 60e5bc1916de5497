"""Tick: one forward pass over the inputs of several sessions, packed as one sequence."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from headrace.core.errors import ConfigError
from headrace.state.container import Container
from headrace.state.rotary import Rotary
from headrace.state.together import Together


@dataclass(slots=True)
class Group:
    """Rows that read as one batch.

    Attributes:
        rows: their numbers. places: int64, of their inputs in the packed sequence.
        reads: the batch.
    """

    rows: list[int]
    places: Tensor
    reads: Together


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
        self._groups: list[Group] | None = None

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
        sources: dict[bool, tuple[Tensor, Tensor]] = {False: (queries, keys)}
        if rotary is not None and any(turning):
            both = rotary.pair(torch.cat([queries, keys])) * self._turn(rotary, keys.dtype)
            sources[True] = both[: shape.heads], rotary.flat(both[shape.heads :], values.dtype)
        sinks = None if sinks is None else sinks.view(shape.kv_heads, -1)
        if len(self.rows) == 1:
            asked, given = sources[turning[0]]
            self.rows[0].write(site, given, values)
            return self._alone(0, site, asked, window, softcap, sinks)
        written = values.split(self._counts, 1)
        new = {turns: source[1].split(self._counts, 1) for turns, source in sources.items() if turns in turning}
        for i, row in enumerate(self.rows):
            row.write(site, new[turning[i]][i], written[i])
        groups, alone = self._together(bool(softcap) or sinks is not None)
        read: list[Tensor] = []
        for group in groups:
            asked = sources[turning[group.rows[0]]][0].transpose(0, 1).unflatten(1, (shape.kv_heads, -1))
            asked = asked if len(group.rows) == self.n else asked[group.places]
            read.append(group.reads.read(site, asked, window).flatten(1, 2))
        for i in alone:
            asked = sources[turning[i]][0][:, slice(*self.spans[i])]
            read.append(self._alone(i, site, asked, window, softcap, sinks))
        if len(read) == 1:
            return read[0]
        whole = values.new_empty(self.n, shape.heads, values.shape[2])
        for group, found in zip(groups, read, strict=False):
            whole[group.places] = found
        for i, found in zip(alone, read[len(groups) :], strict=True):
            whole[slice(*self.spans[i])] = found
        return whole

    def _alone(
        self, i: int, site: int, queries: Tensor, window: int | None, softcap: float, sinks: Tensor | None
    ) -> Tensor:
        """[n, heads, value_dim] of a row that reads by itself; its queries are [heads, n, …]."""
        shape = self._layout.sites[site]
        if queries.shape[1] == 1:
            asked = queries.reshape(shape.kv_heads, shape.group, -1)
            read = self.rows[i].read(site, asked, window=window, softcap=softcap, sinks=sinks)
            return read.reshape(1, shape.heads, -1)
        asked = queries.unflatten(0, (shape.kv_heads, -1)).transpose(1, 2).flatten(1, 2)
        read = self.rows[i].read(site, asked, window=window, softcap=softcap, sinks=sinks)
        return read.unflatten(1, (-1, shape.group)).transpose(0, 1).flatten(1, 2)

    def _together(self, apart: bool) -> tuple[list[Group], list[int]]:
        """The rows that read as batches, and the others; if `apart`, each reads alone."""
        if apart:
            return [], list(range(len(self.rows)))
        if self._groups is None:
            found: dict[Hashable, list[int]] = {}
            for i, row in enumerate(self.rows):
                key = Together.shape(row)
                if key is not None:
                    found.setdefault(key, []).append(i)
            self._groups = [
                Group(
                    rows,
                    torch.tensor([self.spans[i][0] for i in rows], device=self._layout.device),
                    Together([self.rows[i] for i in rows]),
                )
                for rows in found.values()
            ]
        taken = {i for group in self._groups for i in group.rows}
        return self._groups, [i for i in range(len(self.rows)) if i not in taken]

    def _turn(self, rotary: Rotary, dtype: torch.dtype) -> Tensor:
        """Complex [n, dim / 2]: what turns each input by its place within its segment; made once a pass."""
        found = self._turns.get(id(rotary))
        if found is None:
            steps = torch.cat([row.steps for row in self.rows])
            wide = torch.complex128 if dtype == torch.float64 else torch.complex64
            found = self._turns[id(rotary)] = rotary.turn(steps).to(self._layout.device, wide)
        return found
