"""What `headrace recipes check` prints fits a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.cli import main
from headrace.core.recipe import Check
from headrace.recipes.jitserve import JITServe


def check(figures: int, own: int) -> Check:
    """Of so many figures that the baselines have too, and so many that compare them."""
    each = {f"figure_{number}": number + 0.5 for number in range(figures)}
    return Check(each | {f"times_{number}": 2.0 for number in range(own)}, {"fcfs": each, "edf": each}, True, 0)


def printed(
    made: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[list[str]]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(JITServe, "check", lambda self, seed=0, full=False: made)
    with pytest.raises(SystemExit) as end:
        main(["recipes", "check", "jitserve"])
    assert not end.value.code
    return [line.split("\t") for line in capsys.readouterr().out.splitlines()[1:]]


@pytest.mark.parametrize(
    ("figures", "own", "head", "rows"),
    [
        (6, 2, ["method", *(f"figure_{n}" for n in range(6)), "times_0", "times_1"], 3),
        (12, 2, ["figure", "jitserve", "fcfs", "edf"], 14),
        (58, 3, ["figure", "jitserve"], 3),
        (58, 0, ["figure", "jitserve", "fcfs", "edf"], 58),
    ],
)
def test_a_table_is_as_wide_as_its_methods_or_its_few_figures(
    figures: int,
    own: int,
    head: list[str],
    rows: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(check(figures, own), tmp_path, monkeypatch, capsys)
    assert lines[0] == head
    assert [len(line) for line in lines[1 : rows + 1]] == [len(head)] * rows
    assert (f"{figures} figures of each method: --json" in {line[0] for line in lines}) == (len(head) == 2)
