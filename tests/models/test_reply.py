"""What a session says: the same tokens as transformers' generate, and every way a reply can end."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import pytest
import torch

from headrace.core.errors import ConfigError, StateError
from headrace.models.hf.reply import Token
from headrace.models.hf.sampling import Sampling
from headrace.state import Policy, cache, pin, recent
from headrace.state.laws import digest
from tests.models.families import FAMILIES, attached, dense, frames, ids, opened, untouched

transformers = pytest.importorskip("transformers")

SINKS = Policy(pin(tokens=4) + recent(tokens=60), place=cache(), block=16)
PROMPT = "def main():\n"


def generated(model: Any, prompt: Sequence[int], **options: Any) -> list[int]:
    """What transformers' own loop says, greedily."""
    given = torch.tensor([list(prompt)])
    settings = {"max_new_tokens": 24, "do_sample": False, "pad_token_id": 0, **options}
    with torch.no_grad():
        made = model.generate(given, attention_mask=torch.ones_like(given), **settings)
    return made[0, len(prompt) :].tolist()


def said(session: Any, **options: Any) -> list[int]:
    return [token.id for token in session.say(**options) if token.id is not None]


@pytest.fixture(scope="module")
def plain_tiny() -> Any:
    """The model that ships, as transformers loads it."""
    place = files("headrace").joinpath("zoo", "tiny-llama")
    return transformers.LlamaForCausalLM.from_pretrained(str(place), dtype=torch.float32).eval()


def scripted(session: Any, tokens: Sequence[int]) -> Any:
    """Let the session say these tokens, whatever the model thinks."""
    rest = iter(tokens)
    session.parts["sampler"].pick = lambda logits: next(rest)
    return session


# ── beside generate ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if not family.encoder])
def test_greedy_replies_are_those_of_generate(name: str) -> None:
    session = opened(name, dense(cache()))
    session.push(ids(20))
    assert said(session, max_tokens=24) == generated(untouched(name), ids(20))


@pytest.mark.parametrize(
    ("options", "own"),
    [
        ({}, {}),
        ({"repetition_penalty": 1.3}, {"repetition_penalty": 1.3}),
        ({"no_repeat_ngram_size": 2}, {"processors": [transformers.NoRepeatNGramLogitsProcessor(2)]}),
    ],
    ids=["plain", "penalty", "processor"],
)
def test_the_model_that_ships_says_what_generate_says(tiny: Any, plain_tiny: Any, options: Any, own: Any) -> None:
    session = tiny.session(dense(cache()), sampling=Sampling(**own))
    session.push(PROMPT)
    prompt = [*tiny.opening, *tiny.tokens(PROMPT)]
    assert said(session, max_tokens=24) == generated(plain_tiny, prompt, **options)


# ── draws ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0),
        Sampling(temperature=0.7, top_p=0.9),
        Sampling(temperature=1.5, top_k=20),
        Sampling(temperature=1.5, min_p=0.02, repetition_penalty=1.2),
    ],
)
def test_a_seed_says_the_same_again_and_another_something_else(tiny: Any, sampling: Sampling) -> None:
    replies = []
    for seed in (1, 1, 2):
        session = tiny.session(SINKS, sampling=sampling, seed=seed)
        session.push(PROMPT)
        replies.append(said(session, max_tokens=30))
    assert replies[0] == replies[1] != replies[2]


def test_the_pieces_of_a_reply_are_its_text(tiny: Any) -> None:
    for seed in range(6):
        session = tiny.session(SINKS, sampling=Sampling(temperature=1.8), seed=seed)
        session.push(PROMPT)
        reply = session.say(max_tokens=40, stop="never said")
        tokens = list(reply)
        assert all(isinstance(token, Token) for token in tokens)
        assert "".join(token.text for token in tokens) == reply.text
        assert reply.text == tiny.tokenizer.decode(reply.tokens, skip_special_tokens=True)
        assert reply.tokens == [token.id for token in tokens if token.id is not None]
        assert reply.ended == "length"


# ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stop", ["b", "a b", ("zz", "b "), " ", ("b c", "c")])
def test_a_stop_string_ends_the_text_before_it(tiny: Any, stop: Any) -> None:
    session = tiny.session(SINKS)
    session.push(PROMPT)
    script = tiny.tokens("xa b c d e f")
    reply = scripted(session, script).say(max_tokens=60, stop=stop)
    tokens = list(reply)
    strings = (stop,) if isinstance(stop, str) else stop
    ends = [("xa b c d e f".find(s) + len(s), "xa b c d e f".find(s)) for s in strings if s in "xa b c d e f"]
    assert reply.text == "".join(token.text for token in tokens) == "xa b c d e f"[: min(ends)[1]]
    assert reply.ended == "stop"
    assert reply.tokens == script[: len(reply.tokens)]
    assert session.container.count == len(tiny.opening) + len(tiny.tokens(PROMPT)) + len(reply.tokens)


