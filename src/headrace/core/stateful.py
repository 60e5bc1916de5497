"""Stateful: anything that remembers, and the file a memory is written to."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from headrace.core.errors import InputError, StateError
from headrace.core.files import atomic_path

#: Version of the snapshot file. A newer one is refused; the previous one always reads.
FORMAT = 2

#: Name of the array that holds the JSON of `meta` as bytes (format 1 kept it in the header, which is bounded).
_META = "headrace.meta"

Array = npt.NDArray[Any]


@dataclass(slots=True)
class Snapshot:
    """Everything a Stateful part remembers: JSON-serialisable `meta` and named `arrays`."""

    kind: str
    meta: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict, repr=False)

    def expect(self, kind: str) -> Snapshot:
        """Return self, or raise StateError if this is the snapshot of another kind of part."""
        if self.kind != kind:
            raise StateError(f"snapshot is of a {self.kind!r}, a {kind!r} cannot be restored from it")
        return self

    @classmethod
    def join(cls, kind: str, parts: dict[str, Snapshot], meta: dict[str, Any] | None = None) -> Snapshot:
        """One snapshot out of named parts; `part()` takes them apart again. A name has no "/"."""
        if any("/" in name for name in parts):
            raise StateError(f"snapshot of {kind!r}: the name of a part has no '/'")
        joined = cls(kind, {"own": meta or {}, "parts": {}})
        for name, part in parts.items():
            joined.meta["parts"][name] = {"kind": part.kind, "meta": part.meta}
            joined.arrays.update({f"{name}/{key}": array for key, array in part.arrays.items()})
        return joined

    def part(self, name: str) -> Snapshot:
        """The named part of a joined snapshot; StateError if there is none."""
        try:
            described = self.meta["parts"][name]
            kind, meta = described["kind"], described["meta"]
        except (KeyError, TypeError):
            raise StateError(f"snapshot of {self.kind!r} has no part {name!r}") from None
        prefix = f"{name}/"
        arrays = {key[len(prefix) :]: a for key, a in self.arrays.items() if key.startswith(prefix)}
        return Snapshot(kind, meta, arrays)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this snapshot as one safetensors file; whatever was there before stays unless all is written.

        Raises:
            InputError: there is no such folder, or `path` is no regular file.
            StateError: the file cannot be written, such as on a full disk.
        """
        from safetensors import SafetensorError

        if not Path(path).parent.is_dir():
            raise InputError(f"{Path(path).parent} is no folder; make it, or give another path")
        try:
            save(path, self)
        except (OSError, SafetensorError) as error:
            raise StateError(f"{path} cannot be written: {error}") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Snapshot:
        """Read a snapshot file; see `load`."""
        return load(path)

    def pack(self) -> bytes:
        """The bytes of its file."""
        from safetensors.numpy import save as pack

        arrays, metadata = _file(self)
        return pack(arrays, metadata=metadata)

    @classmethod
    def unpack(cls, data: bytes) -> Snapshot:
        """A snapshot from the bytes of its file; StateError if they are none."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "snapshot"
            path.write_bytes(data)
            try:
                return load(path)
            except StateError as error:
                raise StateError(str(error).replace(str(path), "this")) from None

    def nbytes(self) -> int:
        """Bytes of the arrays plus bytes of the JSON."""
        return sum(a.nbytes for a in self.arrays.values()) + len(_json(self.meta))


@runtime_checkable
class Stateful(Protocol):
    """The contract of every part that remembers.

    `restore(snapshot())` gives byte-equal state; `fork()` shares nothing that either side mutates;
    `nbytes() <= max_bytes()` at every step, and `max_bytes()` is known when the part is built.
    """

    def reset(self) -> None: ...
    def snapshot(self) -> Snapshot: ...
    def restore(self, snapshot: Snapshot) -> None: ...
    def fork(self) -> Self: ...
    def nbytes(self) -> int: ...
    def max_bytes(self) -> int: ...


def save(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write a snapshot as one safetensors file: temporary name, fsync, rename."""
    from safetensors.numpy import save_file

    arrays, metadata = _file(snapshot)
    with atomic_path(path) as temporary:
        save_file(arrays, str(temporary), metadata=metadata)


def load(path: str | os.PathLike[str]) -> Snapshot:
    """Read a snapshot file.

    Raises:
        StateError: the file is missing, truncated, not a headrace snapshot, or of a newer format.
    """
    from safetensors import SafetensorError, safe_open

    name = Path(path)
    try:
        with safe_open(str(path), framework="np") as handle:
            header = _header(name, handle.metadata())
            arrays = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
            meta = header["meta"] if header["format"] == 1 else _meta(arrays.pop(_META))
            if not isinstance(meta, dict):
                raise StateError(f"{name} is a damaged snapshot: its meta is no object")
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise StateError(f"{name} is not a readable snapshot: {error}") from error
    return Snapshot(header["kind"], meta, arrays)


def _file(snapshot: Snapshot) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors and the metadata of a snapshot's file."""
    from headrace.version import __version__

    header = {"format": FORMAT, "library": __version__, "kind": snapshot.kind}
    arrays = {key: np.asarray(array, order="C") for key, array in snapshot.arrays.items()}
    arrays[_META] = np.frombuffer(_json(snapshot.meta), np.uint8)
    return arrays, {"headrace": json.dumps(header)}


def _json(meta: dict[str, Any]) -> bytes:
    """As short as JSON gets; halves of surrogate pairs, which texts from outside may hold, included."""
    return json.dumps(meta, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _meta(data: Array) -> Any:
    return json.loads(data.tobytes().decode("utf-8", "surrogatepass"))


def _header(name: Path, metadata: dict[str, str] | None) -> dict[str, Any]:
    """What headrace wrote about the snapshot; StateError if it did not, or a newer one did."""
    header = json.loads((metadata or {}).get("headrace", "null"))
    if not isinstance(header, dict) or not isinstance(header.get("format"), int):
        raise StateError(f"{name} is a safetensors file, but not a headrace snapshot")
    if header["format"] > FORMAT:
        raise StateError(
            f"{name} has snapshot format {header['format']}, this headrace reads up to {FORMAT}; upgrade headrace"
        )
    if not isinstance(header.get("kind"), str) or (header["format"] == 1 and not isinstance(header.get("meta"), dict)):
        raise StateError(f"{name} is a damaged snapshot: its header is not whole")
    return header
