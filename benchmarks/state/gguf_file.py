"""The checkpoint as a GGUF file, for llama.cpp: the same float32 weights, or rounded to int8 (q8_0).

Needs gguf, numpy and safetensors.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. llama.cpp turns neighbouring pairs (2i, 2i + 1) of a
head where transformers turns (i, i + d/2), so the rows of the q and k matrices are put in that order. Token ids are
all that matters here: the vocabulary is three special tokens, the 256 bytes and made-up words.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.state.configs import NAME, SPECIAL

Matrix = npt.NDArray[np.float32]
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def gguf(folder: Path, rounded: bool = False) -> Path:
    """The GGUF file beside the checkpoint folder, made when it is not there.

    Args:
        rounded: matrices in q8_0, the output and the embedding too, as llama.cpp's own tool makes them.
    """
    from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType
    from gguf.quants import quantize
    from safetensors.numpy import load_file

    path = folder.with_suffix(".q8_0.gguf" if rounded else ".gguf")
    if path.exists():
        return path
    config = json.loads((folder / "config.json").read_text())
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    temporary = path.with_suffix(".part")
    writer = GGUFWriter(temporary, "llama")
    writer.add_name(NAME)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_file_type(LlamaFileType.MOSTLY_Q8_0 if rounded else LlamaFileType.ALL_F32)
    add_vocabulary(writer, config["vocab_size"])
    for name, tensor in load_file(folder / "model.safetensors").items():
        if "q_proj" in name:
            tensor = interleaved(tensor, heads)
        elif "k_proj" in name:
            tensor = interleaved(tensor, kv_heads)
        if rounded and tensor.ndim == 2:
            kind = GGMLQuantizationType.Q8_0
            writer.add_tensor(renamed(name), quantize(tensor, kind), raw_dtype=kind)
        else:
            writer.add_tensor(renamed(name), tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    temporary.rename(path)
    return path


def interleaved(weight: Matrix, heads: int) -> Matrix:
    """[heads * d, in] with the rows (i, i + d/2) of every head put beside each other."""
    rows, width = weight.shape
    pairs = weight.reshape(heads, 2, rows // heads // 2, width).swapaxes(1, 2)
    return np.ascontiguousarray(pairs.reshape(rows, width))


def renamed(name: str) -> str:
    """The GGUF name of a tensor of transformers' Llama."""
    stem = name.removesuffix(".weight")
    if stem in NAMES:
        return f"{NAMES[stem]}.weight"
    number, _, part = stem.removeprefix("model.layers.").partition(".")
    return f"blk.{number}.{LAYER_NAMES[part]}.weight"


def add_vocabulary(writer, size: int) -> None:
    """A sentencepiece vocabulary of `size` tokens; 0, 1, 2 are unknown, begin and end."""
    from gguf import TokenType

    special = ["<unk>", "<s>", "</s>"]
    assert len(special) == SPECIAL
    tokens = [*special, *(f"<0x{byte:02X}>" for byte in range(256))]
    types = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL] + [TokenType.BYTE] * 256
    words = size - len(tokens)
    tokens += [f"▁w{number}" for number in range(words)]
    types += [TokenType.NORMAL] * words
    assert len(tokens) == size
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(number) for number in range(size)])
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
