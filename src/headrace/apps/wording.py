"""How times, sizes, counts and text from outside are written in everything a person reads."""

from __future__ import annotations

import math

#: Steps in seconds that a time axis may have.
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)

#: Characters that a terminal or a page would obey: controls (but white space), those that reorder
#: what stands around them, and halves of surrogate pairs.
OBEYED = frozenset(
    [c for c in map(chr, (*range(0x20), *range(0x7F, 0xA0))) if not c.isspace()]
    + list("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    + [chr(c) for c in range(0xD800, 0xE000)]
)
REMOVE = str.maketrans(dict.fromkeys(OBEYED, None))


def clean(text: str, limit: int = 0) -> str:
    """`text` on one line, without control, surrogate and direction characters.

    White space of any kind becomes one space. With a `limit` > 0 the result has at most that many
    characters, the last of which is then an ellipsis.
    """
    line = " ".join(text.translate(REMOVE).split())
    return line if not limit or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def clock(t_s: float, tenths: bool = False) -> str:
    """Media time as `h:mm:ss` or `m:ss`, with tenths of a second if asked."""
    whole = int(t_s * 10 + 1e-6) if tenths else int(t_s + 1e-6) * 10
    minutes, rest = divmod(max(whole, 0), 600)
    seconds = f"{rest // 10:02d}" + (f".{rest % 10}" if tenths else "")
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"


def period(start_s: float, end_s: float, tenths: bool = False) -> str:
    """Two clock times with a dash, or one where they read the same."""
    first, last = clock(start_s, tenths), clock(end_s, tenths)
    return first if first == last else f"{first}–{last}"


def length(seconds: float) -> str:
    """A duration in its two largest units: `0.4 s`, `43 s`, `3 min 05 s`, `2 h 00 min`, `3 d 04 h`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for unit, name, part, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // part:02d} {below}"
    return f"{whole} s"


def size(count: float) -> str:
    """Bytes in binary units, three digits: `512 B`, `1.46 MiB`, `64.0 MiB`."""
    if count < 1024:
        return f"{count:.0f} B"
    power = min(max(int(math.log(count * 1.024, 1024)), 1), 4)
    value = count / 1024**power
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {' KMGT'[power]}iB"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 event`, `1,204 events`; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def percent(share: float) -> str:
    """A share of 1 with two significant digits below 10 %: `0.21 %`, `2.2 %`, `64 %`."""
    value = 100 * share
    return f"{value:.2f} %" if 0 < value < 0.995 else f"{value:.1f} %" if 0 < value < 9.95 else f"{value:.0f} %"


def factor(value: float) -> str:
    """A multiple of real time: `4.8×`, `120×`."""
    return f"{value:.1f}×" if value < 99.95 else f"{value:.0f}×"


def ticks(span_s: float, most: int = 10) -> list[float]:
    """Round times from 0 to `span_s`, at most `most` + 1 of them."""
    step = next((s for s in STEPS if span_s / s <= most), 0)
    if not step:
        step = 86400 * math.ceil(span_s / 86400 / most)
    return [float(t) for t in range(0, int(span_s) + 1, step)]


def evenly(count: int, most: int) -> list[int]:
    """At most `most` indices below `count`, spread evenly, first and last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(i * (count - 1) / max(most - 1, 1)) for i in range(most)})
