"""Test clips with ground truth: moving pictures of text, made from real pixels and a seed."""

from tests.clips.broken import broken
from tests.clips.layout import ALL
from tests.clips.render import Clip, clip, endless, write
from tests.clips.scenes import Line, Segment, Truth
from tests.clips.words import UNSHOWN, VOCABULARY

__all__ = [
    "ALL",
    "UNSHOWN",
    "VOCABULARY",
    "Clip",
    "Line",
    "Segment",
    "Truth",
    "broken",
    "clip",
    "endless",
    "write",
]
