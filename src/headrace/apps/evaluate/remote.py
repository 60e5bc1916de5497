"""remote: the system `openai`: a vision model behind any OpenAI-compatible address, shown a bounded window."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.apps.evaluate.endpoint import Endpoint
from headrace.core.errors import ConfigError, InputError
from headrace.core.frame import Frame
from headrace.core.item import SECOND, Emission, Item, emission_id
from headrace.evaluation.online import Prompt

#: Media time in ns between two looks at what stands.
POLL = 5 * SECOND
#: What a model says while a standing request has not come true.
NOT_YET = "NO"

_SYSTEM = (
    "You watch a video. The pictures are its last seconds, oldest first; nothing later has happened yet. Answer the "
    "question briefly; where options are given, with the letter of one alone."
)
_STANDING = (
    f"If there is nothing new to say to this, or it has not come true in the pictures yet, reply exactly: {NOT_YET}. "
    "Else reply with the answer."
)


class OpenAI:
    """Shows the newest frames to a model and passes on what it says; no frame is kept longer than the window.

    A standing request is put to the model every `POLL` ns of media time, with what it said to it last; a reply that
    is another than `NOT_YET`, and than the last one, is passed on.

    Args:
        endpoint: the model.
        window: frames shown at most.
        every: ns between them.
        side: pixels of the longer side of a frame that is shown.
        quality: of JPEG, 1 to 100.

    Raises:
        ConfigError: a bound is out of range.
    """

    name = "openai"
    sound = False

    def __init__(
        self, endpoint: Endpoint, window: int = 8, every: int = SECOND, side: int = 512, quality: int = 80
    ) -> None:
        if not (1 <= window <= 64 and every > 0 and 16 <= side <= 4096 and 1 <= quality <= 100):
            raise ConfigError("openai: a window of 1 to 64 frames, sides of 16 to 4096 pixels, quality 1 to 100")
        self.every: int | None = every
        self._endpoint, self._window, self._side, self._quality = endpoint, window, side, quality
        self.settings: Mapping[str, Any] = {
            "host": endpoint.host, "model": endpoint.model, "window": window, "every": every, "side": side,
            "quality": quality,
        }  # fmt: skip

    def open(self, stream: str) -> Looking:
        return Looking(stream, self._endpoint, self._window, self._side, self._quality)


class Looking:
    """`OpenAI` at work on one stream."""

    def __init__(self, stream: str, endpoint: Endpoint, window: int, side: int, quality: int) -> None:
        self._stream, self._endpoint, self._side, self._quality = stream, endpoint, side, quality
        self._shown: deque[tuple[int, bytes]] = deque(maxlen=window)
        self._standing: dict[str, tuple[Prompt, str]] = {}  # each with the last answer
        self._polled = 0

    def observe(self, item: Item) -> Iterator[Emission]:
        if item.kind != "video":
            return
        self._shown.append((item.pts, jpeg(item.data, self._side, self._quality)))
        if not self._standing or item.pts < self._polled + POLL:
            return
        self._polled = item.pts
        for prompt, last in list(self._standing.values()):
            before = f"\nYou last said: {json.dumps(last)}" if last else ""
            said = self._complete(f"{prompt.text}{before}\n{_STANDING}")
            if said and said.strip(" .!\"'").upper() != NOT_YET and said != last:
                self._standing[prompt.id] = prompt, said
                yield self._say(prompt.id, said, item.pts)

    def ask(self, prompt: Prompt, now: int) -> Iterator[Emission]:
        if prompt.standing:
            self._standing[prompt.id] = prompt, ""
            return
        if said := self._complete(prompt.text):
            yield self._say(prompt.id, said, now)

    def finish(self) -> Iterator[Emission]:
        return iter(())

    def _complete(self, text: str) -> str:
        return self._endpoint.complete(text, [picture for _, picture in self._shown], _SYSTEM)

    def _say(self, cause: str, text: str, at: int) -> Emission:
        newest = self._shown[-1][0] if self._shown else 0
        name = emission_id(self._stream, f"answer {cause}", at)
        return Emission(name, "answer", {"text": text}, at, at, at, newest, self._stream, cause=cause)


def jpeg(frame: Frame, side: int, quality: int) -> bytes:
    """A frame as a JPEG file whose longer side has `side` pixels at most.

    Raises:
        InputError: it cannot be coded.
    """
    import cv2

    picture = frame.rgb()[:, :, ::-1]
    factor = side / max(frame.width, frame.height)
    if factor < 1:
        size = (max(1, round(frame.width * factor)), max(1, round(frame.height * factor)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    made, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not made:
        raise InputError(f"a frame of {frame.width} x {frame.height} pixels cannot be coded as JPEG")
    return bytes(data)
