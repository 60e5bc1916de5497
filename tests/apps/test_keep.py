"""Retention: how rules read, and what of a clip is left in the files of a run."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

pytest.importorskip("av")
pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

from headrace.apps.keep import KINDS, ROWS, Keep
from headrace.apps.recall import recall
from headrace.apps.watch import Options, watch
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND, Emission
from headrace.core.trace import read_trace
from tests.apps.watching import short

HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("rules", "ages"),
    [
        ([], {}),
        (["thumbnails=2h"], {"thumbnail": 2 * HOUR}),
        (["text=30d", "speech=0"], {"text": 720 * HOUR, "speech": 0}),
        (["events=1.5m", "sounds=90s"], {"event": 90 * SECOND, "sound": 90 * SECOND}),
        (["text=1h", "text=forever"], {}),
        (["all=1h", "text=forever"], {kind: HOUR for kind in KINDS.values() if kind != "text"}),
        (["text=forever", "all=0"], dict.fromkeys(KINDS.values(), 0)),
    ],
)
def test_rules(rules: list[str], ages: dict[str, int]) -> None:
    assert Keep.parse(rules).ages == ages


@pytest.mark.parametrize(
    "wrong",
    ["", "text", "text=", "=1h", "words=1h", "text=1", "text=1w", "text=-1h", "text=1h ", "text=nan", "text=1e3s"],
)
def test_what_is_no_rule(wrong: str) -> None:
    with pytest.raises(ConfigError, match="is no rule; write KIND=AGE, such as thumbnails=2h") as raised:
        Keep.parse(["text=1h", wrong])
    assert "\n" not in str(raised.value)
    assert repr(wrong) in str(raised.value)


def test_what_a_rule_means() -> None:
    keep = Keep.parse(["text=90s", "speech=0"])
    assert [keep.stores(kind) for kind in ROWS] == [kind != "speech" for kind in ROWS]
    assert keep.before("text", 100 * SECOND) == 10 * SECOND
    assert keep.before("sound", 100 * SECOND) is None
    assert (keep.unstored, keep.private, keep.shortest) == (["speech"], True, 90 * SECOND)
    assert (Keep().unstored, Keep().private, Keep().shortest) == ([], False, None)
    assert Keep.parse(["thumbnails=1s", "events=0"]).shortest is None


def words(slide: int) -> set[bytes]:
    """What is shown on a slide and nowhere else, in small letters; short words may stand in any file."""
    said = {line.slide: set[str]() for line in short()[1].lines}
    for line in short()[1].lines:
        said[line.slide] |= set(re.findall(r"[a-z]{6,}", line.text.lower()))
    others = set(chain.from_iterable(found for number, found in said.items() if number != slide))
    return {word.encode() for word in said[slide] - others}


def left(folder: Path, wanted: set[bytes]) -> dict[str, list[bytes]]:
    """The words that are in the bytes of each file."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = {
        str(path.relative_to(folder)): [word for word in wanted if word in path.read_bytes().lower()] for path in files
    }
    return {name: hits for name, hits in found.items() if hits}


def test_the_words_of_the_clip_are_found_in_the_files_of_a_run_that_keeps_them(tmp_path: Path) -> None:
    """Else the tests below would show nothing."""
    watch(short()[0], Options(out=tmp_path))
    for slide in (0, 1):
        assert len(words(slide)) >= 4
        holding = left(tmp_path, words(slide))
        assert {"trace.jsonl", "events.json", "report.html", "memory/0.safetensors"} <= holding.keys()
    assert list((tmp_path / "thumbnails").iterdir())


def test_text_that_is_not_stored_is_in_no_file(tmp_path: Path) -> None:
    """Not at the end, and not on the way there; it is told all the same."""
    every, held, saved = words(0) | words(1), list[dict[str, list[bytes]]](), set[int]()

    def look(emission: Emission) -> None:
        if emission.kind in ("event", "text"):
            held.append(left(tmp_path, every))
            saved.add(sum(1 for _ in (tmp_path / "state").iterdir()))

    options = Options(out=tmp_path, keep=["text=0", "thumbnails=0"], every_s=0.001)
    result = watch(short()[0], options, publish=look)
    assert saved == {0, 1}
    assert len(held) > len(short()[1].lines)
    assert not any(held)
    assert left(tmp_path, every) == {}
    assert (result.text, list((tmp_path / "thumbnails").iterdir())) == ([], [])
    assert [mark.thumbnail for mark in result.events] == [None, None]
    told = [record for record in read_trace(tmp_path / "trace.jsonl") if record["type"] == "emit"]
    assert {record["kind"]: record["content"] is None for record in told} == {"text": True, "event": False}
    (memory,) = recall(tmp_path).memories.values()
    assert {row.kind for row in memory.rows()} == {"event"}


def test_what_is_too_old_is_in_no_file_at_the_end(tmp_path: Path) -> None:
    """The first slide is gone when the clip ends, the second is still young."""
    result = watch(short()[0], Options(out=tmp_path, keep=["text=5s", "events=5s", "thumbnails=5s"], every_s=0.001))
    start = next(line.on for line in short()[1].lines if line.slide == 1)
    assert left(tmp_path, words(0)) == {}
    assert {"events.json", "report.html", "memory/0.safetensors"} <= left(tmp_path, words(1)).keys()
    assert result.text
    assert all(line.last_s >= start for line in result.text)
    ages = {line.last_s for line in result.text} | {mark.t_s for mark in result.events}
    assert all(age >= result.run.media_s - 5 for age in ages)
    pictures = {f"thumbnails/{path.name}" for path in (tmp_path / "thumbnails").iterdir()}
    assert pictures == {mark.thumbnail for mark in result.events if mark.thumbnail}
