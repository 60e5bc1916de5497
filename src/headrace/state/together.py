"""Together: rows that read one input each, over equally many slots, as one batch."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from headrace.state.container import Container
from headrace.state.softmax import shares


class Together:
    """Rows of one input each and of equal shape.

    Keys and values stay where they are, in the storage of each row, and are multiplied row by row; what lies between
    the two products (turns, mask, softmax) is done for all rows at once. Those operations round each number by itself,
    in separate products and sums: who else is there changes no bit of a row.

    Args:
        rows: containers that each have begun a transaction, all of one `shape`.
    """

    def __init__(self, rows: Sequence[Container]) -> None:
        self.rows = list(rows)
        self._turns: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        self._biases: dict[int, tuple[Tensor, Tensor]] = {}

    @staticmethod
    def shape(row: Container) -> Hashable:
        """Rows of equal shape may be together; None: a row whose reads are its own affair."""
        return (
            (row.reach, row.policy.block, row.policy.place.rotates)
            if row.pending == 1 and not row.budget.queries
            else None
        )

    def read(self, site: int, queries: Tensor, window: int | None = None) -> Tensor:
        """What `Container.read` gives, for every row.

        Args:
            site: its index in the layout.
            queries: [rows, kv_heads, group, key_dim], scaled; complex [..., key_dim / 2] and turned by their `steps`
                where positions turn.
            window: positions that the site looks back, itself included; None: all.

        Returns:
            [rows, kv_heads, group, value_dim].
        """
        seen = [row.sight(site, queries, window) for row in self.rows]
        keys, values = seen[0].keys, seen[0].values
        count, heads, group = queries.shape[:3]
        slots, block = len(keys) // heads, keys.shape[2]
        if seen[0].turns is None:
            turned = queries[:, None].expand(-1, slots, -1, -1, -1)
        else:
            along, across = self._turn([one.turns for one in seen if one.turns is not None])
            real = torch.view_as_real(queries)
            crossed = torch.stack((-real[..., 1], real[..., 0]), -1)
            turned = (real[:, None] * along).add_(crossed[:, None] * across).flatten(-2).to(keys.dtype)
        logits = turned.new_empty(count, slots * heads, group, block)
        asked = turned.reshape(count, slots * heads, group, -1)
        for query, one, out in zip(asked.unbind(), seen, logits.unbind(), strict=True):
            torch.bmm(query, one.keys, out=out)
        logits = logits.view(count, slots, heads, group, block).permute(0, 2, 3, 1, 4).flatten(3)
        shared = shares(logits.add_(self._bias([one.bias for one in seen])))
        read = values.new_empty(count, heads, group, values.shape[2])
        for share, one, out in zip(shared.unbind(), seen, read.unbind(), strict=True):
            torch.bmm(share, one.values, out=out)
        return read

    def _turn(self, turns: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Real and imaginary part of all turns, [rows, slots, 1, 1, key_dim / 2, 1]; made once a pass."""
        found = self._turns.get(id(turns[0]))
        if found is None:
            both = torch.view_as_real(torch.stack(list(turns)))
            found = self._turns[id(turns[0])] = both[..., :1].contiguous(), both[..., 1:].contiguous(), turns[0]
        return found[:2]

    def _bias(self, biases: Sequence[Tensor]) -> Tensor:
        """All masks, [rows, 1, 1, slots x block]; made once a pass."""
        found = self._biases.get(id(biases[0]))
        if found is None:
            found = self._biases[id(biases[0])] = torch.stack(list(biases))[:, None], biases[0]
        return found[0]
