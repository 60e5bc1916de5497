"""Tokens for training: made once, kept in the working folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from zoo.tiny_llama import tokenizer as bpe
from zoo.tiny_llama.corpus import corpus, excerpts

STREAMS = 4
STREAM_TOKENS = 51_600  # a little more than 100 times the trained length


@dataclass(frozen=True)
class Prepared:
    """`train`: token ids, uint16 [N], of all training files joined. `streams`: the held-out texts that ship."""

    tokenizer: Tokenizer
    train: NDArray[np.uint16]
    streams: tuple[str, ...]


def prepare(work: Path) -> Prepared:
    """Return what training needs, from `work` where an earlier run left it there."""
    names = (work / "tokenizer.json", work / "train.npy", work / "streams.json")
    if not all(name.exists() for name in names):
        work.mkdir(parents=True, exist_ok=True)
        training, held_out = corpus()
        sample = np.random.default_rng(0).permutation(len(training))[:500]
        tokenizer = bpe.train([training[i].text for i in sample])
        tokenizer.save(str(names[0]))
        names[2].write_text(json.dumps(streams(tokenizer, excerpts(held_out))))
        ids = [bpe.encode(tokenizer, source.text) for source in training]
        np.save(names[1], np.concatenate([np.asarray(i, np.uint16) for i in ids]))
    return Prepared(
        Tokenizer.from_file(str(names[0])), np.load(names[1]), tuple(json.loads(names[2].read_text(encoding="utf-8")))
    )


def streams(tokenizer: Tokenizer, texts: list[str]) -> list[str]:
    """Return `STREAMS` texts of excerpts in turn, each of at least `STREAM_TOKENS` tokens; no excerpt is in two."""
    rest, made = iter(texts), []
    for _ in range(STREAMS):
        stream, count = "", 0
        while count < STREAM_TOKENS:
            text = next(rest, None)
            if text is None:
                raise ValueError("the held-out files are too few for the streams that ship")
            stream += text
            count += len(bpe.encode(tokenizer, text))
        made.append(stream)
    return made
