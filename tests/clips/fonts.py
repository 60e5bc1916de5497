"""The DejaVu fonts that Matplotlib carries, so that no font of the system is needed."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from headrace.core.errors import ConfigError

SANS, BOLD = "DejaVuSans", "DejaVuSans-Bold"
SERIF, SERIF_BOLD = "DejaVuSerif", "DejaVuSerif-Bold"
MONO = "DejaVuSansMono"


@lru_cache(maxsize=64)
def font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """The font `name` at `size` pixels, laid out without shaping so that every machine draws the same."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ConfigError("the clips take their fonts from matplotlib, which is missing: pip install matplotlib")
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=8192)
def extent(name: str, size: int, text: str) -> tuple[int, int, int, int]:
    """Where the ink of `text` lies from its place: x0, y0, x1, y1 in pixels."""
    x0, y0, x1, y1 = font(name, size).getbbox(text)
    return (int(x0), int(y0), int(x1), int(y1))
