from __future__ import annotations

import pytest
import torch
from torch import nn

from headrace.core import ConfigError
from headrace.models.hf.int8 import Int8Linear, int8_linear


def linear(inputs=64, outputs=48, bias=True, seed=0):
    torch.manual_seed(seed)
    return nn.Linear(inputs, outputs, bias=bias)


def relative(a, b):
    return float((a - b).abs().max() / b.abs().max())


@pytest.fixture(scope="module")
def llama():
    transformers = pytest.importorskip("transformers")

    def build(tied=False):
        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            vocab_size=256,
            hidden_size=128,
            intermediate_size=352,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=tied,
        )
        return transformers.LlamaForCausalLM(config).eval()

    return build


@pytest.mark.parametrize("digits", [1, 2])
@torch.inference_mode()
def test_the_logits_of_a_small_llama_stay(llama, digits, record_property):
    model = llama()
    ids = torch.randint(0, 256, (4, 64), generator=torch.Generator().manual_seed(1))
    before = model(ids).logits
    assert int8_linear(model, digits=digits) == 4 * 7
    assert type(model.lm_head) is nn.Linear
    error = relative(model(ids).logits, before)
    record_property("relative error of the logits", error)
    assert 0 < error < (5e-2, 3e-2)[digits - 1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("digits", [1, 2])
@torch.inference_mode()
def test_a_layer_is_near_the_one_it_replaces_and_keeps_shape_and_dtype(dtype, bias, digits):
    exact = linear(bias=bias)
    layer, x = Int8Linear(exact, digits), torch.randn(2, 3, 64).to(dtype)
    y = layer(x)
    assert (y.dtype, y.shape) == (dtype, (2, 3, 48))
    assert relative(y.float(), exact(x.float())) < 3e-2


@pytest.mark.parametrize("digits", [1, 2])
@torch.inference_mode()
def test_whole_numbers_in_range_are_exact(digits):
    exact = linear(16, 8)
    exact.weight.copy_(torch.randint(-127, 128, (8, 16)).float())
    exact.weight[:, 0] = 127
    x = torch.randint(-127, 128, (5, 16)).float()
    x[:, 0] = 127
    assert torch.equal(Int8Linear(exact, digits)(x), x @ exact.weight.t() + exact.bias)


@torch.inference_mode()
def test_two_digits_leave_the_error_of_the_weights_only():
    exact, x = linear(), torch.randn(40, 64)
    layer = Int8Linear(exact)
    weight = layer.weight.float() * layer.scale[:, None]
    assert relative(layer(x), x @ weight.t() + exact.bias) < 1e-4
    assert relative(Int8Linear(exact, 1)(x), x @ weight.t() + exact.bias) > 1e-3
    with pytest.raises(ConfigError, match=r"digits=3\): give 1 or 2"):
        int8_linear(nn.Sequential(exact), digits=3)


@pytest.mark.parametrize("digits", [1, 2])
@torch.inference_mode()
def test_a_row_does_not_depend_on_the_others_nor_on_how_many_there_are(digits):
    layer, x = Int8Linear(linear(outputs=56), digits), torch.randn(33, 64)
    alone = [layer(row[None])[0] for row in x]
    assert torch.equal(torch.stack(alone), layer(x))
    x[::2] = torch.tensor([float("nan"), float("inf"), 1e30, 0.0]).repeat(5)[:17, None]
    together = layer(x)
    assert all(torch.equal(together[n], alone[n]) for n in range(1, 33, 2))
    assert not together[0].isfinite().any()
    assert not together[2].isfinite().any()
    assert torch.equal(together[6], layer(torch.zeros(1, 64))[0])


@torch.inference_mode()
def test_tied_weights_heads_and_odd_sides_are_left(llama):
    tied = llama(tied=True)
    assert int8_linear(tied, head=True) == 4 * 7
    assert tied.lm_head.weight is tied.model.embed_tokens.weight
    assert int8_linear(llama(), head=True) == 4 * 7 + 1
    shared = linear()
    model = nn.ModuleDict({"odd": linear(60, 48), "one": shared, "again": shared, "last": linear(seed=1)})
    assert int8_linear(model) == 2
    assert type(model["again"]) is Int8Linear
    assert type(model["odd"]) is nn.Linear
    assert model["one"] is model["again"]
    with pytest.raises(ConfigError, match="has no linear layer that can be int8"):
        int8_linear(model)


def test_other_devices_are_refused():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(64, 64))
    with pytest.raises(ConfigError, match="run on cpu and cuda, Sequential is on meta"):
        int8_linear(model)
    assert type(model[0]) is nn.Linear


def test_weights_take_a_quarter_of_the_bytes(llama):
    def size(model):
        linears = [m for m in model.modules() if isinstance(m, nn.Linear | Int8Linear) and m is not model.lm_head]
        return sum(t.nbytes for m in linears for t in (*m.parameters(), *m.buffers()))

    model = llama()
    before = size(model)
    int8_linear(model)
    assert size(model) < 0.28 * before


@pytest.mark.gpu
@torch.inference_mode()
def test_cuda_gives_the_same_whole_numbers():
    layer, x = Int8Linear(linear()), torch.randn(33, 64)
    there = Int8Linear(linear()).cuda()
    for rows in (1, 16, 17, 33):
        torch.testing.assert_close(there(x[:rows].cuda()).cpu(), layer(x[:rows]), rtol=1e-5, atol=1e-6)
        assert torch.equal(there(x[:rows].cuda()), there(x.cuda())[:rows])
