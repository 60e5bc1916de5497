"""Results: the status that follows from a run, and the files that keep it."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.recipe import Check, Recipe, Row
from headrace.recipes.registry import Entry
from headrace.recipes.results import (
    Result,
    apply,
    packaged_path,
    read_results,
    record,
    user_path,
    write_results,
)
from headrace.recipes.runner import Tree, read_tree, run_check

RAN = Result(
    holds=True,
    measured={"recall": 0.9},
    baselines={"always": {"recall": 1.0}},
    seed=0,
    note="a note",
    missing=(),
    full=False,
    source="",
    commit="abc",
    dirty=False,
)


@dataclass(frozen=True)
class Given(Recipe):
    """A recipe whose check does as told."""

    name: ClassVar[str] = "given"
    claim: ClassVar[str] = "as told"
    missing: ClassVar[tuple[str, ...]] = ("half of it",)

    def build(self) -> None:
        return None

    def check(self, seed: int = 0, full: bool = False) -> Check:
        if seed == 13:
            raise ZeroDivisionError("by\nzero")
        if seed == 14:
            raise ConfigError("needs the ocr extra")
        return Check({"x": seed}, {"none": {"x": 0}}, seed < 5, seed, "told")


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    source = tmp_path / "given.py"
    source.write_text("given")
    return Entry("given", __name__, "Given", source)


def row(entry: Entry | None, packaged: Result | None = None, user: Result | None = None) -> Row:
    return apply(Row("given", "", "", "", "", ""), entry, packaged, user)


def test_no_result_is_planned(entry: Entry) -> None:
    assert row(None).status == row(entry).status == "planned"


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({}, "works", ""),
        ({"missing": ("a", "b")}, "partial", "missing: a, b"),
        ({"holds": False}, "partial", "the claim did not hold: a note"),
        ({"holds": False, "note": "", "missing": ("a",)}, "partial", "the claim did not hold; missing: a"),
    ],
)
def test_status_follows_from_the_run(entry: Entry, change: dict[str, Any], status: str, reason: str) -> None:
    shown = row(entry, replace(RAN, source=entry.digest(), **change))
    assert (shown.status, shown.reason, shown.stale, shown.commit) == (status, reason, False, "abc")


def test_a_result_older_than_its_source_is_stale(entry: Entry) -> None:
    old = replace(RAN, source=entry.digest())
    assert entry.source
    entry.source.write_text("given, changed")
    assert row(entry, old).stale


def test_the_user_s_result_counts_unless_only_the_packaged_one_is_fresh(entry: Entry) -> None:
    fresh = replace(RAN, source=entry.digest())
    assert row(entry, fresh, replace(fresh, commit="mine")).commit == "mine"
    assert row(entry, fresh, replace(RAN, commit="mine")).commit == "abc"
    assert row(entry, RAN, replace(RAN, commit="mine")).commit == "mine"


def test_a_dirty_tree_is_recorded_as_such(entry: Entry) -> None:
    result = run_check(entry, tree=Tree("abc", dirty=True)).result
    assert (result.commit, result.dirty) == ("", True)
    assert row(entry, result).commit == "dirty"


def test_a_run_keeps_what_was_measured(entry: Entry) -> None:
    outcome = run_check(entry, seed=2, tree=Tree("abc"))
    assert outcome.result == replace(
        RAN,
        measured={"x": 2.0},
        baselines={"none": {"x": 0.0}},
        seed=2,
        note="told",
        missing=("half of it",),
        source=entry.digest(),
    )
    assert not run_check(entry, seed=7).result.holds


def test_a_check_that_raises_is_a_run_that_did_not_hold(entry: Entry) -> None:
    result = run_check(entry, seed=13).result
    assert (result.status, result.holds, result.seed) == ("partial", False, 13)
    assert "the check raised ZeroDivisionError: by" in result.reason
    with pytest.raises(ConfigError, match="ocr extra"):
        run_check(entry, seed=14)


def test_files_read_back_and_records_add_up(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.json"
    assert read_results(path) == {}
    record(path, "b", RAN)
    record(path, "a", replace(RAN, missing=("x",)))
    record(path, "b", replace(RAN, seed=4))
    assert read_results(path) == {"a": replace(RAN, missing=("x",)), "b": replace(RAN, seed=4)}
    assert list(json.loads(path.read_text())["results"]) == ["a", "b"]


def test_the_packaged_file_is_sound() -> None:
    results = read_results(packaged_path())
    assert all(not result.dirty and result.commit for result in results.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a readable results file"),
        ("[]", "is not a results file of headrace"),
        ('{"format": 9, "results": {}}', "has format 9, this headrace reads 1"),
        ('{"format": 1, "results": {"a": {"holds": true}}}', "result of a: measured is missing or wrong"),
        ('{"format": 1, "results": {"a": 3}}', "result of a: holds is missing or wrong"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_results(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written .*; set recipes\.results"):
        write_results(tmp_path / "file" / "results.json", {})


def test_where_the_user_s_file_is(tmp_path: Path) -> None:
    assert user_path("", {"XDG_DATA_HOME": "/data"}) == Path("/data/headrace/results.json")
    assert user_path("", {}) == Path.home() / ".local/share/headrace/results.json"
    assert user_path("mine.json") == Path("mine.json")


def test_the_tree_of_a_file(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = tmp_path / "tree"
    folder.mkdir()
    source = folder / "recipe.py"
    source.touch()
    assert read_tree(None) == read_tree(source) == Tree()

    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    (folder / ".gitignore").write_text("ignored.py\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "one")
    head = git("rev-parse", "HEAD")
    assert read_tree(source) == Tree(head)
    (folder / "ignored.py").touch()
    assert read_tree(folder / "ignored.py") == Tree()
    (folder / "new.py").touch()
    assert read_tree(source) == Tree(head, dirty=True)
