from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from headrace.core import Snapshot, StateError, load, save
from headrace.core.files import atomic_path, atomic_write

DTYPES = ["uint8", "int8", "int16", "int32", "int64", "uint64", "float16", "float32", "float64", "bool"]
shapes = st.lists(st.integers(0, 5), max_size=3).map(tuple)
names = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=8)
metas = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
snapshots = st.builds(
    Snapshot,
    kind=st.text(min_size=1, max_size=8),
    meta=st.dictionaries(st.text(max_size=5), metas, max_size=3),
    arrays=st.dictionaries(
        names,
        st.builds(
            lambda shape, dtype, seed: np.random.default_rng(seed).integers(0, 2, shape).astype(dtype),
            shapes,
            st.sampled_from(DTYPES),
            st.integers(0, 99),
        ),
        max_size=3,
    ),
)


def assert_equal(one: Snapshot, other: Snapshot) -> None:
    assert (one.kind, one.meta, one.arrays.keys()) == (other.kind, other.meta, other.arrays.keys())
    for key, array in one.arrays.items():
        back = other.arrays[key]
        assert (array.dtype, array.shape, array.tobytes()) == (back.dtype, back.shape, back.tobytes())


@given(snapshots)
def test_a_snapshot_comes_back_byte_equal(tmp_path_factory, snapshot):
    path = tmp_path_factory.mktemp("s") / "state.safetensors"
    save(path, snapshot)
    assert_equal(load(path), snapshot)


@given(st.dictionaries(names, snapshots, max_size=3))
def test_joined_parts_come_apart_again(parts):
    nested = Snapshot.join("outer", {"inner": Snapshot.join("whole", parts, {"n": 1})})
    whole = nested.part("inner")
    assert whole.meta["own"] == {"n": 1}
    for name, part in parts.items():
        assert_equal(whole.part(name), part)


def test_parts_that_cannot_be():
    with pytest.raises(StateError, match="no '/'"):
        Snapshot.join("whole", {"a/b": Snapshot("part")})
    with pytest.raises(StateError, match="no part 'b'"):
        Snapshot.join("whole", {"a": Snapshot("part")}).part("b")
    with pytest.raises(StateError, match="cannot be restored"):
        Snapshot("gate").expect("memory")


def test_strided_and_scalar_arrays(tmp_path):
    base = np.arange(60).reshape(3, 4, 5)
    arrays = {"t": base.transpose(2, 0, 1), "s": base[:, ::2], "scalar": np.array(7.5), "f": np.asfortranarray(base)}
    save(tmp_path / "s", Snapshot("x", {}, arrays))
    back = load(tmp_path / "s").arrays
    assert all(np.array_equal(back[key], array) and back[key].shape == array.shape for key, array in arrays.items())


def saved(tmp_path, **header):
    path = tmp_path / "state"
    given = {"format": 1, "library": "0", "kind": "x", "meta": {}} | header
    save_file({"a": np.zeros(3)}, str(path), metadata={"headrace": json.dumps(given)})
    return path


def test_files_that_are_no_snapshot(tmp_path):
    good = tmp_path / "good"
    save(good, Snapshot("x", {"k": 1}, {"a": np.arange(100)}))
    whole = good.read_bytes()
    for length in (0, 1, 7, 8, 40, len(whole) - 1):
        (tmp_path / "cut").write_bytes(whole[:length])
        with pytest.raises(StateError, match="not a readable snapshot"):
            load(tmp_path / "cut")
    with pytest.raises(StateError, match="not a readable snapshot"):
        load(tmp_path / "missing")
    with pytest.raises(StateError, match="not a readable snapshot"):
        load(tmp_path)
    save_file({"a": np.zeros(3)}, str(tmp_path / "foreign"))
    with pytest.raises(StateError, match="not a headrace snapshot"):
        load(tmp_path / "foreign")
    save_file({"a": np.zeros(3)}, str(tmp_path / "foreign"), metadata={"headrace": "{not json"})
    with pytest.raises(StateError, match="not a readable snapshot"):
        load(tmp_path / "foreign")
    for header in ({"format": "1"}, {"format": None}):
        with pytest.raises(StateError, match="not a headrace snapshot"):
            load(saved(tmp_path, **header))
    with pytest.raises(StateError, match="snapshot format 3, this headrace reads up to 2; upgrade headrace"):
        load(saved(tmp_path, format=3))
    with pytest.raises(StateError, match="not a readable snapshot"):
        load(saved(tmp_path, format=2))


def test_a_file_of_the_format_before_is_read(tmp_path):
    meta = {"rows": [["Gate 3 is open", 1.5, None]], "own": {"n": 2}}
    found = load(saved(tmp_path, kind="memory", meta=meta))
    assert_equal(found, Snapshot("memory", meta, {"a": np.zeros(3)}))


def test_meta_may_be_larger_than_a_header(tmp_path):
    """The header of a safetensors file holds 100 MB at most, and is read whole by whoever looks into it."""
    meta = {"lines": ["Sluice gate 3 is open; the water stands at 4.71 m" * 20] * 2_000}
    save(tmp_path / "state", Snapshot("reading", meta))
    header = int.from_bytes((tmp_path / "state").read_bytes()[:8], "little")
    assert header < 1_000
    assert load(tmp_path / "state").meta == meta


@pytest.mark.parametrize("meta", [b"", b"{", b"[1]", b"7", b"\xff\xfe", b"[" * 200_000])
def test_meta_that_is_no_object(tmp_path, meta):
    path, header = tmp_path / "state", {"format": 2, "library": "0", "kind": "x"}
    save_file({"headrace.meta": np.frombuffer(meta, np.uint8)}, str(path), metadata={"headrace": json.dumps(header)})
    with pytest.raises(StateError, match=r"state is ") as raised:
        load(path)
    assert "\n" not in str(raised.value)


def test_a_snapshot_with_half_a_header(tmp_path):
    path = tmp_path / "half"
    save_file({"a": np.zeros(3)}, str(path), metadata={"headrace": json.dumps({"format": 1})})
    with pytest.raises(StateError, match="damaged"):
        load(path)


def test_writing_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "state"
    save(path, Snapshot("x", {"version": 1}))
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save(path, Snapshot("x", {"no": object()}))
    with pytest.raises(Exception, match=r"object|dtype"):
        save(path, Snapshot("x", {}, {"a": np.array([object()])}))

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        save(path, Snapshot("x", {"version": 2}))
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["state"], "no temporary file is left"


def test_a_reader_never_sees_half_a_file(tmp_path):
    path = tmp_path / "page.html"
    atomic_write(path, "old")

    def interrupted() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            assert path.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    atomic_write(path, "né\n")
    assert path.read_bytes() == "né\n".encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "header", ["[" * 200_000, '{"format":1,"kind":"k","meta":[1]}', '{"format":1,"kind":[],"meta":{}}']
)
def test_a_header_of_the_wrong_form(tmp_path, header):
    path = tmp_path / "state.safetensors"
    save_file({}, str(path), metadata={"headrace": header})
    with pytest.raises(StateError, match=r"state\.safetensors is "):
        load(path)


@pytest.mark.parametrize("parts", [[1], {"a": 1}, {"a": {"kind": "k"}}])
def test_a_part_of_the_wrong_form(parts):
    with pytest.raises(StateError, match="no part 'a'"):
        Snapshot("k", {"parts": parts}).part("a")
