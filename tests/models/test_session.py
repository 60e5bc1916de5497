"""What a session promises beside its outputs: forks, snapshots, bytes, absence, turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from copy import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from headrace.core.errors import ConfigError, InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.models.hf.sampling import Sampling
from headrace.models.hf.turns import Turns
from headrace.state import Policy, absolute, attention, cache, ema, on, pin, recent, top
from headrace.state.laws import digest
from tests.models.families import FAMILIES, attached, dense, frames, ids, opened, relative

pytest.importorskip("transformers")

SINKS = Policy(pin(tokens=4) + recent(tokens=12), place=cache(), block=4)
POLICIES = {
    "sinks": SINKS,
    "dense": dense(absolute()),
    "layers": Policy(
        pin(tokens=4) + top(tokens=8, score=attention(queries=4)) + recent(tokens=8), block=4, grain="layer"
    ),
    "folded": Policy(pin(tokens=8) + recent(tokens=8), place=cache(), block=4, fold=ema(0.9)),
}
SAMPLED = Sampling(temperature=1.2, top_p=0.95, repetition_penalty=1.1, window=16)


def goes_on(lm: Any, session: Any, steps: int = 12) -> list[Any]:
    """Tokens and bits of what a session does next: it reads, speaks, reads."""
    done: list[Any] = []
    for step in range(steps):
        [outcome] = lm.step([(session, None if step % 4 else ids(5, seed=step))])
        done.append((outcome.token, outcome.logits[-1].tolist()))
    return done


# ── fork ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", POLICIES)
def test_forks_share_a_past_and_nothing_else(name: str) -> None:
    lm = attached("llama")
    one, same = (opened("llama", POLICIES[name], sampling=SAMPLED, seed=7) for _ in range(2))
    for session in (one, same):
        session.push(ids(50))
        goes_on(lm, session)
    two = one.fork()
    held = digest(two.snapshot())
    expected = goes_on(lm, same)
    assert goes_on(lm, one) == expected
    assert digest(two.snapshot()) == held
    assert goes_on(lm, two) == expected
    two.push(ids(20, seed=9))
    two.close()
    assert goes_on(lm, one) == goes_on(lm, same)


def test_a_fork_may_take_another_policy_while_nothing_was_dropped() -> None:
    lm = attached("llama")
    whole = opened("llama", dense(cache(), block=4))
    whole.push(ids(14))
    narrow = whole.fork(SINKS)
    straight = opened("llama", SINKS)
    straight.push(ids(14))
    [found], [expected] = lm.read([(narrow, ids(40, seed=1))]), lm.read([(straight, ids(40, seed=1))])
    assert relative(found, expected) < 1e-9
    whole.push(ids(40))
    with pytest.raises(StateError, match="would have dropped"):
        whole.fork(SINKS)


def test_a_fork_of_a_session_that_read_nothing_begins_as_it_would(tiny: Any) -> None:
    one = tiny.session(SINKS)
    two = one.fork()
    one.push("def f")
    two.push("def f")
    assert one.container.count == two.container.count
    assert digest(one.snapshot()) == digest(two.snapshot())


# ── snapshot ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", POLICIES)
def test_a_restored_session_goes_on_bit_by_bit(name: str, tmp_path: Path) -> None:
    lm = attached("llama")
    session = opened("llama", POLICIES[name], sampling=SAMPLED, seed=3, start=2**33)
    session.push(ids(50))
    goes_on(lm, session)
    session.snapshot().save(tmp_path / "one.safetensors")
    again = lm.restore(tmp_path / "one.safetensors")
    assert digest(again.snapshot()) == digest(session.snapshot())
    assert again.nbytes() <= again.max_bytes() == session.max_bytes()
    assert goes_on(lm, again) == goes_on(lm, session)


@pytest.mark.parametrize("name", ["gemma3", "gpt-oss", "moonshine"])
def test_other_families_are_restored_too(name: str, tmp_path: Path) -> None:
    lm = attached(name)
    session = opened(name, SINKS)
    session.push(ids(50))
    session.snapshot().save(tmp_path / "one.safetensors")
    assert goes_on(lm, lm.restore(tmp_path / "one.safetensors")) == goes_on(lm, session)


def test_entries_in_bfloat16_survive(tmp_path: Path) -> None:
    lm = attached("llama", torch.bfloat16)
    session = opened("llama", SINKS, dtype=torch.bfloat16)
    session.push(ids(50))
    session.snapshot().save(tmp_path / "one.safetensors")
    assert goes_on(lm, lm.restore(tmp_path / "one.safetensors")) == goes_on(lm, session)


def test_an_unread_session_is_saved_with_its_opening(tiny: Any, tmp_path: Path) -> None:
    session = tiny.session(SINKS)
    session.snapshot().save(tmp_path / "one.safetensors")
    again = tiny.restore(tmp_path / "one.safetensors")
    assert goes_on(tiny, again) == goes_on(tiny, session)


CHILD = """
import json, sys, torch
torch.set_num_threads(1)
from headrace.models.hf.load import load
lm = load(sys.argv[1], dtype="float64", device="cpu")
say = load("zoo:tiny-llama", device="cpu")
done = {}
for name in json.loads(sys.argv[3]):
    session = lm.restore(f"{sys.argv[2]}/{name}.safetensors")
    session.push(list(range(3, 40)))
    done[name] = [lm.step([(session, None)])[0].token for _ in range(10)] + session.parts["logits"].value.tolist()
