"""Recordings of plain colours, annotations of them, and systems to run over them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from headrace.core.item import SECOND, Emission, Item
from headrace.core.recipe import Check, Recipe
from headrace.evaluation.benchmark import Stream, Task, say
from headrace.evaluation.online import Prompt
from headrace.understanding.gates.everything import AdmitAll
from tests.evaluation.asked import COLOURS, Asked

#: Blue, green, red of each colour.
BGR = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0)}
#: What is shown in each second of each stream.
SHOWN = {"one": ("red", "red", "blue"), "two": ("green", "blue", "red"), "three": ("blue", "blue", "green")}


def recordings(folder: Path) -> Path:
    """A folder of folders of images, one a second."""
    for name, colours in SHOWN.items():
        (folder / name).mkdir(parents=True)
        for second, colour in enumerate(colours):
            cv2.imwrite(str(folder / name / f"{second}.png"), np.full((32, 48, 3), BGR[colour], np.uint8))
    return folder


def annotations(path: Path) -> Path:
    """Which colour is it, in the middle of each second."""
    rows = {
        name: [
            [second + 0.5, f"which colour is it in {name}?", COLOURS, colour] for second, colour in enumerate(colours)
        ]
        for name, colours in SHOWN.items()
    }
    path.write_text(json.dumps(rows))
    return path


class Eyes:
    """A system that sees the colour and says its letter; it fails on the streams of `broken`."""

    name = "eyes"
    every: int | None = None
    sound = False

    def __init__(self, *broken: str) -> None:
        self.broken, self.opened = set(broken), [""][:0]
        self.settings: dict[str, Any] = {"colours": list(COLOURS)}

    def open(self, stream: str) -> Looking:
        self.opened.append(stream)
        return Looking(stream, stream in self.broken)


class Looking:
    """`Eyes` at work."""

    def __init__(self, stream: str, broken: bool) -> None:
        self.stream, self.broken, self.colour, self.newest = stream, broken, "", 0

    def observe(self, item: Item) -> Iterable[Emission]:
        if self.broken and item.pts >= SECOND:
            raise ValueError("my eyes\nhurt")
        self.colour = COLOURS[int(item.data.rgb().mean(axis=(0, 1)).argmax())]
        self.newest = item.pts
        return ()

    def ask(self, prompt: Prompt, now: int) -> Iterator[Emission]:
        assert prompt.options is not None
        place = prompt.options.index(self.colour)
        task = Task(prompt.id, prompt.kind, None)  # type: ignore[arg-type]
        yield say(task, Stream(self.stream, "", ()), "ABC"[place], now)

    def finish(self) -> Iterable[Emission]:
        return ()


@dataclass(frozen=True)
class Hues(Recipe):
    """Hues. A recipe of another package that builds a benchmark."""

    name: ClassVar[str] = "hues"
    claim: ClassVar[str] = "colours are told apart"

    def build(self) -> Asked:
        return Asked()

    def check(self, seed: int = 0, full: bool = False) -> Check:
        return Check({}, {}, True, seed)


@dataclass(frozen=True)
class Paint(Hues):
    """Paint. One that builds something else."""

    name: ClassVar[str] = "paint"

    def build(self) -> Any:
        return object()


@dataclass(frozen=True)
class Lets(Hues):
    """Lets. One that builds a gate of tokens, which lets all of them in."""

    name: ClassVar[str] = "lets"

    def build(self) -> Any:
        return AdmitAll()
