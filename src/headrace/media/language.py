"""Language: speech in a small language of some hundred words, recognised by an n-gram model."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError
from headrace.media.recognise import Phrase
from headrace.media.sphinx import FRAMES, Segment, Sphinx, dictionary, package, speech, text_of
from headrace.media.vocabulary import Pronunciations, arpa_words, cut, pronunciations, read_text, sentences

#: What an n-gram model's file is called.
MODELS = (".arpa", ".lm", ".bin", ".dmp")
#: Probability that the trigram model of a text leaves to what is not in the text.
UNSEEN = 0.1
#: The least share of words that stand behind the one before as in the text.
FAMILIAR = 0.7
#: The mark of a sentence's end; it follows as the words do.
END = "</s>"
#: A pause this long in s parts phrases.
PAUSE = 0.3


class Language:
    """A recogniser of a small language: a text of its sentences, a line each, or an n-gram model (`MODELS`).

    Of a text, a trigram model is built (fixed discount; pocketsphinx.lm). Words that it lacks cannot be recognised:
    other words come out in their place, in an order that the text never has. So a stretch is dropped in which fewer
    than `FAMILIAR` of the words and sentence ends came by a known pair or triple (else the model backs off to the word
    alone: S. Katz, "Estimation of probabilities from sparse data", 1987). Speech that fits still passes at times.

    `Phrase.score` is that share within the phrase, 0..1; no probability of being right.

    Raises:
        ConfigError: no sentence, no model, words without pronunciation, or the `audio` extra is missing.
        InputError: it cannot be read.
    """

    def __init__(self, file: Path) -> None:
        package()
        self.name = f"lm:{file.name}"
        known = pronunciations(dictionary(), file)
        with TemporaryDirectory() as folder:
            if file.suffix.lower() in MODELS:
                model, words = file, _model_words(file, folder)
            else:
                model, words = _built(file, known, folder)
            spoken = Path(folder, "words")
            spoken.write_text(cut(words, known, file), encoding="utf-8")
            self._sphinx = Sphinx(file, {"lm": str(model), "dict": str(spoken), "topn": 32})

    def transcribe(self, samples: npt.NDArray[np.float32], rate: int) -> list[Phrase]:
        pcm = speech(samples, rate)
        heard = [word for word in self._sphinx.words(pcm) if not word.filler or word.word == END] if pcm else []
        said = [word for word in heard if not word.filler]
        if not said or _familiar(heard) < FAMILIAR:
            return []
        end = len(samples) / rate
        return [
            Phrase(text_of(part), min(part[0].start / FRAMES, end), min(part[-1].end / FRAMES, end), _familiar(part))
            for part in _parted(said)
        ]


def _familiar(words: Sequence[Segment]) -> float:
    return sum(word.order > 1 for word in words) / len(words)


def _parted(words: list[Segment]) -> list[list[Segment]]:
    """The words, parted at pauses."""
    phrases = [[words[0]]]
    for before, word in pairwise(words):
        if word.start - before.end < PAUSE * FRAMES:
            phrases[-1].append(word)
        else:
            phrases.append([word])
    return phrases


def _built(file: Path, known: Pronunciations, folder: str) -> tuple[Path, set[str]]:
    """A trigram model of the text's sentences, in a file, and its words."""
    from pocketsphinx.lm import ArpaBoLM

    lines = list(sentences(read_text(file), known))
    if not lines:
        raise ConfigError(f"{file}: has no sentence; write what may be said, a sentence a line")
    text = "\n".join(" ".join(words) for words in lines)
    model = ArpaBoLM(text=text, add_start=True, discount_mass=UNSEEN)
    model.compute()
    written = StringIO()
    model.write(written)
    built = Path(folder, "language.arpa")
    built.write_text(written.getvalue(), encoding="utf-8")
    return built, {word for words in lines for word in words}


def _model_words(file: Path, folder: str) -> set[str]:
    sphinx, plain = package(), Path(folder, "model.arpa")
    try:
        sphinx.NGramModel.readfile(str(file)).write(str(plain))
    except (RuntimeError, ValueError, AttributeError):
        raise ConfigError(f"{file}: not an n-gram model that can be read; give ARPA or Sphinx binary form") from None
    return set(arpa_words(read_text(plain), file))
