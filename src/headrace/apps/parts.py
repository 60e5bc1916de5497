"""Parts: what the sessions of a run are built of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.apps.options import Options
from headrace.apps.result import SourceInfo
from headrace.core.errors import ConfigError
from headrace.core.recipe import Recipe
from headrace.understanding.blockadmission import BlockGate
from headrace.understanding.reading import Reader

if TYPE_CHECKING:
    from headrace.media.listen import Listen
    from headrace.media.recognise import Recogniser
    from headrace.media.vad import SileroVad


@dataclass(slots=True)
class Parts:
    """What one session is built of.

    Attributes:
        gate, reader: for pictures; None if the source has none.
        listen: for sound; None if the source has none, or it is not listened to.
        recogniser: puts speech into words; None to tell only when somebody spoke.
    """

    gate: BlockGate | None = None
    reader: Reader | None = None
    listen: Listen | None = None
    recogniser: Recogniser | None = None

    @property
    def empty(self) -> bool:
        """Nothing of the source would be taken in."""
        return self.gate is None and self.listen is None


class Kit:
    """Makes the parts of each session; options that are not usable are told before anything is opened.

    Raises:
        ConfigError: the gate is none, or the recogniser is not installed.
        InputError: the file of the recogniser cannot be read.
    """

    def __init__(self, options: Options, sources: int) -> None:
        self._gate = _gate(options.gate)
        self._network: SileroVad | None = None
        self._recognisers = [_recogniser(options.asr) for _ in range(sources)]

    def parts(self, number: int, info: SourceInfo) -> Parts:
        """For source `number`; where its sound cannot be listened to, `info.errors` says so.

        Raises:
            ConfigError: its pictures cannot be read.
        """
        made = Parts()
        if info.width:
            from headrace.understanding.reader import TextReader

            made.gate, made.reader = self._gate(), TextReader()
        if info.channels:
            made.recogniser = self._recognisers[number]
            try:
                made.listen = self._listen()
            except ConfigError as error:
                info.errors.append(f"its sound is not listened to: {error}")
        elif self._recognisers[number] is not None:
            info.errors.append("has no sound: there is nothing for --asr to put into words")
        return made

    def _listen(self) -> Listen:
        from headrace.media.listen import Listen
        from headrace.media.vad import SileroVad

        if self._network is None:
            self._network = SileroVad()  # its streams keep their state themselves
        return Listen(self._network)


def _gate(made: Callable[[], BlockGate] | Recipe | None) -> Callable[[], Any]:
    """What makes the gate of a session."""
    if made is None:
        from headrace.understanding.gates.lumasettle import LumaSettle

        return LumaSettle
    make: Callable[[], Any] = made.build if isinstance(made, Recipe) else made
    built = make()
    if not hasattr(built, "admit"):
        raise ConfigError(f"{type(made).__name__} builds no gate; see `headrace recipes --family understanding`")
    from headrace.understanding.gates.chain import Chain
    from headrace.understanding.gates.tokengate import TokenGate

    if isinstance(built, Chain | TokenGate):
        raise ConfigError(f"{type(made).__name__} judges an encoder's tokens, watch needs a gate of pictures: timechat")
    return make


def _recogniser(spec: str) -> Recogniser | None:
    if not spec:
        return None
    from headrace.media.recognise import recogniser

    return recogniser(spec)
