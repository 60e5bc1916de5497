"""Compare: how far outputs are apart, and whether states are the same to the bit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import zip_longest
from math import inf
from typing import Any

import numpy as np
from torch import Tensor

from headrace.core.stateful import Array, Snapshot, Stateful
from headrace.state.tensors import to_array

#: Stands for what is not there; equal to nothing that a part gives.
_NOTHING = object()
Path = tuple[str | int, ...]


def relative(outputs: Sequence[Any], expected: Sequence[Any]) -> tuple[float, int]:
    """The largest max|a − b| / max|b| of two lists of outputs, and the index at which they are furthest apart.

    The maxima are over all outputs, for each of the numbers that an output consists of. What is no float must be
    equal, else the figure is infinite; so it is for outputs that are missing or of another shape. Where `expected` is
    all zero, anything else is infinitely far.
    """
    gaps: dict[Path, tuple[float, int]] = {}
    scales: dict[Path, float] = {}
    for index, (one, other) in enumerate(zip_longest(outputs, expected, fillvalue=_NOTHING)):
        mine, theirs = dict(_leaves(one)), dict(_leaves(other))
        if mine.keys() != theirs.keys():
            return inf, index
        for path, value in theirs.items():
            gap, scale = _gap(mine[path], value)
            if gap == inf:
                return inf, index
            if gap > gaps.get(path, (0.0, 0))[0]:
                gaps[path] = gap, index
            scales[path] = max(scales.get(path, 0.0), scale)
    far = [(gap / scales[path] if scales[path] else inf, index) for path, (gap, index) in gaps.items()]
    return max(far, default=(0.0, 0))


def first_change(outputs: Sequence[Any], expected: Sequence[Any]) -> int | None:
    """The first index at which two lists of outputs are not the same bits; None if there is none."""
    pairs = enumerate(zip_longest(outputs, expected, fillvalue=_NOTHING))
    return next((index for index, (one, other) in pairs if _bits(one) != _bits(other)), None)


def marks(part: Stateful | Snapshot) -> dict[str, str]:
    """A digest of each thing in a part's snapshot: its kind, each array and each branch of its meta."""
    snapshot = part if isinstance(part, Snapshot) else part.snapshot()
    found = {"kind": snapshot.kind}
    found |= {f"array {name}": _hash(_bits(array)) for name, array in snapshot.arrays.items()}
    for path, branch in _branches(snapshot.meta):
        found[f"meta {path}"] = _hash(json.dumps(branch, sort_keys=True).encode())
    return found


def digest(part: Stateful | Snapshot) -> str:
    """A hash of every tensor and counter of a part, by its snapshot."""
    return _hash(json.dumps(marks(part), sort_keys=True).encode())


def altered(before: Mapping[str, str], after: Mapping[str, str]) -> str | None:
    """The first thing in which two `marks` differ, None if they are equal."""
    names = sorted(before.keys() | after.keys())
    return next((name for name in names if before.get(name) != after.get(name)), None)


def distance(one: Snapshot, other: Snapshot) -> tuple[float, str]:
    """`relative` of the arrays of two snapshots and the name of the furthest; meta must be equal, else infinite."""
    changed = altered(marks(Snapshot(one.kind, one.meta)), marks(Snapshot(other.kind, other.meta)))
    if changed is not None:
        return inf, changed
    if one.arrays.keys() != other.arrays.keys():
        return inf, f"array {min(one.arrays.keys() ^ other.arrays.keys())}"
    far = [(relative([one.arrays[name]], [array])[0], f"array {name}") for name, array in other.arrays.items()]
    return max(far, default=(0.0, "meta"))


def output_hash(output: Any) -> str:
    """A hash of the bits of one output, the same in every process."""
    return _hash(_bits(output))


def _leaves(output: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The numbers, arrays and other values that an output consists of."""
    if isinstance(output, Mapping):
        yield (*path, "{}"), len(output)
        for key, value in output.items():
            yield from _leaves(value, (*path, str(key)))
    elif isinstance(output, (list, tuple)):
        yield (*path, "[]"), len(output)
        for index, value in enumerate(output):
            yield from _leaves(value, (*path, index))
    else:
        yield path, output


def _gap(one: Any, other: Any) -> tuple[float, float]:
    """max|a − b| and max|b| of two leaves; an infinite gap if they cannot be compared."""
    if not _is_float(one) or not _is_float(other):
        return (0.0, 0.0) if _bits(one) == _bits(other) else (inf, 0.0)
    a, b = _numbers(one), _numbers(other)
    if a.shape != b.shape:
        return inf, 0.0
    equal = (a == b) | (np.isnan(a) & np.isnan(b))
    if not a.size or bool(equal.all()):
        finite = np.abs(b[np.isfinite(b)])
        return 0.0, float(finite.max()) if finite.size else 0.0
    if not np.isfinite(a[~equal]).all() or not np.isfinite(b[~equal]).all():
        return inf, 0.0
    return float(np.abs(a[~equal] - b[~equal]).max()), float(np.abs(b[np.isfinite(b)]).max())


def _is_float(leaf: Any) -> bool:
    if isinstance(leaf, Tensor):
        return bool(leaf.is_floating_point() or leaf.is_complex())
    return isinstance(leaf, float) or (isinstance(leaf, (np.ndarray, np.generic)) and leaf.dtype.kind in "fc")


def _numbers(leaf: Any) -> Array:
    """In double precision."""
    if isinstance(leaf, Tensor):
        leaf = (leaf.cdouble() if leaf.is_complex() else leaf.double()).detach().cpu().numpy()
    array = np.asarray(leaf)
    return np.asarray(array, np.complex128 if array.dtype.kind == "c" else np.float64)


def _bits(value: Any) -> bytes:
    """Bytes that are equal if and only if two values are the same, type and shape included."""
    if isinstance(value, Tensor):
        array, name = to_array(value)
        return f"{name}{array.shape}".encode() + array.tobytes()
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        return f"{array.dtype}{array.shape}".encode() + array.tobytes()
    if isinstance(value, (Mapping, list, tuple)):
        return b"".join(repr(path).encode() + _bits(leaf) for path, leaf in _leaves(value))
    return b"nothing" if value is _NOTHING else f"{type(value).__name__} {value!r}".encode(errors="surrogatepass")


def _branches(meta: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested objects, each with its path."""
    if isinstance(meta, dict) and meta:
        for key, value in meta.items():
            yield from _branches(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, meta


def _hash(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
