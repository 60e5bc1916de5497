"""The tokenizer: byte-level BPE of 896 tokens, and 128 key tokens with which facts are planted.

Digits are split in groups of at most two, and every two-digit number is one token, so that a value is one token
wherever it stands. `<bos>` (id 0) stands first in every stream.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

VOCABULARY = 1024
KEYS = tuple(f"@K{i:03d}=" for i in range(128))
NUMBERS = tuple(f"{i:02d}" for i in range(100))
BOS = "<bos>"


def train(texts: Sequence[str], seed: int = 0) -> Tokenizer:
    """Train on `texts`; the same texts and seed give the same tokenizer.

    Raises ValueError if a key, a number or a line feed is not one token.
    """
    rng = np.random.default_rng(seed)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\d{2}|\d"), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(KEYS),
        special_tokens=[BOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    # Numbers as often as the commonest words, so that each of them is merged.
    numbers = ["".join(rng.permutation(NUMBERS)) for _ in range(20_000)]
    tokenizer.train_from_iterator([*texts, *numbers], trainer)
    tokenizer.add_tokens([AddedToken(key, normalized=False) for key in KEYS])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A $B", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    for piece in (*KEYS, *NUMBERS, "\n"):
        if len(encode(tokenizer, piece)) != 1:
            raise ValueError(f"{piece!r} is not one token; train on more numbers")
    return tokenizer


def encode(tokenizer: Tokenizer, text: str) -> list[int]:
    """Return the ids of `text` without `<bos>`."""
    return tokenizer.encode(text, add_special_tokens=False).ids
