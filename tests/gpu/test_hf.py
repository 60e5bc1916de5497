"""Language models on a GPU: what the CPU says, and nothing that waits for the device layer by layer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from headrace.core.errors import StateError
from headrace.models.hf.sampling import Sampling
from headrace.state import Policy, absolute, attention, cache, ema, on, pin, realign, recent, top
from headrace.state.laws import digest
from tests.models.families import FAMILIES, HIDDEN, attached, cut, dense, frames, ids, plain, relative

pytest.importorskip("transformers")

from headrace.models.hf.int8 import Int8Linear, int8_linear
from headrace.models.hf.lm import LM

pytestmark = pytest.mark.gpu

TYPES = pytest.mark.parametrize(("dtype", "bound"), [(torch.float32, 1e-4), (torch.bfloat16, 3e-2)])
POLICIES = {
    "sinks": Policy(pin(tokens=4) + recent(tokens=12), place=cache(), block=4),
    "window": Policy(recent(tokens=10), place=absolute(), block=8),
    "dense": dense(absolute()),
    "scores": Policy(pin(tokens=4) + top(tokens=8, score=attention(queries=4)) + recent(tokens=8), block=4),
    "layers": Policy(top(tokens=8, score=attention(queries=4)) + recent(tokens=8), block=4, grain="layer"),
    "folded": Policy(pin(tokens=8) + recent(tokens=8), place=cache(), block=4, fold=ema(0.9)),
    "realigned": Policy(pin(tokens=4) + recent(tokens=8), place=realign(), block=4),
    "redone": Policy(recent(tokens=12), place=absolute(), block=4, redo=on("prompt", last=2)),
}
SAMPLED = Sampling(temperature=1.2, top_p=0.95, repetition_penalty=1.1, window=16)


def there(device: torch.device, dtype: torch.dtype = torch.float32, name: str = "llama", **options: Any) -> LM:
    return LM(FAMILIES[name].build(dtype, **options).to(device), name=name)


def read(lm: LM, session: Any, text: list[int], chunk: int = 7) -> Tensor:
    """Logits of a text in pieces, on the CPU."""
    return torch.cat([lm.read([(session, piece)])[0].cpu() for piece in cut(text, chunk)])


# ── what is said ─────────────────────────────────────────────────────────────────────────────────────────────────────


@TYPES
@pytest.mark.parametrize("chunk", [1, 7, 0])
@pytest.mark.parametrize("name", FAMILIES)
def test_attached_models_say_what_the_untouched_ones_say(
    name: str, chunk: int, dtype: torch.dtype, bound: float, cuda: torch.device
) -> None:
    states = frames(dtype=dtype).to(cuda) if FAMILIES[name].encoder else None
    expected = plain(FAMILIES[name].build(dtype).to(cuda), torch.tensor(ids(64), device=cuda), states)
    lm = there(cuda, dtype, name)
    session = lm.session(dense(cache()), encoded=states)
    assert lm.report.error < bound
    assert relative(read(lm, session, ids(64), chunk), expected.cpu()) < bound
    assert {one.device for one in session.container.tensors()} == {cuda}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_says_what_it_says_on_the_cpu(name: str, cuda: torch.device) -> None:
    here, lm = attached("llama", torch.float32), there(cuda)
    expected = read(here, here.session(POLICIES[name]), ids(80))
    assert relative(read(lm, lm.session(POLICIES[name]), ids(80)), expected) < 1e-4


@TYPES
def test_rows_of_one_launch_say_what_each_says_alone(dtype: torch.dtype, bound: float, cuda: torch.device) -> None:
    lm = there(cuda, dtype)
    together, alone = ([lm.session(policy) for policy in POLICIES.values()] for _ in range(2))
    for tick in range(8):
        rows = [ids((1, 2, 5, 9, 30)[(tick + i) % 5], seed=10 * tick + i) for i in range(len(together))]
        found = lm.read(list(zip(together, rows, strict=True)))
        for session, row, logits in zip(alone, rows, found, strict=True):
            [expected] = lm.read([(session, row)])
            assert logits.is_cuda
            assert relative(logits, expected) < bound
    assert all(session.container.evicted for session in together if session.policy.bounded)


@pytest.mark.parametrize("name", ["sinks", "scores", "layers", "folded"])
def test_sampled_tokens_are_those_of_the_cpu(name: str, cuda: torch.device) -> None:
    said = []
    for lm in (attached("llama", torch.float32), there(cuda)):
        session = lm.session(POLICIES[name], sampling=SAMPLED, seed=5)
        session.push(ids(30))
        said.append([token.id for token in session.say(max_tokens=24)])
    assert said[0] == said[1]


def test_embeddings_and_redone_inputs_stay_on_the_device(cuda: torch.device) -> None:
    here, lm = attached("llama", torch.float32), there(cuda)
    made = torch.randn(30, HIDDEN, generator=torch.Generator().manual_seed(1))
    expected = read(here, here.session(POLICIES["sinks"]), made)
    assert relative(read(lm, lm.session(POLICIES["sinks"]), made), expected) < 1e-4
    assert relative(read(lm, lm.session(POLICIES["sinks"]), made.to(cuda)), expected) < 1e-4
    sessions = [model.session(POLICIES["redone"]) for model in (here, lm)]
    for session in sessions:
        session.push(ids(30))
        assert session.signal("prompt") > 0
    one, two = (read(model, s, ids(9)) for model, s in zip((here, lm), sessions, strict=True))
    assert relative(two, one) < 1e-4


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", POLICIES)
def test_a_session_goes_from_the_cpu_to_the_gpu_and_back(name: str, cuda: torch.device, tmp_path: Any) -> None:
    here, lm = attached("llama", torch.float32), there(cuda)
    session = here.session(POLICIES[name], sampling=SAMPLED, seed=3, start=2**33)
    session.push(ids(50))
    session.snapshot().save(tmp_path / "one.safetensors")
    moved = lm.restore(tmp_path / "one.safetensors")
    assert digest(moved.snapshot()) == digest(session.snapshot())
    assert {one.device for one in moved.container.tensors()} == {cuda}
    back = here.restore(moved.snapshot())
    assert digest(back.snapshot()) == digest(session.snapshot())
    one, two = read(here, session, ids(40, seed=1)), read(lm, moved, ids(40, seed=1))
    assert relative(two, one) < 1e-4
    assert torch.equal(read(here, back, ids(40, seed=1)), one)
    assert moved.nbytes() == session.nbytes() <= moved.max_bytes() == session.max_bytes()


@pytest.mark.parametrize("name", POLICIES)
def test_forks_share_nothing_and_rollbacks_leave_nothing(name: str, cuda: torch.device) -> None:
    lm = there(cuda)
    session = lm.session(POLICIES[name], sampling=SAMPLED, seed=7)
    session.push(ids(50))
    held, two = digest(session.snapshot()), session.fork()
    two.push(ids(20, seed=9))
    assert digest(session.snapshot()) == held
    container = session.container
    container.begin(1, inputs=[5])
    with pytest.raises(StateError):
        container.snapshot()
    container.rollback()
    assert digest(session.snapshot()) == held


def test_device_memory_does_not_grow(cuda: torch.device) -> None:
    lm = there(cuda)
    sessions = [lm.session(policy) for policy in POLICIES.values() if policy.bounded]
    for _ in range(100):
        lm.step([(session, ids(4)) for session in sessions])
    before = torch.cuda.memory_allocated(cuda)
    for tick in range(1_000):
        lm.step([(session, None if tick % 3 else ids(4, seed=tick)) for session in sessions])
    lm.step([(session, ids(4)) for session in sessions])
    assert torch.cuda.memory_allocated(cuda) - before < 1 << 16


# ── how it runs ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Unwaiting:
    """Within the layers after the first, whatever waits for the device is an error."""

    def __init__(self, lm: LM) -> None:
        layers = lm.attached.decoder.model.layers
        self.hooks = [
            layers[1].register_forward_pre_hook(lambda *_: torch.cuda.set_sync_debug_mode("error")),
            layers[-1].register_forward_hook(lambda *_: torch.cuda.set_sync_debug_mode("default")),
        ]

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", ["sinks", "window", "dense", "folded", "realigned", "scores"])
def test_layers_after_the_first_do_not_wait_for_the_device(name: str, cuda: torch.device) -> None:
    lm = there(cuda, torch.bfloat16, num_hidden_layers=4)
    sessions = [lm.session(POLICIES[name]) for _ in range(3)]
    lm.step([(session, ids(40, seed=i)) for i, session in enumerate(sessions)])
    with Unwaiting(lm):
        for tick in range(12):
            lm.step([(session, None if tick % 3 else ids(3, seed=tick)) for session in sessions])


def test_what_waits_would_be_seen(cuda: torch.device) -> None:
    lm = there(cuda, num_hidden_layers=4)
    session = lm.session(POLICIES["sinks"])
    session.push(ids(20))
    waits = lm.attached.decoder.model.layers[2].register_forward_pre_hook(lambda _, given: given[0].sum().item())
    with Unwaiting(lm), pytest.raises(RuntimeError, match="synchroniz"):
        lm.step([(session, ids(2))])
    waits.remove()
    assert session.container.pending == 0
    session.push(ids(2))


# ── int8 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("digits", [1, 2])
def test_int8_says_what_it_says_on_the_cpu(digits: int, cuda: torch.device) -> None:
    said = []
    for device in (torch.device("cpu"), cuda):
        lm = there(device)
        assert int8_linear(lm.attached.model, digits=digits) == 2 * 7
        sessions = [lm.session(policy) for policy in POLICIES.values()]
        rows = [(session, ids(20 + i, seed=i)) for i, session in enumerate(sessions)]
        said.append(torch.cat([logits.cpu() for logits in lm.read(rows)]))
    assert relative(said[1], said[0]) < 3e-2


@TYPES
def test_int8_loads_beside_the_entries(dtype: torch.dtype, bound: float, cuda: torch.device) -> None:
    from headrace.models.hf.load import load

    lm, exact = (load("zoo:tiny-llama", device="cuda", dtype=dtype, optimize=optimize) for optimize in (True, False))
    layers = [module for module in lm.attached.model.modules() if isinstance(module, Int8Linear)]
    assert layers
    assert all(layer.weight.is_cuda for layer in layers)
    text = "def f(x):\n\treturn x + 1\n" * 20
    found, expected = (model.read([(model.session(POLICIES["sinks"]), text)])[0].cpu() for model in (lm, exact))
    assert relative(found, expected) < 0.1
