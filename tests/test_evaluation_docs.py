"""What docs/evaluation.md and docs/understanding.md show is what happens."""

from __future__ import annotations

import doctest
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from headrace.cli import main
from headrace.evaluation.benchmarks import known, open_benchmark
from headrace.evaluation.millrace.regime import SETTINGS
from headrace.evaluation.millrace.world import World

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "doorbell"
PAGE = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
UNDERSTANDING = ROOT / "docs" / "understanding.md"


@pytest.fixture
def doorbell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example laid as an installed package, and its files in the working folder."""
    wanted = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    ((name, value),) = wanted["entry-points"]["headrace.recipes"].items()
    info = tmp_path / "site" / f"{wanted['name'].replace('-', '_')}-{wanted['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {wanted['name']}\nVersion: {wanted['version']}\n")
    (info / "entry_points.txt").write_text(f"[headrace.recipes]\n{name} = {value}\n")
    shutil.copy(EXAMPLE / "doorbell.py", tmp_path / "site")
    for file in ("doorbell.json", "said.json"):
        shutil.copy(EXAMPLE / file, tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def tables(text: str) -> list[str]:
    """Tables of a text, each in one piece."""
    return re.findall(r"(?:^\|.*\n)+", text + "\n", re.MULTILINE)


def test_the_page_holds_the_files_of_the_example() -> None:
    assert blocks("json") == [(EXAMPLE / "doorbell.json").read_text()]
    assert blocks("python") == [(EXAMPLE / "doorbell.py").read_text()]
    (entry,) = blocks("toml")
    assert entry in (EXAMPLE / "pyproject.toml").read_text() + "\n"


def test_the_page_shows_what_the_commands_print(doorbell: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert run("eval", "audit", "doorbell", "--annotations", "doorbell.json", "--out", "audit") == 0
    shown = tables(PAGE)
    audited = tables((doorbell / "audit" / "audit.md").read_text())
    assert len(audited) == 2
    assert set(audited) <= set(shown)
    words = ("doorbell", "--annotations", "doorbell.json")
    assert run("eval", *words, "--system", "blind:always B", "--out", "run") == 0
    assert len(list((doorbell / "run" / "traces").iterdir())) == 3
    capsys.readouterr()
    assert run("eval", "score", *words, "--responses", "said.json", "--json") == 0
    scored = json.loads(capsys.readouterr().out)
    (row,) = [table for table in shown if table.startswith("| figure")]
    for one in scored["figures"]:
        line = next(line for line in row.splitlines() if line.startswith(f"| {one['figure']} "))
        for side in ("published", "causal"):
            value, best = one[side], one["blind"][side]
            assert f"{value['value']:.1f} % [{value['low']:.1f}, {value['high']:.1f}]" in line
            assert f"{best['value']:.1f} % {best['policy'].partition(' (')[0]}" in line
            assert line.split("|")[2 if side == "published" else 3].rstrip().endswith("†") == (
                one["figure"] in scored["beaten"][side]
            )


def test_the_check_of_the_example_holds(doorbell: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recipes", "check", "doorbell", "--json") == 0
    assert json.loads(capsys.readouterr().out)["holds"]


def test_the_example_refuses_the_outputs_of_another_benchmark(
    doorbell: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (doorbell / "other.json").write_text('[{"id": "99", "at": 1, "said": "A"}]')
    assert run("eval", "score", "doorbell", "--annotations", "doorbell.json", "--responses", "other.json") == 2
    assert "other.json, entry 0: 'id' is that of no task" in " ".join(capsys.readouterr().err.split())


def test_every_benchmark_stands_in_the_table_with_its_licence() -> None:
    rows = {line.split("`")[1]: line for line in PAGE.split("## Benchmarks")[1].splitlines() if line.startswith("| `")}
    assert set(rows) == set(known())
    for name, row in rows.items():
        words = re.findall(r"CC BY[A-Z\- ]*[\d.]+|MIT|Apache-2\.0|none stated", open_benchmark(name).licence)
        assert words
        assert [word for word in words if word not in row] == [], name


def test_every_regime_is_named_and_half_of_the_questions_have_no_answer() -> None:
    named = {name.strip() for row in re.findall(r"^\| ([a-z, ]+) \|", PAGE, re.MULTILINE) for name in row.split(",")}
    assert set(SETTINGS) <= named
    questions = [asked for asked in World(2, "calm", 300.0).questions if asked.track != "heard"]
    assert sum(asked.question.answer is None for asked in questions) * 2 == len(questions)
    assert {asked.track for asked in questions} <= named


def test_the_page_on_understanding_is_true() -> None:
    result = doctest.testfile(str(UNDERSTANDING), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 20
    assert not result.failed
