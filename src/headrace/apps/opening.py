"""Opening: from what a user names to sources that have given their first item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from pathlib import Path

from headrace.apps.manifest import Given
from headrace.apps.primed import Primed
from headrace.apps.result import SourceInfo
from headrace.apps.session import RATE
from headrace.apps.wording import clean
from headrace.core.errors import ConfigError, HeadraceError, InputError
from headrace.core.item import SECOND
from headrace.media import open_source
from headrace.media.address import redact
from headrace.media.source import MediaSource

#: The address of the clip that comes with the package.
DEMO = "demo:"

_NAMED = re.compile(r"([^=/\\:?&]{1,60})=(.+)", re.DOTALL)


@dataclass(frozen=True)
class Wanted:
    """A source as it was asked for.

    Attributes:
        name: its name, "" to take it from the address.
        address: what to open.
    """

    name: str
    address: str

    @classmethod
    def of(cls, text: str | Path) -> Wanted:
        """`NAME=ADDRESS`, or an address alone (also a file that has such a name).

        Raises:
            ConfigError: the name has no letter or digit.
        """
        found = _NAMED.fullmatch(str(text))
        if found is None or _exists(Path(str(text))):
            return cls("", str(text))
        name = clean(found[1]).strip()
        if not re.search(r"\w", name):
            raise ConfigError(f"--source {redact(str(text))!r}: the name before = needs a letter or digit")
        return cls(name, found[2])

    def given(self, name: str) -> Given:
        """As it is noted: without credentials, and a file by its whole path."""
        local = Path(self.address)
        if self.address not in (DEMO, "-") and _exists(local):
            return Given(name, str(local.absolute()))
        shown = redact(self.address)
        return Given(name, shown, shown == self.address)


@dataclass(slots=True)
class Opened:
    """A source that can be read.

    Attributes:
        info: what is reported of it.
        source: open, its first item not yet read; None if it had ended before or could not be opened.
        fault: why it could not be opened.
    """

    info: SourceInfo
    source: MediaSource | None = None
    fault: HeadraceError | None = None
    primed: Primed | None = None

    def prime(self) -> None:
        """Read the first item, if there is a source; an InputError becomes the fault."""
        if self.source is None:
            return
        try:
            self.primed = Primed(self.source)
        except InputError as error:
            self.fault = error
            self.source.close()

    def give_up(self, fault: HeadraceError) -> None:
        """It is not watched after all."""
        self.close()
        self.fault, self.source, self.primed = fault, None, None

    def close(self) -> None:
        if self.source is not None:
            self.source.close()


def named(wanted: Sequence[Wanted]) -> list[Given]:
    """What to note of each source, under names that differ."""
    givens: list[Given] = []
    for want in wanted:
        plain = want.name or clean("demo" if want.address == DEMO else redact(want.address))
        taken = [given.name for given in givens]
        if want.name and want.name in taken:
            raise ConfigError(f"two sources are named {want.name!r}; give each a name of its own")
        name = next(name for name in _numbered(plain) if name not in taken)
        givens.append(want.given(name))
    return givens


def open_all(wanted: Sequence[Wanted], givens: Sequence[Given], ended: Callable[[int], bool]) -> list[Opened]:
    """Open the sources that have not ended; one that cannot be opened is a fault of its own where there are others.

    Raises:
        InputError: none can be opened.
    """
    opened: list[Opened] = []
    try:
        for number, (want, given) in enumerate(zip(wanted, givens, strict=True)):
            opened.append(Opened(SourceInfo(given.name)) if ended(number) else _open(want, given.name))
    except BaseException:
        for other in opened:
            other.close()
        raise
    return opened


def expect_one(opened: Sequence[Opened]) -> None:
    """Raise the first fault if there is nothing to watch at all."""
    faults = [one.fault for one in opened if one.fault is not None]
    if len(faults) == len(opened):
        for one in opened:
            one.close()
        raise faults[0]


def _open(want: Wanted, name: str) -> Opened:
    packaged = want.address == DEMO
    path = str(files("headrace.apps").joinpath("demo/demo.mp4")) if packaged else want.address
    try:
        source = open_source(path, name=name, every=SECOND // RATE, sound=True)
    except InputError as error:
        return Opened(SourceInfo(name, redact(want.address)), fault=error)
    info = source.info
    about = SourceInfo(
        name,
        DEMO if packaged else clean(info.name),
        info.width,
        info.height,
        info.fps or 0.0,
        info.duration / SECOND if info.duration else None,
        channels=info.channels,
        rate=info.rate,
    )
    return Opened(about, source)


def _numbered(name: str) -> Iterator[str]:
    """The name, then name#2, name#3, …"""
    yield name
    yield from (f"{name}#{number}" for number in count(2))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
