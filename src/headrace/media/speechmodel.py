"""SpeechModel: any speech recogniser of the transformers library, from a folder or from the hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError, InputError
from headrace.media.recognise import Phrase, mono, resample

#: Shorter stretches, in s, hold no word; longer ones are taken piece by piece.
SHORTEST, LONGEST = 0.1, 30
#: Room for the tokens of a piece: so many, and so many a second.
TOKENS, TOKENS_PER_S = 16, 15


class SpeechModel:
    """A recogniser around a model for CTC (Wav2Vec2, HuBERT, …) or for generation (Whisper, Moonshine, …).

    It runs in float32 on the first CUDA device, or on the CPU where there is none. Code that comes with weights is
    never run; weights are safetensors, or read with `weights_only`.

    `Phrase.score` is the geometric mean of the probabilities that the model gave the tokens that it chose, 0..1.
    Whisper checkpoints that know timestamps give a phrase a segment, other models one phrase a piece: for CTC from the
    first to the last frame with a letter, else the whole piece.

    Args:
        target: folder, or id on the hub; the library fetches what it has not stored.

    Raises:
        ConfigError: the `hf` extra is missing, the target has no speech recogniser or lacks a part of one.
        InputError: a path that is not a folder.
    """

    def __init__(self, target: str) -> None:
        if find_spec("transformers") is None:
            raise ConfigError("speech recognisers of transformers need the hf extra: pip install 'headrace[hf]'")
        path = Path(target).expanduser()
        if not path.is_dir() and (target[:1] in "./~" or path.exists()):
            raise InputError(f"{path}: no such folder; give the folder of a model, or its id on the hub")
        self.name = f"transformers:{path.name}"
        with _quiet():
            self._load(str(path) if path.is_dir() else target)

    def _load(self, target: str) -> None:
        import torch
        from transformers import AutoModelForCTC, AutoModelForSpeechSeq2Seq

        config = _from(target, "configuration", "AutoConfig")
        named = tuple(config.architectures or ())
        kinds = (AutoModelForSpeechSeq2Seq, AutoModelForCTC)
        fitting = [kind for kind in kinds if type(config) in kind._model_mapping]
        if fitting and any(name.endswith("ForCTC") for name in named):
            fitting = fitting[-1:]
        if not fitting:
            what = named[0] if named else config.model_type
            raise ConfigError(f"{target}: {what} is no speech recogniser; give one for CTC or generation")
        self._ctc = fitting[0] is AutoModelForCTC
        model, report = _from(target, "weights", fitting[0].__name__, output_loading_info=True, dtype=torch.float32)
        if lacking := sorted(report["missing_keys"]):
            raise ConfigError(f"{target}: lacks the weights {lacking[0]}; give a model trained to recognise speech")
        self._extractor = _from(target, "feature extractor", "AutoFeatureExtractor")
        self._tokenizer = _from(target, "tokenizer", "AutoTokenizer")
        self._model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
        self._rate = int(self._extractor.sampling_rate)

    def transcribe(self, samples: npt.NDArray[np.float32], rate: int) -> list[Phrase]:
        heard = resample(mono(samples, rate), rate, self._rate)
        size = LONGEST * self._rate
        phrases: list[Phrase] = []
        for start in range(0, len(heard), size):
            piece = heard[start : start + size]
            if len(piece) >= SHORTEST * self._rate:
                phrases += self._piece(piece, start / self._rate)
        return phrases

    def _piece(self, samples: npt.NDArray[np.float32], start: float) -> Iterator[Phrase]:
        import torch

        length = len(samples) / self._rate
        inputs = self._extractor(samples, sampling_rate=self._rate, return_tensors="pt").to(self._model.device)
        with torch.inference_mode(), _quiet():
            told = self._letters(inputs, length) if self._ctc else self._tokens(inputs, length)
        for text, first, last, score in told:
            if plain := " ".join(text.split()):
                begin = min(max(first, 0.0), length)
                yield Phrase(plain, start + begin, start + min(max(last, begin), length), score)

    def _letters(self, inputs: Any, length: float) -> list[tuple[str, float, float, float]]:
        """Greedy CTC: (text, first s, last s, score)."""
        chances = self._model(**inputs).logits[0].float().log_softmax(-1)
        best, ids = chances.max(-1)
        blank = self._model.config.pad_token_id or 0
        voiced = (ids != blank).nonzero()[:, 0]
        if not len(voiced):
            return []
        step = length / len(ids)
        kept = [token for token, _ in groupby(ids.tolist()) if token != blank]
        text = self._tokenizer.decode(kept, skip_special_tokens=True, group_tokens=False)
        first, last = int(voiced[0]) * step, (int(voiced[-1]) + 1) * step
        return [(text, first, last, float(best[voiced].mean().exp()))]

    def _tokens(self, inputs: Any, length: float) -> list[tuple[str, float, float, float]]:
        """Greedy generation: (text, first s, last s, score)."""
        timed = getattr(self._model.generation_config, "no_timestamps_token_id", None) is not None
        config = self._model.config
        limit = getattr(config, "max_target_positions", None) or getattr(config, "max_position_embeddings", None) or 512
        made = self._model.generate(
            **inputs,
            max_new_tokens=max(min(TOKENS + int(TOKENS_PER_S * length), int(limit) - TOKENS), 1),
            do_sample=False,
            num_beams=1,
            return_dict_in_generate=True,
            output_scores=True,
            **({"return_timestamps": True} if timed else {}),
        )
        if timed:
            return [self._timed(part) for part in made["segments"][0] if float(part["start"]) < length]
        ids = made["sequences"][0]
        chosen = ids[len(ids) - len(made["scores"]) :]
        text = self._tokenizer.decode(chosen, skip_special_tokens=True)
        return [(text, 0.0, length, _certainty([score[0] for score in made["scores"]], chosen))]

    def _timed(self, part: Any) -> tuple[str, float, float, float]:
        """A segment of Whisper: its tokens stand at `idxs` of the sequence, whose prompt has no scores."""
        sequence, scores = part["result"]["sequences"], part["result"]["scores"]
        prompt = len(sequence) - len(scores)
        begin, end = (max(at, prompt) for at in part["idxs"])
        score = _certainty(scores[begin - prompt : end - prompt], sequence[begin:end])
        text = self._tokenizer.decode(part["tokens"], skip_special_tokens=True)
        return text, float(part["start"]), float(part["end"]), score


def _certainty(scores: Any, tokens: Any) -> float:
    """The geometric mean of the tokens' probabilities, from a row [vocabulary] of scores each."""
    chances = [float(row.float().log_softmax(-1)[token]) for row, token in zip(scores, tokens, strict=True)]
    return float(np.exp(np.mean(chances))) if chances else 0.0


def _from(target: str, what: str, name: str, **options: Any) -> Any:
    """What `name` of transformers loads from the target; ConfigError in one line if it cannot."""
    import transformers

    try:
        return getattr(transformers, name).from_pretrained(target, trust_remote_code=False, **options)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise ConfigError(f"{target}: its {what} cannot be loaded ({reason}); give a speech recogniser") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """transformers draws bars and writes remarks on standard error; not in the block."""
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
