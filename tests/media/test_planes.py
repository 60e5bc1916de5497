from __future__ import annotations

import struct

import numpy as np
import pytest
from av.video.frame import VideoFrame

from headrace.media import VirtualVideo, open_source, write_video
from headrace.media.planes import Converter

RANDOM = np.random.default_rng(0)


def filled(name: str, width: int, height: int) -> VideoFrame:
    picture = VideoFrame(width, height, name)
    for plane in picture.planes:
        rows = np.frombuffer(plane, np.uint8)
        rows[:] = RANDOM.integers(16, 236, rows.size, dtype=np.uint8)
    return picture


@pytest.mark.parametrize("size", [(64, 48), (37, 21), (2, 2)])
def test_planar_formats_are_views_of_the_decoder(size):
    picture = filled("yuv420p", *size)
    frame = Converter()(picture)
    assert (frame.width, frame.height) == size
    assert frame.u.shape == ((size[1] + 1) // 2, (size[0] + 1) // 2)
    for plane, raw in zip((frame.y, frame.u, frame.v), picture.planes, strict=True):
        memory = np.frombuffer(raw, np.uint8)
        assert np.shares_memory(plane, memory)
        assert np.array_equal(plane, memory.reshape(-1, raw.line_size)[:, : plane.shape[1]])
        with pytest.raises(ValueError, match="read-only"):
            plane[0, 0] = 1


@pytest.mark.parametrize(("name", "first"), [("nv12", 0), ("nv21", 1)])
def test_interleaved_chroma_is_a_strided_view(name, first):
    picture = filled(name, 38, 22)
    frame = Converter()(picture)
    raw = np.frombuffer(picture.planes[1], np.uint8).reshape(11, -1)[:, :38]
    assert np.array_equal(frame.u, raw[:, first::2])
    assert np.array_equal(frame.v, raw[:, 1 - first :: 2])
    assert np.shares_memory(frame.u, np.frombuffer(picture.planes[1], np.uint8))


def test_grey_has_no_chroma_and_yuvj_is_full_range():
    assert Converter()(filled("gray", 20, 10)).u is None
    deep = Converter()(filled("gray10le", 20, 10))
    assert deep.u is None
    assert deep.y.shape == (10, 20)
    assert Converter()(filled("yuvj420p", 20, 10)).full_range
    assert not Converter()(filled("yuv420p", 20, 10)).full_range


def test_other_yuv_keeps_its_range():
    picture = VideoFrame(16, 16, "yuvj422p")
    for plane, value in zip(picture.planes, (250, 128, 128), strict=True):
        np.frombuffer(plane, np.uint8)[:] = value
    frame = Converter()(picture)
    assert frame.full_range
    assert frame.y.shape == (16, 16)
    assert abs(int(frame.y[5, 5]) - 250) <= 1


@pytest.mark.parametrize("size", [(64, 64), (64, 720)])
def test_rgb_comes_back_as_the_same_colours(size):
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8)
    image = np.repeat(colours, size[1] // 4, axis=0)[:, None, :].repeat(size[0], axis=1)
    frame = Converter()(VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24"))
    rows = np.arange(4) * (size[1] // 4) + size[1] // 8
    assert np.abs(frame.rgb()[rows, 32].astype(int) - colours).max() <= 4


# The matrix of a track header as it is, and as telephones held upright write it: a quarter turn clockwise.
_MATRICES = ((1, 0, 0, 0, 1, 0, 0, 0), (0, 1, 0, -1, 0, 0, 0, 0))


def test_a_turned_video_is_turned_back(tmp_path):
    path = tmp_path / "turned.mp4"
    source = next(iter(VirtualVideo(0, (64, 32), seconds=0.1).items())).data
    write_video(tmp_path / "plain.mp4", [source] * 3)
    upright, portrait = (struct.pack(">9i", *(int(x * 65536) for x in m[:8]), 1 << 30) for m in _MATRICES)
    data = (tmp_path / "plain.mp4").read_bytes()
    at = data.index(upright, data.index(b"tkhd"))
    path.write_bytes(data[:at] + portrait + data[at + len(portrait) :])
    plain = next(open_source(tmp_path / "plain.mp4").items()).data
    turned = next(open_source(path).items()).data
    assert (turned.width, turned.height) == (32, 64)
    assert np.array_equal(turned.y, np.rot90(plain.y, -1))
    assert np.array_equal(turned.u, np.rot90(plain.u, -1))
