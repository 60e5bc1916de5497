"""Sessions past eviction against the paper written out, and sessions together against each alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from headrace.state import Policy, absolute, attention, cache, ema, everything, pin, realign, recent, top
from headrace.state.laws import digest
from tests.models.families import (
    FAMILIES,
    WINDOW,
    attached,
    cut,
    frames,
    ids,
    opened,
    plain,
    relative,
    untouched,
)

pytest.importorskip("transformers")


def streaming_llm(model: Any, text: list[int], pins: int, recent: int, block: int) -> Tensor:
    """Logits [n, vocabulary] of a Llama under StreamingLLM (arXiv 2309.17453, §3.2), token by token.

    Keys are kept as they were before rotation, and turned by their rank among what is kept. What leaves, leaves in
    whole blocks, so that the newest `recent` tokens (rounded up to blocks) and the block being written are there.
    """
    config, body = model.config, model.model
    heads, kv_heads, dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
    rates = 10000.0 ** -(torch.arange(0, dim, 2, dtype=torch.float64) / dim)

    def norm(x: Tensor, weight: Tensor) -> Tensor:
        return x * (x.pow(2).mean(-1, keepdim=True) + config.rms_norm_eps).rsqrt() * weight

    def turn(x: Tensor, ranks: Tensor) -> Tensor:
        angles = ranks[:, None, None] * rates
        a, b = x[..., : dim // 2], x[..., dim // 2 :]
        return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)

    past: list[dict[int, tuple[Tensor, Tensor]]] = [{} for _ in body.layers]
    logits = []
    for p, token in enumerate(text):
        kept = [j for j in range(p + 1) if j < pins or j // block >= p // block - -(-recent // block)]
        ranks = torch.arange(len(kept), dtype=torch.float64)
        x = body.embed_tokens.weight[token]
        for layer, entries in zip(body.layers, past, strict=True):
            y, own = norm(x, layer.input_layernorm.weight), layer.self_attn
            q, k, v = ((y @ w.weight.T).view(-1, dim) for w in (own.q_proj, own.k_proj, own.v_proj))
            entries[p] = k, v
            keys = turn(torch.stack([entries[j][0] for j in kept]), ranks).repeat_interleave(heads // kv_heads, 1)
            values = torch.stack([entries[j][1] for j in kept]).repeat_interleave(heads // kv_heads, 1)
            scores = torch.einsum("hd,jhd->hj", turn(q[None], ranks[-1:])[0], keys) * dim**-0.5
            x = x + torch.einsum("hj,jhd->hd", scores.softmax(-1), values).reshape(-1) @ own.o_proj.weight.T
            y, mlp = norm(x, layer.post_attention_layernorm.weight), layer.mlp
            gate = torch.nn.functional.silu(y @ mlp.gate_proj.weight.T)
            x = x + (gate * (y @ mlp.up_proj.weight.T)) @ mlp.down_proj.weight.T
        logits.append(norm(x, body.norm.weight) @ model.lm_head.weight.T)
    return torch.stack(logits).detach()


@pytest.mark.parametrize(
    ("pins", "recent_", "block"), [(4, 12, 4), (3, 10, 4), (0, 8, 4), (6, 1, 4), (4, 16, 16), (2, 5, 1)]
)
def test_streaming_llm_is_the_papers_whatever_the_pieces(pins: int, recent_: int, block: int) -> None:
    text = ids(80, seed=pins)
    expected = streaming_llm(untouched("llama"), text, pins, recent_, block)
    keep = pin(tokens=pins) + recent(tokens=recent_) if pins else recent(tokens=recent_)
    for chunk in (1, 7, 64, 0):
        session = opened("llama", Policy(keep, place=cache(), block=block))
        found = torch.cat([attached("llama").read([(session, piece)])[0] for piece in cut(text, chunk)])
        assert relative(found, expected) < 1e-9, chunk
        assert session.container.evicted > 0
        assert session.container.entries <= pins + recent_ + 2 * block


def test_the_reference_is_the_plain_model_where_nothing_leaves_and_another_where_something_does() -> None:
    text = ids(60)
    expected = plain(untouched("llama"), torch.tensor(text))
    assert relative(streaming_llm(untouched("llama"), text, 0, 64, 4), expected) < 1e-9
    assert relative(streaming_llm(untouched("llama"), text, 4, 12, 4), expected) > 1e-2


# ── together and alone ───────────────────────────────────────────────────────────────────────────────────────────────

POLICIES: dict[str, Callable[[], Policy]] = {
    "sinks": lambda: Policy(pin(tokens=4) + recent(tokens=12), place=cache(), block=4),
    "window": lambda: Policy(recent(tokens=10), place=absolute(), block=8),
    "dense": lambda: Policy(everything(), place=absolute(), block=16, bounded=False, max_bytes=1 << 22),
    "layers": lambda: Policy(
        pin(tokens=4) + top(tokens=8, score=attention(queries=4)) + recent(tokens=8), block=4, grain="layer"
    ),
    "folded": lambda: Policy(pin(tokens=8) + recent(tokens=8), place=cache(), block=4, fold=ema(0.9)),
    "realigned": lambda: Policy(pin(tokens=4) + recent(tokens=8), place=realign(), block=4),
}


@pytest.mark.parametrize("name", ["llama", "gemma3", "gpt-oss", "moonshine"])
def test_sessions_of_different_ages_and_policies_run_as_if_alone(name: str) -> None:
    lm, draw = attached(name), random.Random(name)
    encoded = [frames(number, n=5 + number) for number in range(len(POLICIES))]

    def open_all() -> list[Any]:
        own = [{"encoded": states} if FAMILIES[name].encoder else {} for states in encoded]
        return [lm.session(make(), **given) for make, given in zip(POLICIES.values(), own, strict=True)]

    together, alone = open_all(), open_all()
    said: list[list[Tensor]] = [[] for _ in POLICIES]
    fed: list[list[list[int]]] = [[] for _ in POLICIES]
    for tick in range(10):
        chosen = draw.sample(range(len(together)), draw.randint(1, len(together)))
        pieces = [ids(draw.choice((1, 1, 2, 5, 9, 30)), seed=100 * tick + i) for i in chosen]
        absent = {i: digest(together[i].snapshot()) for i in range(len(together)) if i not in chosen}
        found = lm.read([(together[i], piece) for i, piece in zip(chosen, pieces, strict=True)])
        for i, piece, logits in zip(chosen, pieces, found, strict=True):
            said[i].append(logits)
            fed[i].append(piece)
        assert absent == {i: digest(together[i].snapshot()) for i in absent}
    for i, logits in enumerate(lm.read([(session, ids(40, seed=i)) for i, session in enumerate(together)])):
        said[i].append(logits)
        fed[i].append(ids(40, seed=i))
    for i, session in enumerate(alone):
        expected = torch.cat([lm.read([(session, piece)])[0] for piece in fed[i]])
        assert relative(torch.cat(said[i]), expected) < 1e-9, list(POLICIES)[i]
    assert all(session.container.evicted for session in together if session.policy.bounded)


def test_some_read_while_others_speak() -> None:
    lm = attached("llama")

    def open_all() -> list[Any]:
        sessions = [lm.session(make()) for make in POLICIES.values()]
        lm.step([(session, ids(5 + 9 * i, seed=i)) for i, session in enumerate(sessions)])
        return sessions

    together, alone = open_all(), open_all()
    for tick in range(12):
        data = [None if (tick + i) % 3 else ids(1 + tick % 4, seed=tick + i) for i in range(len(together))]
        found = lm.step(list(zip(together, data, strict=True)))
        for outcome, session, given in zip(found, alone, data, strict=True):
            [expected] = lm.step([(session, given)])
            assert outcome.token == expected.token
            assert (outcome.token is None) == (given is not None)
            assert relative(outcome.logits[-1], expected.logits[-1]) < 1e-9


def test_draws_depend_on_the_rows_own_seed_alone() -> None:
    from headrace.models.hf.sampling import Sampling

    lm, rule = attached("llama"), Sampling(temperature=1.5, top_k=50)

    def open_one(seed: int) -> Any:
        session = lm.session(POLICIES["sinks"](), sampling=rule, seed=seed)
        session.push(ids(9))
        return session

    alone = [[lm.step([(session, None)])[0].token for _ in range(30)] for session in map(open_one, range(3))]
    rows = [open_one(seed) for seed in (2, 0, 1, 0)]
    together = [[outcome.token for outcome in lm.step([(row, None) for row in rows])] for _ in range(30)]
    assert list(map(list, zip(*together, strict=True))) == [alone[2], alone[0], alone[1], alone[0]]
    assert alone[0] != alone[1]


def test_a_step_of_none_row_is_nothing() -> None:
    assert attached("llama").step([]) == []
    assert attached("llama").read([]) == []


def test_an_outcome_has_the_logits_that_its_docstring_says() -> None:
    lm = attached("llama")
    session = opened("llama", POLICIES["sinks"]())
    [read] = lm.read([(session, ids(11))])
    assert read.shape == (11, lm.vocabulary)
    [outcome] = lm.step([(session, ids(11, seed=1))])
    assert outcome.token is None
    assert outcome.logits.shape == (1, lm.vocabulary)
    [outcome] = lm.step([(session, None)])
    assert outcome.logits.shape == (1, lm.vocabulary)
    [outcome] = lm.step([(session, [])])
    assert outcome.token is None
    assert outcome.logits.shape[-1] == lm.vocabulary


def test_to_speak_first_the_opening_is_read(tiny: Any) -> None:
    session = tiny.session()
    [outcome] = tiny.step([(session, None)])
    assert session.container.count == 2
    assert outcome.logits.shape == (1, tiny.vocabulary)


def test_a_greedy_token_is_the_plain_models_best() -> None:
    text = ids(20)
    expected = int(plain(untouched("llama"), torch.tensor(text))[-1].argmax())
    session = opened("llama", POLICIES["dense"]())
    session.push(text)
    [outcome] = attached("llama").step([(session, None)])
    assert outcome.token == expected
    after = plain(untouched("llama"), torch.tensor([*text, expected]))[-1]
    assert relative(outcome.logits[-1], after) < 1e-9


def test_sinks_lie_outside_of_the_windows_of_sliding_layers() -> None:
    lm, text = attached("mistral"), ids(90)
    for place in (absolute(), cache()):
        session = opened("mistral", Policy(pin(tokens=4) + recent(tokens=2 * WINDOW), place=place, block=4))
        found = torch.cat([lm.read([(session, piece)])[0] for piece in cut(text, 7)])
        assert relative(found, plain(untouched("mistral"), torch.tensor(text))) < 1e-9
