"""What judges tokens, as subjects of the laws; the tests of every gate go by this list too."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any

import numpy as np

from headrace.core.errors import InputError
from headrace.core.item import SECOND, Item
from headrace.understanding.anticipation import AdaptiveTest, Anticipation
from headrace.understanding.gates.blind import Drawn, Thinned
from headrace.understanding.gates.cacher import Cacher
from headrace.understanding.gates.chain import Chain
from headrace.understanding.gates.curvature import Curvature
from headrace.understanding.gates.everything import AdmitAll
from headrace.understanding.gates.presence import Presence
from headrace.understanding.gates.pruner import Pruner
from headrace.understanding.gates.surprise import Surprise
from headrace.understanding.gates.tokendrop import TokenDrop
from headrace.understanding.gates.tokensettle import TokenSettle
from headrace.understanding.tokens import TokenAdmission, Tokens
from tests.laws.fed import Fed

#: Items that the laws look at, and cells and size of their features.
ITEMS, GRID, SIZE = 106, (3, 4), 16


def item(features: np.ndarray, tick: int, sense: str = "sight") -> Item:
    """Two a second."""
    pts = tick * SECOND // 2
    return Item(pts, "tokens", Tokens(np.asarray(features, np.float32), sense), pts, source="camera")


def unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=-1, keepdims=True)


@cache
def stream(count: int = ITEMS, seed: int = 0) -> tuple[Item, ...]:
    """Noise on a scene, a cell that never rests, visits of a few pictures to other cells, and now and then sound."""
    draw = np.random.default_rng(seed)
    scene, made, guests = draw.normal(size=(*GRID, SIZE)), [], dict[tuple[int, int], tuple[int, np.ndarray]]()
    for tick in range(count):
        if tick % 5 == 4:
            made.append(item(unit(draw.normal(size=(1, 1, SIZE))), tick, "sound"))
            continue
        if tick % 7 == 3:
            place = int(draw.integers(0, GRID[0])), int(draw.integers(1, GRID[1]))
            guests[place] = tick + int(draw.integers(4, 12)), draw.normal(size=SIZE)
        shown = scene.copy()
        for place, (end, guest) in guests.items():
            if tick < end:
                shown[place] = guest
        shown[0, 0] = draw.normal(size=SIZE)
        made.append(item(unit(shown + 0.2 * draw.normal(size=shown.shape)), tick))
    return tuple(made)


def told(admission: TokenAdmission) -> Any:
    """All that an admission says, copied."""
    rows = admission.rows()
    fields = (
        admission.admitted.copy(),
        *(getattr(rows, name).copy() for name in ("features", "place", "weight", "time")),
    )
    return fields, admission.tick, admission.score, admission.pts, admission.computed, admission.detail


def mark(value: Any) -> str:
    """A digest by which nested arrays and numbers are compared."""
    if isinstance(value, np.ndarray):
        value = f"{value.dtype} {value.shape} {value.tobytes().hex()}"
    if isinstance(value, dict):
        value = sorted(value.items())
    if isinstance(value, (list, tuple)):
        value = [mark(one) for one in value]
    return blake2b(repr(value).encode(), digest_size=8).hexdigest()


def judged(part: Any, i: int) -> Any:
    """What a gate says; in a chain, one gate refuses what another that was restored from nonsense made.

    Its bytes stay within the bound for this grid, which is far below the one for any grid.
    """
    try:
        return told(part.admit(stream()[i]))
    except InputError as error:
        return str(error)
    finally:
        assert part.nbytes() <= part.max_bytes((*GRID, SIZE))


def gate(name: str, make: Callable[[], Any]) -> Fed:
    return Fed(name, make, judged)


def tested(part: AdaptiveTest, i: int) -> Any:
    values = stream()[i].data.features[..., 0].ravel()[:1]
    limit = np.asarray(part.threshold()) + np.zeros(1)
    part.learn(values, values < limit)
    return limit


def anticipated(part: Anticipation, i: int) -> Any:
    part.push(np.full(3, i, np.float32))
    return part.expected()


#: Every gate on tokens, each with settings under which it lets in some tokens and not others, or tells them apart.
GATES = [
    gate("admit all", AdmitAll),
    gate("token drop", TokenDrop),
    gate("token drop, by share", lambda: TokenDrop(share=0.75)),
    gate("token settle", TokenSettle),
    gate("token settle, frame by frame", lambda: TokenSettle(1, 0.5, 0.5, (0.0, 0.0))),
    gate("presence", Presence),
    gate("pruner", Pruner),
    gate("cacher", Cacher),
    gate("chain", lambda: Chain(Cacher(interval=3), Pruner(0.5))),
    gate("curvature", lambda: Curvature(sigmas=1.0)),
    gate("thinned", lambda: Thinned(0.3)),
    gate("drawn", lambda: Drawn(0.4, seed=3)),
    gate("surprise", lambda: Surprise(memory=8, sigmas=3.0)),
]

#: What gates are made of and remembers for itself.
PARTS = [
    Fed("adaptive test", lambda: AdaptiveTest(8, 2.0, 0.1), tested),
    Fed("anticipation", lambda: Anticipation(4), anticipated),
]
