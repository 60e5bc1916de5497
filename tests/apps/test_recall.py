"""What a run has acknowledged can be asked for: as it goes on, after it was killed, and of several sources at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")
pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from headrace.apps.asking import Recollection
from headrace.apps.recall import Recall, recall
from headrace.apps.watch import Options, watch
from headrace.core.item import SECOND, Emission
from headrace.core.stateful import load
from tests.apps.watching import headrace, other, short, start
from tests.clips import UNSHOWN

SOURCES = ("door", "hall")


def sources() -> list[str]:
    """Two streams that show different words."""
    return [f"door={short()[0]}", f"hall={other()[0]}"]


def held(known: Recall) -> set[tuple[str, str]]:
    """Source and id of everything that is remembered."""
    rows = [(name, row) for name, memory in known.memories.items() for row in memory.rows()]
    assert all(row.source == name for name, row in rows)
    return {(name, row.id) for name, row in rows}


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, list[Emission], list[Recall], list[set[tuple[str, str]]]]:
    """A run of two sources: its folder, what it told, and what could be recalled each time."""
    folder = tmp_path_factory.mktemp("two") / "out"
    told, found, known = list[Emission](), list[Recall](), list[set[tuple[str, str]]]()

    def look(emission: Emission) -> None:
        told.append(emission)
        if emission.kind in ("text", "event"):
            found.append(recall(folder))
            known.append({(one.source, one.id) for one in told if one.kind in ("text", "event")})

    watch(sources(), Options(out=folder, every_s=0.001), publish=look)
    return folder, told, found, known


def test_all_that_a_run_has_acknowledged_so_far_is_there(finished: Any) -> None:
    _, told, found, known = finished
    assert len(found) > len(short()[1].lines) + len(other()[1].lines)
    for recalled, acknowledged in zip(found, known, strict=True):
        assert recalled.running
        assert recalled.result is None
        assert list(recalled.memories) == list(SOURCES)
        assert acknowledged <= held(recalled)
    times = [recalled.now for recalled in found]
    assert times == sorted(times)
    assert times[-1] >= max(one.t_input for one in told if one.kind == "text")


def test_a_finished_run_is_recalled_as_it_ended(finished: Any) -> None:
    folder, told, *_ = finished
    known = recall(folder)
    assert known.result is not None
    assert (known.running, known.now) == (False, round(known.result.run.media_s * SECOND))
    assert held(known) == {(one.source, one.id) for one in told if one.kind in ("text", "event")}
    assert [
        state.meta["own"]["position"] for state in (load(folder / "state" / f"{n}.safetensors") for n in (0, 1))
    ] == [
        None,
        None,
    ]


def test_a_question_to_two_sources_is_answered_from_the_one_that_showed_it(finished: Any) -> None:
    folder = finished[0]
    known = Recollection.of([folder])
    for name, (_, truth) in zip(SOURCES, (short(), other()), strict=True):
        line = truth.lines[-1]
        made = known.ask(f"when did it say {line.text}?")
        assert made.seen
        assert made.evidence[0].source == name
        assert f"({name})" in made.text
        elsewhere = next(one for one in SOURCES if one != name)
        assert not Recollection.of([folder], [elsewhere]).ask(f"when did it say {line.text}?").seen
        assert Recollection.of([folder], [name]).ask(f"when did it say {line.text}?").text == made.text
    assert known.ask(f"the {UNSHOWN[0]} {UNSHOWN[1]}").text == "not seen"


def test_answers_and_alerts_of_a_run_of_two_sources_quote_theirs(tmp_path: Path) -> None:
    """Each source has standing questions of its own; the same clip twice comes true twice."""
    line, same = other()[1].lines[-1].text, short()[1].lines[0].text
    options = Options(ask=[line, same], when=[same, line], out=tmp_path)
    result = watch([*sources(), f"copy={short()[0]}"], options)
    first, second = result.answers
    assert {proof.source for proof in first.evidence} == {"hall"}
    assert {proof.source for proof in second.evidence} == {"door", "copy"}
    assert "(hall)" in first.text
    assert "(door)" in second.text or "(copy)" in second.text
    fired = sorted((alert.when, alert.evidence[0].source) for alert in result.alerts)
    assert fired == sorted([(same, "door"), (same, "copy"), (line, "hall")])
    assert len({alert.id for alert in result.alerts}) == 3
    assert list(result.series) == ["door", "hall", "copy"]


@pytest.mark.parametrize("after", [1, 9])
def test_a_killed_run_has_lost_nothing_that_it_acknowledged(after: int, tmp_path: Path) -> None:
    """The trace is cut at any byte by a crash; here behind `after` emissions that a reader has seen."""
    settings = tmp_path / "headrace.toml"
    settings.write_text("[watch]\nsave_every = 0.001\n")
    out, told = tmp_path / "out", list[dict[str, Any]]()
    with start("watch", *sources(), "--speed", "4", "--out", out, "--json", config=settings) as process:
        assert process.stdout is not None
        told += [json.loads(process.stdout.readline()) for _ in range(after)]
        process.kill()
        told += [json.loads(line) for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    known = recall(out)
    assert (known.running, known.result) == (False, None)
    assert list(known.memories) == list(SOURCES)
    assert {(one["source"], one["id"]) for one in told if one["kind"] in ("text", "event")} <= held(known)
    assert known.now >= max(one["t_input"] for one in told)
    shown = next((one for one in told if one["kind"] == "text"), None)
    if shown is not None:
        answered = headrace("ask", out, shown["content"]["text"], "--json")
        assert (answered.returncode, answered.stderr) == (0, "")
        assert json.loads(answered.stdout)["seen"]
