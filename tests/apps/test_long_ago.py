"""What was seen more than 300 s ago is still answered, from the memory that a run leaves behind."""

from pathlib import Path

import pytest

import headrace.apps.opening as module
from benchmarks.watch.soak import Endless
from headrace.apps.recall import recall
from headrace.apps.watch import Options, watch
from headrace.core import SECOND
from headrace.media.info import Info
from headrace.understanding.extractive import answer
from headrace.understanding.search import Query
from tests.clips import UNSHOWN

SIZE, SECONDS = (640, 360), 345


def test_text_of_five_minutes_ago_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Endless(3, SIZE, SECONDS)
    source.info = Info(source.name, "file", *SIZE, 6.0, SECONDS * SECOND, "none", False)
    monkeypatch.setattr(module, "open_source", lambda *_, **__: source)
    result = watch(source.name, Options(out=tmp_path / "out", budget=256_000))
    memory = recall(tmp_path / "out").memories[source.name]
    now = round(result.run.media_s * SECOND)
    old = [line for line in result.text if line.last_s < result.run.media_s - 300 and len(line.text.split()) >= 3]
    assert len(old) >= 10
    found = 0
    for line in old:
        made = answer(Query(f"when did it say {line.text.lower()}?"), memory.read(Query(line.text), now))
        found += made.seen and made.evidence[0].text == line.text and made.evidence[0].end < now - 300 * SECOND
    assert found >= 0.95 * len(old)
    unseen = [f"what about the {a} {b}?" for a, b in zip(UNSHOWN[::2], UNSHOWN[1::2], strict=False)]
    assert not any(answer(Query(text), memory.read(Query(text), now)).seen for text in unseen)
