"""Blind partners: they hear the requests and see nothing of the stream, so a system must beat them to have seen it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.evaluation.millrace.exchange import asked_about, count_request
from headrace.evaluation.millrace.exchange_voice import Decide, Moment, Request, Say

#: What a count most often comes to.
GUESS = "1"


def guess(request: Request) -> str:
    """An answer out of the request alone: the name that is to be told, `GUESS` for a count, else "nothing"."""
    name = asked_about(request.text)
    if not name:
        return "nothing"
    return GUESS if request.text == count_request(name) else name


class Silent:
    """Says nothing."""

    def __call__(self, moment: Moment) -> Iterable[Say]:
        return ()


class Talking:
    """Says its guesses on the two latest requests in turn, whenever its voice is free."""

    def __init__(self) -> None:
        self._open: deque[Request] = deque(maxlen=2)

    def __call__(self, moment: Moment) -> Iterable[Say]:
        self._open.extend(moment.heard)
        if moment.speaking or not self._open:
            return ()
        self._open.rotate()
        return (Say(guess(self._open[0]), self._open[0].id),)


class Delayed:
    """Says its guess once, `delay` ns after a request was heard.

    Raises:
        ConfigError: a delay below 0.
    """

    def __init__(self, delay: int) -> None:
        if delay < 0:
            raise ConfigError(f"delayed partner: {delay} ns: use 0 or more")
        self._delay = delay
        self._due: deque[Request] = deque()

    def __call__(self, moment: Moment) -> Iterable[Say]:
        self._due.extend(moment.heard)
        while self._due and self._due[0].heard + self._delay <= moment.now:
            request = self._due.popleft()
            yield Say(guess(request), request.id)


def partners() -> dict[str, Callable[[], Decide]]:
    """The rows that stand beside a result on exchanges, by name; each makes a fresh one."""
    return {
        "silence": Silent,
        "always talking": Talking,
        "at once": lambda: Delayed(0),
        "after 30 s": lambda: Delayed(30 * SECOND),
    }
