"""Commands: a closed set of spoken commands, recognised by a JSGF grammar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError
from headrace.media.grammar import accepted, whole
from headrace.media.recognise import Phrase
from headrace.media.sphinx import FRAMES, Segment, Sphinx, dictionary, package, speech, text_of
from headrace.media.vocabulary import cut, pronunciations, read_text

#: Nats a frame by which the words of a command may explain the sound worse than free phones do.
SHORTFALL = 2.6


class Commands:
    """A recogniser of the commands of a JSGF file; an utterance is one command or nothing.

    The decoder takes the best way through the grammar, whatever was said. So the stretch is decoded once more as a
    free succession of phones, and the command is dropped where its words explain the sound much worse than those do
    (M. Weintraub, "LVCSR log-likelihood ratio scoring for keyword spotting", 1995). Speech that sounds like a
    command still passes now and then.

    `Phrase.score` is 1 / (1 + exp(d - SHORTFALL)), where d is how much worse, in nats a frame of the words: at
    least 0.5, and no probability of being right.

    Raises:
        ConfigError: it is no such grammar, nothing can be said by it, it has words without pronunciation, or the
            `audio` extra is missing.
        InputError: it cannot be read.
    """

    def __init__(self, file: Path) -> None:
        sphinx = package()
        self.name = f"grammar:{file.name}"
        text, top = whole(read_text(file), file)
        with TemporaryDirectory() as folder:
            grammar, states, words = (Path(folder, name) for name in ("grammar", "states", "words"))
            grammar.write_text(text, encoding="utf-8")
            try:
                parsed = sphinx.Jsgf(str(grammar))
                parsed.build_fsg(parsed.get_rule(top), sphinx.LogMath(), 1.0).writefile(str(states))
            except (RuntimeError, ValueError, KeyError):
                raise ConfigError(f"{file}: the JSGF grammar does not parse; check brackets and semicolons") from None
            known = pronunciations(dictionary(), file)
            words.write_text(cut(accepted(read_text(states), file), known, file), encoding="utf-8")
            # Likelihoods of two searches compare only if both look at all sounds of a frame (compallsen).
            settings = {"lm": None, "dict": str(words), "topn": 8, "compallsen": True}
            self._sphinx = Sphinx(file, settings, grammar=grammar, phones=True)

    def transcribe(self, samples: npt.NDArray[np.float32], rate: int) -> list[Phrase]:
        pcm = speech(samples, rate)
        words = self._sphinx.words(pcm) if pcm else []
        said = [word for word in words if not word.filler]
        if not said:
            return []
        worse = (_loglik(self._sphinx.phones(pcm)) - _loglik(words)) / sum(word.end - word.start for word in said)
        if worse > SHORTFALL:
            return []
        end = len(samples) / rate
        span = (min(said[0].start / FRAMES, end), min(said[-1].end / FRAMES, end))
        return [Phrase(text_of(said), *span, 1 / (1 + math.exp(worse - SHORTFALL)))]


def _loglik(segments: Sequence[Segment]) -> float:
    return sum(segment.loglik for segment in segments)
