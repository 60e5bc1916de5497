"""The public interface: complete, lazy, and the repository's own habits."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import headrace

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "cv2", "av", "rapidocr", "onnxruntime", "matplotlib")


def loaded(code: str) -> set[str]:
    """Heavy modules that are loaded after `code` ran in a fresh interpreter."""
    script = f"{code}\nimport json, sys; sys.stderr.write(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr))


@pytest.mark.parametrize("words", [["--help"], ["recipes"], ["recipes", "--help"], ["config"], ["--version"]])
def test_the_command_line_starts_light(words: list[str]) -> None:
    code = f"import headrace.cli\ntry: headrace.cli.main({words})\nexcept SystemExit as end: assert not end.code"
    assert loaded(code) == set()


def test_import_is_light_and_the_probe_can_see_weight() -> None:
    assert loaded("import headrace; headrace.Item; dir(headrace)") == set()
    assert loaded("import matplotlib") == {"matplotlib"}


def test_every_listed_name_exists_and_is_listed_once() -> None:
    assert len(headrace.__all__) == len(set(headrace.__all__))
    assert set(headrace.__all__) <= set(dir(headrace))
    for name, home in headrace._HOME.items():
        spec = find_spec(f"headrace.{home}")
        assert spec is not None, f"{name}: no module headrace.{home}"
        assert spec.origin
        assert name in bound_names(Path(spec.origin)), f"headrace.{home} binds no {name}"


def test_every_room_is_a_package() -> None:
    """import-linter does not see a folder without an __init__.py, and so would not hold its walls."""
    folders = {path.parent for path in (ROOT / "src" / "headrace").rglob("*.py")}
    assert [folder.name for folder in folders if not (folder / "__init__.py").exists()] == []


def test_core_names_resolve_to_one_object() -> None:
    from headrace.core.item import Item

    assert headrace.Item is Item
    assert headrace.SECOND == 1_000 * headrace.MS
    with pytest.raises(AttributeError, match="no attribute 'Nope'"):
        _ = headrace.Nope


def test_the_type_checker_sees_the_same_names() -> None:
    tree = ast.parse(Path(headrace.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    pairs = {(alias.name, node.module) for node in block.body for alias in node.names}  # type: ignore[attr-defined]
    assert pairs == {(name, f"headrace.{home}") for name, home in headrace._HOME.items()}


@pytest.mark.parametrize(
    ("expected", "code", "tail"),
    [
        ("", 1, "unexpected skip: tests/test_it.py::test_a: no camera"),
        ("*: no camera -- machines without a camera", 0, "1 skipped"),
        ("*: no camera", 4, "gives no reason"),
    ],
)
def test_unexpected_skips_fail_a_strict_session(tmp_path: Path, expected: str, code: int, tail: str) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path / "tests")
    (tmp_path / ".ci" / "expected-skips.txt").write_text(expected + "\n")
    (tmp_path / "tests" / "test_it.py").write_text(
        "import pytest\ndef test_a(): pytest.skip('no camera')\n@pytest.mark.xfail\ndef test_b(): assert 0\n"
    )
    environ = {**os.environ, "HEADRACE_STRICT_SKIPS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, tail in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def bound_names(source: Path) -> set[str]:
    """Names that a module binds at its top level, read without importing it."""
    names: set[str] = set()
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names