def test_an_end_token_ends_it_and_is_part_of_the_state_not_of_the_text(tiny: Any) -> None:
    session = tiny.session(SINKS)
    session.push(PROMPT)
    first, end = tiny.tokens("x")[0], tiny.tokens("y")[0]
    before = session.container.count
    reply = scripted(session, [first, end, first]).say(max_tokens=9, ends=[end])
    assert [token.id for token in reply] == [first, end]
    assert (reply.text, reply.ended) == ("x", "end")
    assert session.container.count == before + 2


def test_the_model_s_own_end_tokens_are_known() -> None:
    from headrace.models.hf.lm import LM

    model = FAMILIES["llama"].build(torch.float64, eos_token_id=[7, 9])
    assert LM(model).ends == {7, 9}
    assert attached("llama").ends == frozenset()


def test_length_ends_it_after_so_many_tokens() -> None:
    session = opened("llama", SINKS)
    session.push(ids(9))
    reply = session.say(max_tokens=3)
    assert [next(reply).text for _ in range(3)] == ["", "", ""]
    with pytest.raises(StopIteration):
        next(reply)
    assert reply.ended == "length"
    assert list(reply) == []
    assert session.container.count == 12


def test_what_was_held_back_is_shown_when_the_reply_ends_otherwise(tiny: Any) -> None:
    for how in ("length", "interrupted"):
        session = tiny.session(SINKS)
        session.push(PROMPT)
        script = tiny.tokens("x a")
        reply = scripted(session, script).say(max_tokens=len(script), stop=" a b")
        for _ in script[:-1]:
            next(reply)
        if how == "length":
            assert next(reply).text == " a"
            assert list(reply) == []
        else:
            reply.max_tokens += 1
            assert next(reply).text == ""
            assert reply.text == "x"
            session.interrupt()
            assert list(reply) == [Token(None, " a")]
        assert (reply.text, reply.ended) == ("x a", how)


# ── interruption, input amid a reply ─────────────────────────────────────────────────────────────────────────────────


def test_an_interrupted_reply_leaves_what_was_said() -> None:
    session, twin = opened("llama", SINKS), opened("llama", SINKS)
    for one in (session, twin):
        one.push(ids(9))
    reply = session.say(max_tokens=20)
    heard = [next(reply).id for _ in range(5)]
    session.interrupt()
    assert list(reply) == []
    assert reply.ended == "interrupted"
    assert heard == said(twin, max_tokens=5)
    for one in (session, twin):
        one.push(ids(5, seed=1))
    assert said(session, max_tokens=5) == said(twin, max_tokens=5)


def test_a_reply_interrupted_before_it_began_says_nothing() -> None:
    session = opened("llama", SINKS)
    session.push(ids(9))
    reply = session.say()
    session.interrupt()
    assert list(reply) == []
    assert session.container.count == 9


def test_an_interruption_is_of_the_reply_under_way_only() -> None:
    session = opened("llama", SINKS)
    session.push(ids(9))
    session.interrupt()
    assert len(said(session, max_tokens=4)) == 4


def test_input_amid_a_reply_is_read_before_the_next_token() -> None:
    lm = attached("llama")
    session, twin = opened("llama", SINKS), opened("llama", SINKS)
    for one in (session, twin):
        one.push(ids(9))
    reply = session.say(max_tokens=10)
    heard = [next(reply).id for _ in range(4)]
    session.push(ids(6, seed=1))
    heard += [token.id for token in reply]
    expected = [lm.step([(twin, None)])[0].token for _ in range(4)]
    twin.push(ids(6, seed=1))
    expected += [lm.step([(twin, None)])[0].token for _ in range(6)]
    assert heard == expected


def test_a_reply_that_was_left_for_another_is_over() -> None:
    session, twin = opened("llama", SINKS), opened("llama", SINKS)
    for one in (session, twin):
        one.push(ids(9))
    left = session.say(max_tokens=10)
    heard = [next(left).id, next(left).id]
    reply = session.say(max_tokens=3)
    heard.append(next(reply).id)
    assert list(left) == []
    assert left.ended == "interrupted"
    heard += [token.id for token in reply]
    assert heard == said(twin, max_tokens=5)