session = say.restore(f"{sys.argv[2]}/reply.safetensors")
done["reply"] = [[token.id, token.text] for token in session.reply]
print(json.dumps(done))
"""


def test_a_fresh_process_goes_on_bit_by_bit_also_amid_a_reply(tiny: Any, tmp_path: Path) -> None:
    """Half a character and the beginning of a stop string are held back when the reply is saved."""
    from headrace.models.hf.load import load

    model = tmp_path / "model"
    FAMILIES["llama"].build(torch.float64).save_pretrained(model)
    lm = load(model, dtype="float64", device="cpu")
    done: dict[str, list[Any]] = {}
    for name, policy in POLICIES.items():
        session = lm.session(policy, sampling=SAMPLED, seed=5)
        session.push(ids(50))
        session.snapshot().save(tmp_path / f"{name}.safetensors")
        session.push(list(range(3, 40)))
        done[name] = [lm.step([(session, None)])[0].token for _ in range(10)] + session.parts["logits"].value.tolist()
    session, reply = held_back(tiny)
    session.snapshot().save(tmp_path / "reply.safetensors")
    done["reply"] = [[token.id, token.text] for token in reply]
    child = subprocess.run(
        [sys.executable, "-c", CHILD, str(model), str(tmp_path), json.dumps(list(POLICIES))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.returncode == 0, child.stderr
    assert json.loads(child.stdout) == done


def held_back(tiny: Any) -> tuple[Any, Any]:
    """A session amid a reply that holds back a part of a character and a part of a stop string."""
    session = tiny.session(SINKS, sampling=Sampling(temperature=1.0), seed=1)
    session.push("def main():\n")
    reply = session.say(max_tokens=40, stop=("a b\u00e9", "zzz"))
    script = iter([*tiny.tokens("x a"), *tiny.tokens(" b\u00e9")[:2]])
    pick = session.parts["sampler"].pick
    session.parts["sampler"].pick = lambda logits: next(script, None) or pick(logits)
    for _ in range(len(tiny.tokens("x a")) + 2):
        next(reply)
    del session.parts["sampler"].pick
    return session, reply


def test_what_is_held_back_is_held_back(tiny: Any) -> None:
    _, reply = held_back(tiny)
    assert reply.text == "x "
    assert not reply.ended


# ── bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", POLICIES)
def test_no_session_holds_more_than_it_said_at_open(name: str) -> None:
    lm = attached("llama")
    session = opened("llama", POLICIES[name], sampling=SAMPLED)
    most = session.max_bytes()
    for step in range(40):
        lm.step([(session, None if step % 3 else ids(7, seed=step))])
        assert session.nbytes() <= most
    assert session.max_bytes() == most


def test_a_long_reply_holds_no_logits_of_tokens_long_said() -> None:
    session = opened("llama", SINKS)
    session.push(ids(20))
    for _ in session.say(max_tokens=40):
        assert len(session.outbox) <= 1


def test_a_reply_holds_no_more_than_was_said_at_open(tiny: Any) -> None:
    session = tiny.session(SINKS)
    most = session.max_bytes()
    session.push("def main():\n")
    for _ in session.say(max_tokens=200):
        assert session.nbytes() <= session.max_bytes()
    assert session.max_bytes() <= most + 200 * 128


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_session_is_a_context() -> None:
    with opened("llama", SINKS) as session:
        session.push(ids(20))
        held = session.nbytes()
    assert session.closed
    assert session.nbytes() < held
    session.close()
    for call in (
        lambda: session.push(ids(3)),
        lambda: session.say(),
        lambda: session.fork(),
        lambda: session.snapshot(),
        lambda: session.turn("user"),
        lambda: session.boundary(),
        lambda: session.signal("prompt"),
        lambda: attached("llama").step([(session, None)]),
    ):
        with pytest.raises(StateError, match="closed"):
            call()


def test_a_boundary_ends_a_segment() -> None:
    session = opened("llama", SINKS)
    session.push(ids(2))
    session.boundary()
    session.push(ids(3, seed=1))
    assert [segment.length for segment in session.container.segments] == [2, 3]


def test_a_signal_runs_kept_inputs_again() -> None:
    redone = Policy(pin(tokens=4) + recent(tokens=16), place=cache(), block=4, redo=on("prompt", last=2))
    session, twin = (opened("llama", redone, sampling=SAMPLED) for _ in range(2))
    for one in (session, twin):
        one.push(ids(18))
    assert session.signal("applause") == 0
    assert digest(session.snapshot()) == digest(twin.snapshot())
    assert session.signal("prompt") == 4 + 4 + 2
    assert session.container.count == 18
    [again], [expected] = (attached("llama").read([(one, ids(6, seed=1))]) for one in (session, twin))
    assert relative(again, expected) < 1e-9  # nothing was dropped yet: to run again changes nothing
    for one in (session, twin):
        one.push(ids(40, seed=2))
    assert session.signal("prompt") == 4 + 4
    [again], [other] = (attached("llama").read([(one, ids(6, seed=1))]) for one in (session, twin))
    assert relative(again, other) > 1e-6  # what was dropped is forgotten by what stayed


def test_what_is_run_again_was_not_said_twice() -> None:
    redone = Policy(pin(tokens=4) + recent(tokens=16), place=cache(), block=4, redo=on("prompt", last=2))
    session = opened("llama", redone, sampling=SAMPLED)
    session.push(ids(18))
    before = digest(session.parts["sampler"].snapshot())
    session.signal("prompt")
    assert digest(session.parts["sampler"].snapshot()) == before


def test_an_encoder_is_asked_for() -> None:
    lm = attached("moonshine")
    for encoded in (None, frames()[0], frames()[:, :5], frames()[:0]):
        with pytest.raises(InputError, match="encoded"):
            lm.session(SINKS, encoded=encoded)
    with pytest.raises(ConfigError, match="no encoder"):
        attached("llama").session(SINKS, encoded=frames())
    with pytest.raises(ConfigError, match="no encoder"):
        attached("llama").encode(torch.zeros(16000))


def test_no_snapshot_is_of_another_kind() -> None:
    session = opened("llama", SINKS)
    session.push(ids(9))
    with pytest.raises(StateError, match="'container'"):
        attached("llama").restore(session.container.snapshot())
    with pytest.raises(StateError):
        attached("llama").restore(Snapshot("session", {}, {}))


# ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def conversation(tiny: Any, *, stop: str = "", save: Any = None) -> Any:
    """A session amid its second turn of the user, and what it said before; `save` may put another in its place."""
    session = tiny.session(dense(cache()))
    session.turn("user")
    session.push("def f(x):")
    session.turn("assistant")
    script = iter([*tiny.tokens(" x a"), *tiny.tokens(stop or " b")])
    session.parts["sampler"].pick = lambda logits: next(script)
    reply = session.say(max_tokens=len(tiny.tokens(" x a")) + 1, stop=[stop] if stop else ())
    said = [token.id for token in reply if token.id is not None]
    del session.parts["sampler"].pick
    session = session if save is None else save(session)
    session.turn("user")
    return session, said


def straight(tiny: Any, said: list[int], end: str) -> Any:
    """The same conversation, pushed."""
    session = tiny.session(dense(cache()), opening=False)
    session.push([*tiny.opening, *tiny.tokens("user: "), *tiny.tokens("def f(x):"), *tiny.tokens("\nassistant: ")])
    session.push([*said, *tiny.tokens(end)])
    return session


def test_turns_are_written_as_the_template_writes_them(tiny: Any) -> None:
    session, said = conversation(tiny)
    assert session.container.count == straight(tiny, said, "\nuser: ").container.count
    expected = straight(tiny, said, "\nuser: ")
    assert relative(session.parts["logits"].value, expected.parts["logits"].value) < 1e-5


def test_what_the_model_said_to_end_its_turn_is_not_written_again(tiny: Any) -> None:
    """A reply that stops at the template's own end of a turn has said it: it is in the state."""
    session, said = conversation(tiny, stop="\n")
    assert said[-1:] == tiny.tokens("\n")
    assert session.container.count == straight(tiny, said, "user: ").container.count


