"""Sphinx: the decoder of pocketsphinx; English, on the CPU, nothing is fetched.

D. Huggins-Daines et al., "PocketSphinx: A free, real-time continuous speech recognition system for hand-held devices"
(2006). Meant for a grammar or some hundred words: its large language model is far too inaccurate to be shown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError
from headrace.media.recognise import mono, resample

#: What the acoustic model hears: samples and frames a second.
RATE, FRAMES = 16000, 100
#: Scores are kept divided by this.
SCALE = 1024
#: Shorter stretches, in s, hold no word.
SHORTEST = 0.1


@dataclass(frozen=True, slots=True)
class Segment:
    """A word, phone or filler of a decoded stretch.

    Attributes:
        word: without the number of its pronunciation.
        start, end: frames, the end not included.
        loglik: log-likelihood in nats, relative to the best of the sounds that were looked at in each frame.
        order: words of the n-gram that gave its probability; 0 in a grammar.
    """

    word: str
    start: int
    end: int
    loglik: float
    order: int

    @property
    def filler(self) -> bool:
        """True of silence, noise and the marks of a sentence's ends."""
        return self.word[:1] in "<[(+"


class Sphinx:
    """A decoder with one or two ways of searching; a call remembers nothing of the one before.

    Args:
        file: what the user gave, for messages.
        settings: of pocketsphinx, such as `dict` (a file) and `lm` (a file or None).
        grammar: JSGF file; None where `lm` is given.
        phones: True if stretches can be decoded as free phones too.

    Raises:
        ConfigError: the `audio` extra is missing, or the decoder refuses what it is given.
    """

    def __init__(
        self, file: Path, settings: dict[str, Any], *, grammar: Path | None = None, phones: bool = False
    ) -> None:
        sphinx = package()
        fixed = {"fwdflat": False, "bestpath": False, "cmn": "batch", "loglevel": "FATAL"}
        try:
            self._decoder = sphinx.Decoder(sphinx.Config(**fixed, **settings))
            if grammar is not None:
                self._decoder.add_jsgf_file("grammar", str(grammar))
            if phones:
                self._decoder.add_allphone_file("phones", None)
        except (RuntimeError, ValueError):
            raise ConfigError(f"{file}: pocketsphinx cannot use it; check that it is whole") from None
        self._words = "grammar" if grammar is not None else self._decoder.current_search()

    def words(self, pcm: bytes) -> list[Segment]:
        """The best succession of words and fillers of a stretch, as `speech` gives it; none if no way ends."""
        return self._decode(self._words, pcm)

    def phones(self, pcm: bytes) -> list[Segment]:
        """The best succession of phones, whatever it means."""
        return self._decode("phones", pcm)

    def _decode(self, search: str, pcm: bytes) -> list[Segment]:
        decoder = self._decoder
        decoder.activate_search(search)
        decoder.reinit_feat()  # the estimate of the noise outlives an utterance
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        return [_segment(segment) for segment in decoder.seg()] if decoder.hyp() is not None else []


def _segment(segment: Any) -> Segment:
    word = re.sub(r"\(\d+\)$", "", segment.word)
    loglik = SCALE * math.log(max(segment.ascore, 1e-300))
    return Segment(word, segment.start_frame, segment.end_frame + 1, loglik, segment.lback)


def speech(samples: npt.NDArray[np.float32], rate: int) -> bytes:
    """Samples [n] at any rate as the decoder takes them: 16 bit at `RATE`; nothing if too short for a word."""
    heard = resample(mono(samples, rate), rate, RATE)
    return np.rint(heard * 32767).astype(np.int16).tobytes() if len(heard) >= SHORTEST * RATE else b""


def text_of(words: Iterable[Segment]) -> str:
    """The words without fillers."""
    return " ".join(word.word for word in words if not word.filler)


def package() -> Any:
    """pocketsphinx, silenced; ConfigError if it is not installed."""
    if find_spec("pocketsphinx") is None:
        raise ConfigError("speech by grammar or lm needs the audio extra: pip install 'headrace[audio]'")
    import pocketsphinx

    pocketsphinx.set_loglevel("FATAL")
    return pocketsphinx


def dictionary() -> Path:
    """The dictionary that comes with the decoder."""
    return Path(package().get_model_path("en-us/cmudict-en-us.dict"))
