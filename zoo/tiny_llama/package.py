"""Package `zoo:tiny-llama`: `python -m zoo.tiny_llama.package WORK [WEIGHTS]`.

Writes what ships to `src/headrace/zoo/tiny-llama`, and the curve with the sums of those files beside this script.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.metadata
import json
import platform
import sys
import sysconfig
from datetime import UTC, datetime
from pathlib import Path

import torch
from safetensors.torch import load_file, save

from headrace.core.files import atomic_path, atomic_write
from zoo.tiny_llama.model import Shape
from zoo.tiny_llama.prepare import Prepared, prepare
from zoo.tiny_llama.rows import Probe
from zoo.tiny_llama.tokenizer import BOS, KEYS, NUMBERS
from zoo.tiny_llama.train import Plan

HERE = Path(__file__).parent
SHIPPED = HERE.parents[1] / "src" / "headrace" / "zoo" / "tiny-llama"
SEPARATOR = "\x1e"  # between the streams of heldout.txt.gz
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}"
)


def weights(path: Path) -> bytes:
    """Return a safetensors file in float16 under the names of transformers."""
    tensors = {f"model.{name}": tensor.to(torch.float16).contiguous() for name, tensor in load_file(path).items()}
    return save(tensors, metadata={"format": "pt"})


def config(shape: Shape, plan: Plan, bos: int) -> dict[str, object]:
    """Return the fields of transformers' `LlamaConfig`."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.heads,
        "head_dim": shape.head,
        "hidden_act": "silu",
        "max_position_embeddings": plan.length,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.theta},
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "bos_token_id": bos,
        "eos_token_id": None,
        "pad_token_id": None,
        "dtype": "float16",
    }


def probe_file(probe: Probe, plan: Plan) -> dict[str, object]:
    """Return how a fact is written, and the ids of its tokens."""
    return {
        "fact": "{key}{value}{value}\n",
        "keys": KEYS,
        "values": NUMBERS,
        "key_ids": probe.keys.tolist(),
        "value_ids": probe.values.tolist(),
        "values_per_fact": 2,
        "end_ids": [probe.end],
        "trained_length": plan.length,
    }


def ship(prepared: Prepared, plan: Plan, path: Path) -> dict[str, str]:
    """Write the shipped files and return their SHA-256 by name."""
    probe = Probe.of(prepared.tokenizer)
    if any(SEPARATOR in stream for stream in prepared.streams):
        raise ValueError("a held-out stream holds the separator; choose another")
    files = {
        "model.safetensors": weights(path),
        "config.json": text(config(Shape(), plan, probe.bos)),
        "generation_config.json": text({"bos_token_id": probe.bos, "do_sample": False}),
        "tokenizer.json": prepared.tokenizer.to_str().encode(),
        "tokenizer_config.json": text(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": BOS,
                "clean_up_tokenization_spaces": False,
                "chat_template": TEMPLATE,
            }
        ),
        "probe.json": text(probe_file(probe, plan)),
        "heldout.txt.gz": gzip.compress(SEPARATOR.join(prepared.streams).encode(), 9, mtime=0),
        "LICENSE.heldout": (Path(sysconfig.get_paths()["stdlib"]) / "LICENSE.txt").read_bytes(),
    }
    SHIPPED.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        atomic_write(SHIPPED / name, data)
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def text(value: object) -> bytes:
    """Return JSON for people: indented, keys in the order given."""
    return (json.dumps(value, indent=2) + "\n").encode()


def draw(points: list[dict[str, float]], path: Path) -> None:
    """Draw loss and recall over the tokens seen."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    right = left.twinx()
    seen = [p["tokens"] / 1e6 for p in points]
    second = min((p["tokens"] / 1e6 for p in points if p["stage"] == 2), default=None)
    left.plot(seen, [p["loss"] for p in points], color="tab:blue")
    right.plot(seen, [p["recall"] for p in points], color="tab:orange", label="any age")
    right.plot(seen, [p["far_recall"] for p in points], color="tab:orange", linestyle=":", label="more than 256 tokens")
    if second is not None:
        left.axvspan(second, max(seen), color="0.93")
        left.text(second, left.get_ylim()[1], " stage 2", va="top")
    left.set(xlabel="million tokens", title="zoo:tiny-llama on held-out rows of 512 tokens")
    left.set_ylabel("loss, nats a token", color="tab:blue")
    right.set_ylabel("recall of facts", color="tab:orange")
    right.set_ylim(0, 1)
    right.legend(loc="center right")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def main(work: Path, path: Path) -> None:
    """Ship the weights in `path` with the tokens and the curve of `work`."""
    prepared = prepare(work)
    plan = json.loads((work / "plan.json").read_text(encoding="utf-8"))
    points = [json.loads(line) for line in (work / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    curve = {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("torch", "tokenizers", "numpy")},
        "training_tokens_in_corpus": len(prepared.train),
        "plan": plan,
        "seed": plan["seed"],
        "steps": points[-1]["step"],
        "tokens": points[-1]["tokens"],
        "cpu_seconds": points[-1]["cpu_seconds"],
        "sha256": ship(prepared, Plan(**plan), path),
        "points": points,
    }
    atomic_write(HERE / "curve.json", text(curve))
    draw(points, HERE / "curve.png")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m zoo.tiny_llama.package WORK [WEIGHTS]")
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(sys.argv[1]) / "stage2.safetensors")
