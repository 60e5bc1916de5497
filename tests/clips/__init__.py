"""Test clips with ground truth: moving pictures of text with sound, made from real pixels and a seed."""

from tests.clips.broken import broken
from tests.clips.layout import ALL
from tests.clips.recordings import KINDS, recording
from tests.clips.render import Clip, clip, endless, write
from tests.clips.scenes import Line, Segment, Truth
from tests.clips.sound import Ambience, Noise, Say, Sounding, Soundtrack, Speech, espeak
from tests.clips.stage import Recording
from tests.clips.words import COMMON, UNSHOWN, VOCABULARY

__all__ = [
    "ALL",
    "COMMON",
    "KINDS",
    "UNSHOWN",
    "VOCABULARY",
    "Ambience",
    "Clip",
    "Line",
    "Noise",
    "Recording",
    "Say",
    "Segment",
    "Sounding",
    "Soundtrack",
    "Speech",
    "Truth",
    "broken",
    "clip",
    "endless",
    "espeak",
    "recording",
    "write",
]
