"""Sound that write_video puts beside the pictures comes back at its time."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from headrace.core.errors import ConfigError
from headrace.core.frame import Frame
from headrace.media import write_video

RATE = 16_000
FRAMES = [Frame(np.full((48, 64), 4 * index, np.uint8)) for index in range(50)]


def ping(at: float, seconds: float = 2.0) -> np.ndarray:
    """Silence with 50 ms of a tone at `at`."""
    samples = np.zeros(round(seconds * RATE), np.float32)
    start = round(at * RATE)
    samples[start : start + 800] = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(800) / RATE)
    return samples


def decoded(path: Path) -> tuple[np.ndarray, float, int]:
    """Samples [channels, n], the time of the first beside the first picture's (s), and how many pictures."""
    with av.open(str(path)) as container:
        pictures = [frame.time for frame in container.decode(video=0)] if container.streams.video else [0.0]
    with av.open(str(path)) as container:
        pieces = list(container.decode(audio=0))
    data = [piece.to_ndarray().astype(float) for piece in pieces]
    if not pieces[0].format.is_planar:
        data = [piece.reshape(-1, len(pieces[0].layout.channels)).T / 32768 for piece in data]
    return np.concatenate(data, axis=1), pieces[0].time - pictures[0], len(pictures)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi", ".ts", ".flv"])
def test_sound_lies_beside_its_pictures(tmp_path, suffix, channels):
    one = ping(1.2)
    sound = one if channels == 1 else np.stack([one, ping(0.4)], axis=1)
    write_video(tmp_path / f"a{suffix}", FRAMES, 25, sound=sound, sound_rate=RATE)
    samples, begin, pictures = decoded(tmp_path / f"a{suffix}")
    assert pictures == len(FRAMES)
    assert len(samples) == channels
    near = 0.05 if suffix == ".avi" else 0.01  # AVI has no times: its pictures are told a frame late
    for heard, at in zip(samples, (1.2, 0.4), strict=False):
        loud = np.flatnonzero(np.abs(heard) > 0.25)
        assert begin + loud[0] / RATE == pytest.approx(at, abs=near)
        assert begin + loud[-1] / RATE == pytest.approx(at + 0.05, abs=near)
        assert np.abs(heard).max() == pytest.approx(0.5, abs=0.1)


def test_sound_without_pictures(tmp_path):
    write_video(tmp_path / "a.mkv", [], sound=ping(0.5), sound_rate=RATE)
    with av.open(str(tmp_path / "a.mkv")) as container:
        assert (len(container.streams.video), len(container.streams.audio)) == (0, 1)
    assert decoded(tmp_path / "a.mkv")[0].shape[1] == pytest.approx(2 * RATE, abs=1024)


def test_sound_is_longer_or_shorter_than_the_pictures(tmp_path):
    for seconds in (0.5, 4.0):
        write_video(tmp_path / "a.mp4", FRAMES, 25, sound=ping(0.1, seconds), sound_rate=RATE)
        samples, _, pictures = decoded(tmp_path / "a.mp4")
        assert pictures == len(FRAMES)
        assert samples.shape[1] == pytest.approx(seconds * RATE, abs=1024)


@pytest.mark.parametrize(
    ("shape", "rate", "says"), [((10, 1, 1), RATE, "shape"), ((10, 9), RATE, "shape"), ((10,), 12_345, "12345")]
)
def test_sound_that_cannot_be_encoded_is_refused(tmp_path, shape, rate, says):
    with pytest.raises(ConfigError, match=says):
        write_video(tmp_path / "a.mp4", FRAMES, 25, sound=np.zeros(shape, np.float32), sound_rate=rate)
    assert list(tmp_path.iterdir()) == []
