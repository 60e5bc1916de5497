"""The registry: the table of papers, built-in recipes, and recipes of other packages."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path

import pytest

from headrace.cli import main
from headrace.core.errors import ConfigError
from headrace.recipes.registry import (
    GROUP,
    Registry,
    described,
    locate,
    open_registry,
    read_papers,
)

ROOT = Path(__file__).parents[2]
SAMPLE = """
from dataclasses import dataclass
from typing import ClassVar
from headrace.core.recipe import Check, Recipe

@dataclass(frozen=True)
class Sample(Recipe):
    '''A sample.'''
    depth: int = 3
    name: ClassVar[str] = "sample"
    claim: ClassVar[str] = "three is three"

    def build(self):
        return self.depth

    def check(self, seed=0, full=False):
        return Check({"depth": self.depth}, {"none": {"depth": 0}}, self.depth == 3, seed)
"""


def install(folder: Path, package: str, name: str, value: str, source: str | None) -> None:
    """Lay an installed distribution with one entry point, and its module if there is a source."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n")
    if source is not None:
        (folder / f"{value.split(':')[0]}.py").write_text(source)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on sys.path that distributions are laid in, away from the user's own settings."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("HEADRACE_CONFIG", raising=False)
    return tmp_path / "site"


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


def test_the_table_has_138_rows_of_known_families() -> None:
    rows = list(read_papers())
    assert len(rows) == len({row.recipe for row in rows}) == 138
    assert {row.status for row in rows} == {"planned"}
    assert all(row.title and row.family and row.paper_claim and row.works_when for row in rows)


@pytest.mark.parametrize("name", sorted(open_registry(EntryPoints()).entries))
def test_every_built_in_recipe_loads_and_builds(name: str) -> None:
    kind = open_registry(EntryPoints()).entries[name].load()
    assert kind.name == name
    assert kind.claim
    assert kind.__doc__
    kind().build()


def test_a_third_party_recipe_is_found_without_importing_it(site: Path) -> None:
    install(site, "probe", "sample", "probe_light:Sample", "raise SystemExit('imported')\n" + SAMPLE)
    registry = open_registry()
    assert registry.entries["sample"].package == "probe"
    row = registry.row("sample")
    assert (row.family, row.title, row.paper_claim) == ("third-party", "A sample.", "three is three")
    assert "probe_light" not in sys.modules


@pytest.mark.parametrize(
    ("value", "source", "reason"),
    [
        ("absent_module:X", None, "module absent_module is not found"),
        ("absent_package.inner:X", None, "module absent_package.inner is not found"),
        ("crooked:X", "class X(:\n", "crooked.py is not valid Python"),
        ("nonsense", None, "entry point 'nonsense' is not of the form package.module:Class"),
    ],
)
def test_a_broken_package_is_one_line_and_breaks_nothing(
    site: Path, capsys: pytest.CaptureFixture[str], value: str, source: str | None, reason: str
) -> None:
    install(site, "bad-package", "zigzag", value, source)
    install(site, "good-package", "sample", "good_module:Sample", SAMPLE)
    assert run("recipes", "--json") == 0
    printed = capsys.readouterr()
    rows = {row["recipe"]: row for row in json.loads(printed.out)}
    assert len(rows) == 140
    assert rows["zigzag"]["status"] == "broken"
    assert rows["zigzag"]["reason"] == reason
    assert rows["sample"]["status"] == "planned"
    assert printed.err == f"headrace: warning: recipe zigzag of package bad-package is broken: {reason}\n"
    assert run("recipes", "check", "zigzag") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("module", "source", "reason"),
    [
        ("stumbles", "import no_such_library\n", "does not load: ModuleNotFoundError: No module named"),
        ("claimless", SAMPLE.replace("claim:", "boast:"), "is broken: claimless has no usable Recipe"),
        ("leaves", "raise SystemExit(3)\n", "does not load: SystemExit: 3"),
        ("shouts", "raise ValueError('two\\nlines')\n", "does not load: ValueError: two"),
        ("plain", "class Sample: pass\n", "is broken: plain has no usable Recipe with name"),
        ("empty", "\n", "is broken: empty has no usable Recipe"),
        ("other", SAMPLE.replace('"sample"', '"else"'), "is broken: other has no usable Recipe"),
    ],
)
def test_what_only_shows_on_import_is_one_line_too(
    site: Path, capsys: pytest.CaptureFixture[str], module: str, source: str, reason: str
) -> None:
    install(site, "bad-package", "sample", f"{module}:Sample", source)
    assert run("recipes") == 0
    capsys.readouterr()
    assert run("recipes", "check", "sample") == 2
    err = capsys.readouterr().err
    assert err.startswith(f"headrace: error: recipe sample of package bad-package {reason}")
    assert err.count("\n") == 1
    assert run("recipes", "show", "sample") == 0


