"""What ships as zoo:tiny-llama is what was trained, is small, loads strictly and knows what it should."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

pytest.importorskip("tokenizers")

from zoo.tiny_llama.model import Shape, TinyLlama
from zoo.tiny_llama.train import losses

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "src" / "headrace" / "zoo" / "tiny-llama"
CURVE = ROOT / "zoo" / "tiny_llama" / "curve.json"
LENGTH = 512


@pytest.fixture(scope="module")
def streams() -> list[str]:
    return gzip.decompress((SHIPPED / "heldout.txt.gz").read_bytes()).decode().split("\x1e")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(SHIPPED)


@pytest.fixture(scope="module")
def model() -> Any:
    transformers = pytest.importorskip("transformers")
    model, found = transformers.LlamaForCausalLM.from_pretrained(SHIPPED, dtype=torch.float32, output_loading_info=True)
    assert not any(found.values()), found
    return model.eval().requires_grad_(False)


def test_the_files_are_those_that_the_curve_names() -> None:
    sums = json.loads(CURVE.read_text(encoding="utf-8"))["sha256"]
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SHIPPED.iterdir()}
    assert found == sums


def test_it_is_small() -> None:
    assert (SHIPPED / "model.safetensors").stat().st_size <= 8e6
    with safe_open(SHIPPED / "model.safetensors", "pt") as file:
        tensors = [file.get_tensor(name) for name in file.keys()]  # noqa: SIM118
    assert sum(t.numel() for t in tensors) <= 4e6
    assert {t.dtype for t in tensors} == {torch.float16}
    assert all(t.isfinite().all() for t in tensors)


def test_the_curve_ends_with_what_was_planned() -> None:
    curve = json.loads(CURVE.read_text(encoding="utf-8"))
    last, plan = curve["points"][-1], curve["plan"]
    assert last["step"] == curve["steps"] == plan["steps"] + plan["window_steps"]
    assert [p["tokens"] for p in curve["points"]] == sorted(p["tokens"] for p in curve["points"])


def test_streams_are_long_enough_and_apart(streams: list[str], tokenizer: Any) -> None:
    assert len(streams) == 4
    for text in streams:
        ids = tokenizer(text).input_ids
        assert len(ids) > 100 * LENGTH
        assert ids[0] == tokenizer.bos_token_id
        assert tokenizer.decode(ids[1:]) == text
    pieces = [{text[i : i + 400] for i in range(0, len(text) - 400, 400)} for text in streams]
    assert not any(p in text for i, text in enumerate(streams) for j, ps in enumerate(pieces) if i != j for p in ps)


def test_the_probe_names_single_tokens(tokenizer: Any) -> None:
    probe = json.loads((SHIPPED / "probe.json").read_text(encoding="utf-8"))
    assert [tokenizer(k, add_special_tokens=False).input_ids for k in probe["keys"]] == [[i] for i in probe["key_ids"]]
    assert [tokenizer(v, add_special_tokens=False).input_ids for v in probe["values"]] == [
        [i] for i in probe["value_ids"]
    ]
    fact = "x = 1" + probe["keys"][7] + probe["values"][20] + probe["values"][15] + "\ny"
    ids = tokenizer(fact, add_special_tokens=False).input_ids
    assert [probe["key_ids"][7], probe["value_ids"][20], probe["value_ids"][15], *probe["end_ids"]] == ids[-5:-1]


def test_a_chat_is_its_turns_in_a_row(tokenizer: Any) -> None:
    turns = [{"role": "user", "content": "one\ntwo"}, {"role": "assistant", "content": "three"}]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert text == "<bos>user: one\ntwo\nassistant: three\nassistant: "


def test_loss_on_held_out_text(streams: list[str], tokenizer: Any, model: Any) -> None:
    """16 pieces of the trained length, spread over the streams; measured: 2.135."""
    told = [np.asarray(tokenizer(text, add_special_tokens=False).input_ids) for text in streams]
    rows = [
        np.concatenate([[tokenizer.bos_token_id], ids[start : start + LENGTH - 1]])
        for ids in told
        for start in np.linspace(0, len(ids) - LENGTH, 4).astype(int)
    ]
    batch = torch.from_numpy(np.stack(rows))
    assert model(batch, labels=batch).loss.item() < 2.3


def test_recall_inside_the_trained_length(streams: list[str], tokenizer: Any, model: Any) -> None:
    """Rows of text with facts; chance is 0.01. Measured: 0.958."""
    probe = json.loads((SHIPPED / "probe.json").read_text(encoding="utf-8"))
    rng = np.random.default_rng(0)
    keys, values = np.asarray(probe["key_ids"]), np.asarray(probe["value_ids"])
    right = []
    for text in streams:
        ids = tokenizer(text).input_ids[:320]
        named, told = rng.choice(keys, 12, replace=False), rng.choice(values, (12, 2))
        facts = [[key, *two, *probe["end_ids"]] for key, two in zip(named, told, strict=True)]
        body = list(ids)
        for place, fact in zip(np.linspace(300, 20, 12).astype(int), facts, strict=True):
            body[place:place] = fact
        asked = [facts[i] for i in rng.permutation(12)]
        row = torch.tensor([[*body, *np.concatenate(asked)]])
        assert row.shape[1] <= LENGTH
        guess = model(row).logits[0, :-1].argmax(-1)
        first = len(body)
        places = [first + 4 * i + j for i in range(12) for j in (1, 2)]
        right += [(guess[p - 1] == row[0, p]).item() for p in places]
    assert np.mean(right) > 0.75


def test_past_the_trained_length_it_needs_its_sink(streams: list[str], tokenizer: Any) -> None:
    """The same text behind 4 sinks + 256 tokens, behind 260, and dense at 4x; measured: 0.155 and 3.7 nats apart."""
    model = TinyLlama(Shape()).requires_grad_(False)
    tensors = load_file(SHIPPED / "model.safetensors")
    model.load_state_dict({name.removeprefix("model."): tensor.float() for name, tensor in tensors.items()})
    window, past = torch.tensor(260), slice(3 * LENGTH, None)
    gaps, breaks = [], []
    for text in streams:
        ids = torch.tensor([tokenizer(text).input_ids[: 4 * LENGTH]])
        sink, without, dense = (
            losses(scores, ids)[:, past].mean().item()
            for scores in (model.windowed(ids, window, 4, 260)[0], model.windowed(ids, window, 0, 260)[0], model(ids))
        )
        gaps.append(without - sink)
        breaks.append(dense - sink)
    assert min(gaps) > 0.02
    assert np.mean(gaps) > 0.08
    assert min(breaks) > 1