def test_a_special_token_that_ends_the_turn_is_not_written_again(tiny: Any) -> None:
    """The text of a reply leaves special tokens out; its end is in the state all the same."""
    tokenizer = copy(tiny.tokenizer)
    end = tokenizer.bos_token
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m.role + ':' + m.content + '" + end + "' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
    )
    counts = []
    for ends in ([tokenizer.bos_token_id], []):
        session = tiny.session(dense(cache()), opening=False)
        session.parts["turns"] = Turns(tokenizer)
        session.turn("user")
        session.push("hi")
        session.turn("assistant")
        session.parts["sampler"].pick = lambda logits: tokenizer.bos_token_id
        assert [token.id for token in session.say(max_tokens=1, ends=ends)] == [tokenizer.bos_token_id]
        before = session.container.count
        session.turn("user")
        counts.append(session.container.count - before)
    assert counts == [len(tiny.tokens("user:"))] * 2


@pytest.mark.parametrize("stop", ["", "\n"])
@pytest.mark.parametrize("way", ["snapshot", "fork"])
def test_turns_survive(tiny: Any, way: str, stop: str) -> None:
    def save(session: Any) -> Any:
        return session.fork() if way == "fork" else tiny.restore(session.snapshot())

    session, _ = conversation(tiny, stop=stop)
    again, _ = conversation(tiny, stop=stop, save=save)
    assert again.container.count == session.container.count
    assert relative(again.parts["logits"].value, session.parts["logits"].value) < 1e-5


def test_an_unknown_role_changes_nothing(tiny: Any) -> None:
    session, twin = tiny.session(dense(cache())), tiny.session(dense(cache()))
    for one in (session, twin):
        one.turn("user")
        one.push("hi")
    before = session.container.count
    with pytest.raises(ConfigError, match="roles are"):
        session.turn("bystander")
    assert session.container.count == before
    for one in (session, twin):
        one.turn("assistant")
    assert session.container.count == twin.container.count


def test_turns_need_a_tokenizer() -> None:
    with pytest.raises(ConfigError, match="tokenizer"):
        opened("llama", SINKS).turn("user")