def test_a_taken_name_stays_with_its_first_owner(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "first", "sample", "taken_one:Sample", SAMPLE)
    registry = open_registry([point(site, "first"), point(site, "first")])
    assert registry.problems == ("recipe sample of package first is not used: the name is taken",)


def test_a_package_may_bring_the_recipe_of_a_planned_paper(site: Path) -> None:
    planned = next(name for name in open_registry().papers if name not in open_registry().entries)
    install(site, "filler", planned, "fills_a_row:Sample", SAMPLE.replace('"sample"', f'"{planned}"'))
    registry = open_registry()
    assert registry.entry(planned).load().name == planned
    assert registry.row(planned).family == registry.papers[planned].family
    assert len(registry.names()) == 138


def test_unknown_and_planned_names() -> None:
    registry = Registry({}, {row.recipe: row for row in read_papers()})
    with pytest.raises(ConfigError, match=r"unknown recipe 'Timechat2'; did you mean timechat"):
        registry.entry("Timechat2")
    with pytest.raises(ConfigError, match=r"unknown recipe 'qqqq'; headrace recipes lists all"):
        registry.entry("qqqq")
    with pytest.raises(ConfigError, match="recipe timechat is planned"):
        registry.entry("timechat")


def test_locate_imports_nothing(site: Path) -> None:
    inner = site / "loud_package" / "inner"
    inner.mkdir(parents=True)
    for init in (site / "loud_package" / "__init__.py", inner / "__init__.py"):
        init.write_text("raise RuntimeError('imported')\n")
    (inner / "leaf.py").touch()
    assert locate("loud_package.inner.leaf") == inner / "leaf.py"
    assert locate("loud_package.inner.absent") is None
    assert locate("json.decoder") is not None


def test_the_example_package_installs_and_is_found(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(
        ROOT / "examples" / "third_party_recipe", copy, ignore=shutil.ignore_patterns("build", "*.egg-info")
    )
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    done = subprocess.run([*pip, "--target", str(site), str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [found.value for found in entry_points(group=GROUP, name="settle")] == ["headrace_settle.settle:Settle"]
    assert described(open_registry().entries["settle"])[0].startswith("Exponential smoothing")
    assert run("recipes", "check", "settle", "--seed", "3", "--json") == 0
    outcome = json.loads(capsys.readouterr().out)
    assert list(outcome) == ["recipe", "claim", "measured", "baselines", "holds", "seed"]
    assert (outcome["recipe"], outcome["holds"], outcome["seed"]) == ("settle", True, 3)
    assert outcome["measured"]["rmse"] < 0.5 * outcome["baselines"]["last reading"]["rmse"]
    assert run("recipes", "--status", "works", "--json") == 0
    assert "settle" in [row["recipe"] for row in json.loads(capsys.readouterr().out)]


def point(site: Path, package: str) -> EntryPoint:
    """The entry point of an installed package."""
    return next(found for found in entry_points(group=GROUP) if found.dist and found.dist.name == package)