def test_replies_of_two_sessions_do_not_mix() -> None:
    def begin(seed: int) -> Any:
        session = opened("llama", SINKS, sampling=Sampling(temperature=1.0), seed=seed)
        session.push(ids(9, seed=seed))
        return session.say(max_tokens=10)

    alone = [[token.id for token in begin(seed)] for seed in (1, 2)]
    mixed = [[a.id, b.id] for a, b in zip(begin(1), begin(2), strict=True)]
    assert [list(one) for one in zip(*mixed, strict=True)] == alone


def test_a_fork_amid_a_reply_is_asked_again() -> None:
    session = opened("llama", SINKS)
    session.push(ids(9))
    reply = session.say(max_tokens=10)
    next(reply)
    other = session.fork()
    assert said(other, max_tokens=9) == [token.id for token in reply]


def test_a_closed_session_ends_its_reply() -> None:
    session = opened("llama", SINKS)
    session.push(ids(9))
    reply = session.say()
    next(reply)
    session.close()
    with pytest.raises(StateError, match="closed"):
        next(reply)


def test_an_encoder_decoder_speaks_from_its_first_token() -> None:
    lm = attached("moonshine")
    session = lm.session(SINKS, encoded=frames())
    session.push([1])
    expected = [1]
    for _ in range(8):
        states = untouched("moonshine").get_decoder()(
            input_ids=torch.tensor([expected]), encoder_hidden_states=frames()[None], use_cache=False
        )
        logits = untouched("moonshine").get_output_embeddings()(states.last_hidden_state)
        expected.append(int(logits[0, -1].argmax()))
    assert said(session, max_tokens=8) == expected[1:]


# ── what fails ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_before_anything_was_read_nothing_is_said() -> None:
    session = opened("llama", SINKS)
    reply = session.say()
    for _ in range(2):
        with pytest.raises(StateError, match="push something first"):
            next(reply)
    session.push(ids(3))
    assert len(said(session, max_tokens=2)) == 2


def test_a_beginning_of_text_is_something_to_go_on(tiny: Any) -> None:
    assert len(said(tiny.session(SINKS), max_tokens=3)) == 3


@pytest.mark.parametrize("options", [{"max_tokens": 0}, {"max_tokens": -3}, {"stop": ""}, {"stop": ["a", ""]}])
def test_a_reply_that_cannot_be_asked_for(tiny: Any, options: Any) -> None:
    session = tiny.session(SINKS)
    session.push(PROMPT)
    before = digest(session.snapshot())
    with pytest.raises(ConfigError):
        session.say(**options)
    assert digest(session.snapshot()) == before


def test_stop_strings_need_a_tokenizer() -> None:
    with pytest.raises(ConfigError, match="tokenizer"):
        opened("llama", SINKS).say(stop="\n")


class Broken(Exception):
    """Of code that is not headrace's."""


def _break(*_: Any) -> Any:
    raise Broken


def test_a_processor_that_raises_leaves_the_session_and_its_neighbours() -> None:
    lm = attached("llama")
    session, other = (
        opened("llama", SINKS),
        opened("llama", SINKS, sampling=Sampling(processors=(_break,))),
    )
    twin = opened("llama", SINKS)
    for one in (session, other, twin):
        one.push(ids(9))
    with pytest.raises(Broken):
        lm.step([(session, None), (other, None)])
    for one in (session, other):
        one.push(ids(5, seed=1))
    twin_said = said(twin, max_tokens=1) if session.container.count == 15 else []
    twin.push(ids(5, seed=1))
    assert session.container.count == twin.container.count
    assert other.container.count == 14
    assert said(session, max_tokens=5) == said(twin, max_tokens=5), twin_said


@pytest.mark.parametrize("speaks", [True, False])
@pytest.mark.parametrize("kind", [RuntimeError, KeyboardInterrupt])
def test_a_forward_that_breaks_off_changes_nothing(monkeypatch: pytest.MonkeyPatch, kind: Any, speaks: bool) -> None:
    lm, session = attached("llama"), opened("llama", SINKS)
    session.push(ids(9))
    before = digest(session.snapshot())

    def breaks(*_: Any, **__: Any) -> Any:
        raise kind("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(lm.attached, "forward", breaks)
        with pytest.raises(kind):
            lm.step([(session, None if speaks else ids(3))])
    assert digest(session.snapshot()) == before
    session.push(ids(5, seed=1))
    assert session.container.count == 14
