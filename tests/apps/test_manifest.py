"""What a run was given, and whether what is given now is the same run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.apps.manifest import Given, Manifest
from headrace.core.errors import CapacityError, ConfigError, InputError

DOOR, HALL = Given("door", "rtsp://10.0.0.7/live"), Given("hall", "camera:0")
RUN = Manifest(
    [DOOR, HALL], ["which gate?"], ["gate 3 is open"], "settle", "lm:words.txt", "2", 1_000_000, ["text=30d"]
)


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    RUN.save(tmp_path / "run.json")
    assert Manifest.load(tmp_path / "run.json") == RUN


@pytest.mark.parametrize(
    ("change", "sources"),
    [
        ({}, True),
        ({"sources": []}, False),
        ({"when": []}, True),
        ({"asr": ""}, True),
        ({"speed": "max"}, True),
        ({"budget": 7, "keep": []}, True),
    ],
)
def test_what_is_the_same_or_left_out_agrees(change: dict, sources: bool) -> None:
    RUN.expect(replace(RUN, **change), sources)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"sources": [HALL, DOOR]},
            r"another SOURCE \(door=rtsp://10.0.0.7/live, hall=camera:0, not hall=camera:0, door=",
        ),
        ({"sources": [DOOR]}, r"another SOURCE \(.+, not door=rtsp://10.0.0.7/live\)"),
        ({"sources": [DOOR, Given("attic", "camera:0")]}, "another SOURCE"),
        ({"when": ["gate 4 is open"]}, r"another --when \(gate 3 is open, not gate 4 is open\)"),
        ({"when": ["gate 3 is open", "gate 4 is open"]}, "another --when"),
        ({"gate": "timechat"}, r"another --gate \(settle, not timechat\)"),
        ({"asr": "grammar:words.txt"}, "another --asr"),
        ({"speed": "realtime"}, r"another --speed \(2, not realtime\)"),
    ],
)
def test_what_would_be_another_run_is_refused(change: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        RUN.expect(replace(RUN, **change), True)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith("give the same or leave it out, or watch without --resume")


def test_what_was_not_given_then_is_told() -> None:
    with pytest.raises(ConfigError, match=r"another --asr \(none, not lm:words.txt\)"):
        replace(RUN, asr="").expect(RUN, True)
    with pytest.raises(ConfigError, match=r"another --when \(none, not gate 3 is open\)"):
        replace(RUN, when=[]).expect(RUN, True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "holds no run to resume; watch without --resume"),
        (b"", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b'{"sources": [', "cannot be read"),
        (b"[" * 200_000, "cannot be read"),
        (b"[]", "must be an object"),
        (b'{"sources": []}', "is missing"),
        (b'{"format": 99}', "format 99 is newer than"),
    ],
)
def test_a_manifest_that_is_none_is_told_in_one_line(data: bytes | None, said: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / "run.json").write_bytes(data)
    with pytest.raises(InputError, match=said) as raised:
        Manifest.load(tmp_path / "run.json")
    assert "\n" not in str(raised.value)
    assert str(tmp_path) in str(raised.value)


@pytest.mark.parametrize("field", ["sources", "when", "gate", "asr", "speed", "budget", "keep", "format"])
def test_a_field_of_another_type_is_named(field: str, tmp_path: Path) -> None:
    RUN.save(tmp_path / "run.json")
    data = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**data, field: {"a": 1}}))
    with pytest.raises(InputError, match=field):
        Manifest.load(tmp_path / "run.json")


def test_a_disk_that_does_not_take_it_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CapacityError, match=r"run\.json cannot be written: No such file or directory; free some space"):
        RUN.save(tmp_path / "gone" / "run.json")
