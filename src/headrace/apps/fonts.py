"""Fonts: which of those installed can write a text in a picture."""

from __future__ import annotations

from functools import cache

#: The font of everything that it can write; it comes with matplotlib.
FIRST = "DejaVu Sans"

#: Tried first for what `FIRST` lacks; others follow in the order of their names.
LIKED = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Source Han Sans",
    "WenQuanYi Micro Hei",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans",
)

#: Begins the names of fonts that hold a box for every character there is.
BOXES = "Last Resort"


def families(text: str) -> list[str]:
    """Families of installed fonts that together can write `text`, as far as there are any."""
    return _cover(text)[0]


def writable(text: str) -> str:
    """`text` with an ellipsis for every run of characters that no installed font can write."""
    lacking = _cover(text)[1]
    out = ""
    for character in text:
        out += character if character not in lacking else "" if out.endswith("…") else "…"
    return out


def _cover(text: str) -> tuple[list[str], set[str]]:
    """The families, and the characters that they cannot write."""
    from matplotlib.font_manager import findfont, fontManager

    lacking = {character for character in text if not character.isspace()}
    lacking -= _characters(findfont(FIRST))
    found = [FIRST]
    if lacking:
        rank = {name: place for place, name in enumerate(LIKED)}
        fonts = {entry.name: entry.fname for entry in fontManager.ttflist if entry.style == "normal"}
        fonts = {name: path for name, path in fonts.items() if not name.startswith(BOXES)}
        for name in sorted(fonts, key=lambda name: (rank.get(name, len(rank)), name)):
            held = lacking & _characters(fonts[name])
            if held:
                found.append(name)
                lacking -= held
            if not lacking:
                break
    return found, lacking


@cache
def _characters(path: str) -> frozenset[str]:
    """What a font file has glyphs for; nothing if it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(chr(code) for code in FT2Font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()
