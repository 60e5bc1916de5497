from __future__ import annotations

from headrace.media import ParallelVideo, open_source
from headrace.recipes.quickvideo import QuickVideo
from tests.media.helpers import clip, signature


def test_build_makes_sources(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=2)
    source = QuickVideo(interval=24, read_ahead=1 << 20).build()(path)
    assert isinstance(source, ParallelVideo)
    assert signature(source) == signature(open_source(path))
    assert source.fallback == ""
