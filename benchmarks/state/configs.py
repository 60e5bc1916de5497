"""The model that all peers run: a Llama of 27 M parameters with random weights, as a checkpoint folder and as GGUF.

Weights say nothing about the cost of a step, so none are trained. Embedding and output matrix are not tied: with tied
random weights the most probable next token is the last one, and an agreement of tokens between peers would mean
nothing. For the same reason weights are drawn wider than usual (0.05): attention is then not uniform.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).resolve().parent
#: Where what is made once is kept: the checkpoint, the GGUF file, environments. Git ignores it.
CACHE = HERE.parents[1] / "build" / "benchmarks" / "state"
SEED = 7
VOCABULARY = 3712
HIDDEN = 512
LAYERS = 8
HEADS = 8
KV_HEADS = 4
FEED_FORWARD = 1376
#: Entries of the longest window that is measured.
POSITIONS = 8192
SPREAD = 0.05
#: Of the q, k, v, o, gate, up, down and output matrices, the embedding and the norms.
PARAMETERS = (
    LAYERS * (HIDDEN * HIDDEN * (2 + 2 * KV_HEADS // HEADS) + 3 * HIDDEN * FEED_FORWARD + 2 * HIDDEN)
    + 2 * VOCABULARY * HIDDEN
    + HIDDEN
)
#: Tokens with a meaning in the GGUF vocabulary; prompts have none of them.
SPECIAL = 3
NAME = "llama-27m"


def checkpoint() -> Path:
    """The folder of the checkpoint, float32, made when it is not there. Needs transformers."""
    folder = CACHE / NAME
    if (folder / "config.json").exists():
        return folder
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(SEED)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=HIDDEN,
            intermediate_size=FEED_FORWARD,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=KV_HEADS,
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=False,
            initializer_range=SPREAD,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=None,
        )
    )
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS
    model.generation_config = GenerationConfig(do_sample=False)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f"{NAME}.part")
    model.save_pretrained(temporary)
    temporary.rename(folder)
    return folder


def prompt(length: int, number: int = 0) -> list[int]:
    """`length` token ids, drawn without the special ones: another sequence for every number."""
    import random

    draw = random.Random(f"{SEED} {number}")
    return [draw.randrange(SPECIAL, VOCABULARY) for _ in range(length)]


def mixed_lengths(sessions: int, longest: int) -> list[int]:
    """Lengths of the prompts of `sessions` sessions, spread evenly from an eighth of `longest` to all of it."""
    least = longest // 8
    return [least + (longest - least) * number // max(1, sessions - 1) for number in range(sessions)]
