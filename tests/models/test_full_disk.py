"""A session that cannot be saved goes on, and the file that was there stays."""

import os
from pathlib import Path
from typing import Any

import pytest

from headrace.core.errors import InputError, StateError
from headrace.state import Policy, recent
from headrace.state.laws import digest

pytest.importorskip("transformers")


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.models.families import opened

    session = opened("llama", Policy(recent(tokens=8), block=4))
    session.push([1, 2, 3])
    path = tmp_path / "session.safetensors"
    session.snapshot().save(path)
    kept, before = path.read_bytes(), digest(session.container)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    session.push([4])
    with pytest.raises(StateError, match=r"session\.safetensors cannot be written: .*No space left"):
        session.snapshot().save(path)
    assert path.read_bytes() == kept
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208 - hidden files too
    assert digest(session.container) != before
    session.push([5])
    assert session.container.count == 5


def test_only_files_are_written(tmp_path: Path) -> None:
    from tests.models.families import opened

    held = opened("llama", Policy(recent(tokens=8), block=4)).snapshot()
    for place in (tmp_path, Path("/dev/full"), tmp_path / "none" / "s.safetensors"):
        with pytest.raises(InputError, match="give another path"):
            held.save(place)
    assert Path("/dev/full").is_char_device()
