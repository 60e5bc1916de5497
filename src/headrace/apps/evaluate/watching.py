"""watching: the system `watch`: what `headrace watch` sees on the screen, asked as `headrace ask` is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from headrace.apps.session import RATE
from headrace.core.errors import ConfigError
from headrace.core.item import SECOND, Emission, Item, emission_id
from headrace.evaluation.benchmarks.choices import letter
from headrace.evaluation.online import Prompt
from headrace.understanding.extractive import NOT_SEEN, answer
from headrace.understanding.gates.lumasettle import LumaSettle
from headrace.understanding.hold import Hold
from headrace.understanding.observations import ObservationMemory, View
from headrace.understanding.perceive import Perceive
from headrace.understanding.question import find
from headrace.understanding.reading import Reader, Reading
from headrace.understanding.search import Query, tokens
from headrace.understanding.standing import StandingQuestions

#: Bytes that the memory of one stream may take.
BUDGET = 64 << 20
#: Words of an option that stands for "none of this can be known".
UNKNOWN = ("unable", "cannot", "unanswerable", "not enough")


class Watch:
    """Reads the text on the screen, remembers it, and answers from it; it does not listen.

    A question with options is answered with the letter of the option that what was read supports best, one that
    nothing supports with the option that refuses if there is one, else with what the memory quotes. A standing
    request is answered whenever a new line says what it waits for.

    Args:
        reader: makes what reads a region; None takes the recogniser of `headrace watch`.
        budget: bytes of the memory of one stream.

    Raises:
        ConfigError: the extra that reads text is missing.
    """

    name = "watch"
    every: int | None = SECOND // RATE
    sound = False

    def __init__(self, reader: Callable[[], Reader] | None = None, budget: int = BUDGET) -> None:
        if reader is None:
            from headrace.understanding.reader import TextReader

            reader = TextReader
        self._reader, self._budget = reader(), budget
        self.settings: Mapping[str, Any] = {"budget": budget}

    def open(self, stream: str) -> Watching:
        self._reader.reset()
        return Watching(stream, self._reader, self._budget)


class Watching:
    """`Watch` at work on one stream."""

    def __init__(self, stream: str, reader: Reader, budget: int) -> None:
        self._stream = stream
        self._hold, self._perceive, self._reading = Hold(SECOND // RATE), Perceive(LumaSettle()), Reading(reader)
        self._memory, self._standing = ObservationMemory(budget), StandingQuestions()
        self._asked: dict[str, list[str]] = {}  # of each standing question: the prompts that wait for it
        self._newest = 0

    def observe(self, item: Item) -> Iterator[Emission]:
        if item.kind != "video":
            return
        self._newest = max(self._newest, item.pts)
        for held in self._hold.step(item):
            for moment in self._perceive.step(held):
                for sighting in self._reading.step(moment):
                    yield from self._remember(sighting)

    def ask(self, prompt: Prompt, now: int) -> Iterator[Emission]:
        if prompt.standing:
            self._wait(prompt)
            return
        text = self._choose(prompt, now) if prompt.options else self._quote(prompt.question, now)
        yield self._say(prompt.id, text, now)

    def finish(self) -> Iterator[Emission]:
        for held in self._hold.finish():
            for moment in self._perceive.step(held):
                for sighting in self._reading.step(moment):
                    yield from self._remember(sighting)

    def _remember(self, sighting: Item) -> Iterator[Emission]:
        row, change = sighting.data.observation, sighting.data.change
        self._memory.write(row)
        if change == "gone":
            return
        for fired in self._standing.decide(self._newest, [row]):
            self._standing.rearm(fired.question, self._newest)
            for cause in self._asked[fired.question]:
                yield self._say(cause, "; ".join(proof.text for proof in fired.evidence), self._newest)

    def _wait(self, prompt: Prompt) -> None:
        """One standing question for all prompts of the same words; one without a word waits for nothing."""
        known = next((one for one in self._standing if one.text == prompt.question), None)
        if known is None:
            try:
                known = self._standing.add(prompt.question)
            except ConfigError:
                return
        self._asked.setdefault(known.id, []).append(prompt.id)

    def _quote(self, question: str, now: int) -> str:
        if not tokens(question):
            return NOT_SEEN
        query = Query(question)
        return answer(query, self._memory.read(query, now)).text

    def _choose(self, prompt: Prompt, now: int) -> str:
        options = prompt.options or ()
        support = [self._support(option, now) for option in options]
        if max(support) > 0:
            return letter(support.index(max(support)))
        for place, option in enumerate(options):
            if any(word in option.casefold() for word in UNKNOWN):
                return letter(place)
        return self._quote(prompt.question, now)

    def _support(self, option: str, now: int) -> float:
        """How surely what was read says an option: the best line that `find` names, 0 if none."""
        words = option.partition(". ")[2] if option[1:3] == ". " else option
        if not tokens(words):
            return 0.0
        view: View = self._memory.read(Query(words), now)
        return max((proof.score for proof in find(Query(words), view)), default=0.0)

    def _say(self, cause: str, text: str, at: int) -> Emission:
        name = emission_id(self._stream, f"answer {cause}", at)
        return Emission(name, "answer", {"text": text}, at, at, at, self._newest, self._stream, cause=cause)
