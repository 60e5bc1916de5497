"""`headrace watch` on broken and odd inputs: refused in one line, or watched, with what was mended counted.

Never a traceback, never a hang, never an end of the process, never much memory. The inputs are in `inputs.py`,
each with what must become of it; `damage.py` makes as many more as one likes, of which nothing is known but this.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("av")
pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from headrace.apps.result import Result, SourceInfo
from headrace.cli_output import printable
from tests.broken.case import Outcome, Refused, Watched
from tests.broken.command import Command, Said, watch
from tests.broken.damage import KINDS, WHOLE, damage, whole
from tests.broken.inputs import CATALOGUE

WHOLE_SUITE = os.environ.get("HEADRACE_SUITE") == "whole"
#: What the line may tell to do.
DO = "change|check|connect|convert|copy|give|install|mend|record|save|use|write"
#: Bytes that a call may take beyond what it had, the first one with all its modules included.
MOST = 2 << 30


@pytest.fixture(scope="module")
def command() -> Iterator[Command]:
    made = Command()
    yield made
    made.close()


def check(said: Said, sources: list[str], out: Path, expect: Outcome | None) -> None:
    """One line and nothing written, or a whole result; and, if `expect` is known, that."""
    assert said.code in (0, 2), said.err
    assert said.peak < MOST
    if said.code == 2:
        assert said.out == ""
        assert re.fullmatch(r"headrace: error: .+\n", said.err), said.err
        names = [*sources, *(source.partition("=")[2] for source in sources if "=" in source)]
        assert any(printable(name) in said.err or repr(name) in said.err for name in names), said.err
        assert re.search(rf"[;:,] (or |and )?({DO})\b", said.err), f"does not say what to do: {said.err}"
        assert not out.exists()
        assert expect is None or isinstance(expect, Refused), said.err
        assert expect is None or expect.says in said.err
        return
    assert said.err == ""
    result = Result.load(out / "events.json")
    printed = json.loads(said.out.splitlines()[-1])
    assert printed.pop("type") == "result"
    assert Result.from_json(json.dumps(printed)) == result
    assert len(result.sources) == len(sources)
    assert result.run.media_s >= 0
    for source in result.sources:
        assert source.frames_read > 0 or source.channels > 0
        assert expect is None or isinstance(expect, Watched), f"watched: {source}"
        if expect is not None:
            agree(source, expect)


def agree(source: SourceInfo, expect: Watched) -> None:
    """The account of a source is as expected."""
    least, most = expect.frames if isinstance(expect.frames, tuple) else (expect.frames, expect.frames)
    assert least <= source.frames_read <= most, source
    if expect.errors is not None:
        assert len(source.errors) == len(expect.errors), source
        for error, pattern in zip(source.errors, expect.errors, strict=True):
            assert re.fullmatch(pattern, error), source
    assert expect.size in (None, (source.width, source.height))
    assert expect.channels in (None, source.channels)


def test_the_catalogue_is_large() -> None:
    assert len(CATALOGUE) >= 120


@pytest.mark.parametrize("name", CATALOGUE)
def test_known_input(name: str, command: Command, tmp_path: Path) -> None:
    case = CATALOGUE[name]
    (tmp_path / "in").mkdir()
    made = case.make(tmp_path / "in")
    sources = [str(source) for source in (made if isinstance(made, list) else [made])]
    said = watch(command, sources, tmp_path / "out")
    check(said, sources, tmp_path / "out", case.expect)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WHOLE)
def test_damaged_file(name: str, kind: str, command: Command, tmp_path: Path) -> None:
    """Ten damages of each kind to each file, a tenth of the pairs in the usual suite."""
    seeds = range(10) if WHOLE_SUITE else range(1) if (len(name) + ord(name[-1]) + len(kind)) % 3 == 0 else range(0)
    for seed in seeds:
        path = tmp_path / f"{seed}-{name}"
        path.write_bytes(damage(whole(name), kind, seed))
        out = tmp_path / f"out-{seed}"
        check(watch(command, [str(path)], out), [str(path)], out, None)


@given(
    name=st.sampled_from(["a.mp4", "a.mkv", "a.ts"]),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4),
    seed=st.integers(0, 10**6),
)
@settings(max_examples=200 if WHOLE_SUITE else 20)
def test_any_damage(
    name: str, kinds: list[str], seed: int, command: Command, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Several damages at once to a file with pictures and sound."""
    folder = tmp_path_factory.mktemp("any")
    data = whole(name)
    for step, kind in enumerate(kinds):
        data = damage(data, kind, seed + step) if data else data
    path = folder / name
    path.write_bytes(data)
    check(watch(command, [str(path)], folder / "out"), [str(path)], folder / "out", None)
