"""Doctor: what it says of a machine that lacks parts, and of this one."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest

from headrace.cli import main
from headrace.doctor import BASE, PARTS, Report, examine, installed


def machine_without(*absent: str) -> Report:
    return examine(lambda distribution, module: None if distribution in absent else "1.0")


def test_an_absent_package_brings_the_command_for_its_part() -> None:
    parts = {part.name: part for part in machine_without("rapidocr").parts}
    assert not parts["ocr"].present
    assert parts["ocr"].install == "pip install 'headrace[ocr]'"
    assert parts["ocr"].versions == {"rapidocr": None, "onnxruntime": "1.0"}
    assert parts["media"].present
    assert parts["media"].install == ""


def test_a_machine_without_torch_has_no_devices() -> None:
    report = machine_without("torch")
    assert report.devices == ()
    assert report.packages["torch"] is None


def test_versions_are_those_installed() -> None:
    assert installed("numpy", "numpy") == version("numpy")
    assert installed("no-such-thing", "no_such_thing") is None


def test_every_part_is_an_extra_of_the_project() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]

    def names(lines: list[str]) -> set[str]:
        return {line.replace("=", ">").split(">")[0] for line in lines}

    assert {part: set(packages) for part, packages in PARTS.items()} == {part: names(extras[part]) for part in PARTS}
    assert set(BASE) == names(project["dependencies"])
    assert set(PARTS) == set(extras["all"][0].removeprefix("headrace[").removesuffix("]").split(","))


def test_the_command_exits_0_and_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["doctor", "--json"])
    assert end.value.code == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["packages"]["numpy"] == version("numpy")
    assert printed["cpus"] >= 1
    assert "cpu" in printed["devices"]


def test_the_command_is_plain_on_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("\t") == ["what", "found", "note"]
    assert {line.count("\t") for line in lines} == {2}
