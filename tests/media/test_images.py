from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND
from headrace.media import open_source, probe
from tests.media.helpers import image, stamps


@pytest.fixture
def folder(tmp_path):
    for index in (1, 2, 10):
        image(tmp_path / f"shot {index}.png", np.full((12, 16, 3), 10 * index, np.uint8))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    return tmp_path


def test_natural_order_one_a_second(folder):
    items = list(open_source(folder).items())
    assert stamps(items) == [0, SECOND, 2 * SECOND]
    greys = [int(item.data.rgb()[5, 5, 0]) for item in items]
    assert all(abs(a - b) <= 2 for a, b in zip(greys, (10, 20, 100), strict=True))


def test_rate_info_and_loop(folder):
    info = probe(folder, fps=4)
    assert (info.kind, info.width, info.height, info.fps, info.duration) == (
        "images",
        16,
        12,
        4.0,
        3 * SECOND // 4,
    )
    source = open_source(folder, fps=4, loop=True)
    assert stamps(islice(source.items(), 7)) == [k * SECOND // 4 for k in range(7)]
    for rate in (0, -1, 1e-7, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="positive"):
            open_source(folder, fps=rate)


def test_a_damaged_image_leaves_a_gap(folder):
    (folder / "shot 2.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    source = open_source(folder)
    assert stamps(source.items()) == [0, 2 * SECOND]
    assert source.stats.decode_errors == 1


def test_a_folder_of_damaged_images(tmp_path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match="none of the 1 images"):
        open_source(tmp_path)
