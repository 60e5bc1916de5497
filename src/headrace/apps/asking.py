"""Asking: questions to what runs of `headrace watch` have left in their folders, or are leaving."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace.apps.recall import Recall, recall
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.understanding.extractive import Answers
from headrace.understanding.meaning import Encoder
from headrace.understanding.past import Past
from headrace.understanding.question import Answer
from headrace.understanding.reply import reply
from headrace.understanding.search import Query, tokens


@dataclass(slots=True)
class Recollection:
    """What one or several folders know, to be asked together.

    Attributes:
        recalls: one for each folder.
        sources: only these streams; empty means all.
    """

    recalls: list[Recall] = field(default_factory=list)
    sources: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, folders: Sequence[str | os.PathLike[str]], sources: Sequence[str] = (), encoder: Encoder | None = None
    ) -> Recollection:
        """Recall folders; one that is given twice counts once.

        Raises:
            ConfigError: no folder has a stream of that name.
            InputError, StateError: as `recall` says.
        """
        paths = {Path(folder).resolve(): Path(folder) for folder in reversed(folders)}
        recalls = [recall(path, encoder) for path in reversed(paths.values())]
        known = list(dict.fromkeys(name for found in recalls for name in found.memories))
        for name in sources:
            if name not in known:
                raise ConfigError(f"no source is named {name!r}; there are: {', '.join(known)}")
        return cls(recalls, tuple(sources))

    @property
    def running(self) -> list[Recall]:
        """The folders that are still being written: what they know is what was on disk when they were recalled."""
        return [found for found in self.recalls if found.running]

    def pasts(self) -> list[Past]:
        """What is remembered of each stream; folders are named if there are several."""
        several = len(self.recalls) > 1
        return [
            Past(memory, found.reached.get(name, 0), str(found.folder) if several else "", name)
            for found in self.recalls
            for name, memory in found.memories.items()
        ]

    def ask(self, question: str, responder: Answers | None = None) -> Answer:
        """Answer a question; ConfigError if it has no word."""
        if not tokens(question):
            raise ConfigError(f"the question {question!r} has no word; write what to look for")
        return reply(Query(question, sources=self.sources), self.pasts(), responder)

    def to_json(self, answer: Answer) -> dict[str, Any]:
        """An answer as `headrace ask --json` prints it; docs/asking.md lists the fields."""
        folders = [
            {"folder": str(found.folder), "running": found.running, "media_s": found.now / SECOND}
            for found in self.recalls
        ]
        return {**answer.to_json(), "folders": folders}
