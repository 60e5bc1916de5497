"""PatchEncoder: tokens tell structure and colour, and nothing of brightness or contrast."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.frame import Frame
from headrace.core.item import Item
from headrace.understanding.tokens import Tokens
from headrace.understanding.tokens.patches import Encode, PatchEncoder


def picture(seed: int = 0, height: int = 48, width: int = 80) -> Frame:
    draw = np.random.default_rng(seed)
    y = draw.integers(60, 160, (height // 4, width // 4)).repeat(4, axis=0).repeat(4, axis=1)
    u, v = (draw.integers(90, 160, (height // 8, width // 8)).repeat(4, axis=0).repeat(4, axis=1) for _ in range(2))
    return Frame(*(plane.astype(np.uint8) for plane in (y, u, v)), full_range=True)


def likeness(one: Frame, other: Frame) -> np.ndarray:
    encoder = PatchEncoder()
    return (encoder.encode(one) * encoder.encode(other)).sum(axis=2)


@pytest.mark.parametrize(("patch", "size"), [(16, 48), (8, 24), (16, 10), (16, 264)])
def test_every_patch_has_a_token_of_length_one(patch: int, size: int) -> None:
    features = PatchEncoder(patch, size).encode(picture(1, 48, 80))
    assert features.dtype == np.float32
    assert features.shape == (48 // patch, 80 // patch, size)
    assert np.allclose((features**2).sum(axis=2), 1, atol=1e-5)


def test_brightness_and_contrast_do_not_count_but_structure_and_colour_do() -> None:
    frame = picture()
    brighter = Frame(frame.y + 40, frame.u, frame.v)
    assert np.allclose(likeness(frame, brighter), 1, atol=1e-5)
    dim = Frame(*((128 + (plane.astype(int) - 128) // 2).astype(np.uint8) for plane in (frame.y, frame.u, frame.v)))
    assert likeness(frame, dim).min() > 0.95
    assert likeness(frame, picture(5)).max() < 0.8
    assert likeness(frame, Frame(frame.y, frame.v, frame.u)).min() < 0.8
    flipped = Frame(frame.y[:, ::-1].copy(), frame.u, frame.v)
    assert likeness(frame, flipped).mean() < 0.8


def test_flat_patches_are_alike_and_grey_ones_have_tokens_too() -> None:
    flat = [Frame(np.full((32, 32), level, np.uint8)) for level in (0, 255)]
    assert np.allclose(likeness(*flat), 1)
    grey = Frame(picture().y)
    assert np.allclose((PatchEncoder().encode(grey) ** 2).sum(axis=2), 1, atol=1e-5)


def test_one_patch_is_judged_by_itself_and_what_is_left_over_is_not_seen() -> None:
    frame = picture()
    cut = Frame(frame.y[16:32, 32:48].copy(), frame.u[8:16, 16:24].copy(), frame.v[8:16, 16:24].copy())
    encoder = PatchEncoder()
    assert np.allclose(encoder.encode(cut)[0, 0], encoder.encode(frame)[1, 2], atol=1e-6)
    assert encoder.encode(picture(0, 48, 88)).shape == (3, 5, 48)


def test_encode_makes_tokens_of_frames_and_lets_the_rest_pass() -> None:
    step = Encode(PatchEncoder())
    (made,) = step.step(Item(5, "video", picture(), 7, source="a"))
    assert (made.pts, made.arrival, made.kind, made.source) == (5, 7, "tokens", "a")
    assert isinstance(made.data, Tokens)
    assert made.data.sense == "sight"
    assert np.array_equal(made.data.features, PatchEncoder().encode(picture()))
    sound = Item(5, "audio", None)
    assert list(step.step(sound)) == [sound]


def test_what_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(InputError, match="a frame is needed, got str"):
        list(Encode(PatchEncoder()).step(Item(5, "video", "x", source="a")))
    with pytest.raises(InputError, match="smaller than a patch"):
        PatchEncoder().encode(Frame(np.zeros((8, 32), np.uint8)))
    for wrong in ({"patch": 6}, {"patch": 0}, {"size": 9}, {"size": 400}):
        with pytest.raises(ConfigError, match="patch encoder"):
            PatchEncoder(**wrong)
