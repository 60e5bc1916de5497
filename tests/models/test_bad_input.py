"""What cannot be read is refused in one line; the session and its neighbours stay as they were."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from headrace.core.errors import CapacityError, ConfigError, HeadraceError, InputError, StateError
from headrace.core.stateful import FORMAT, Snapshot
from headrace.models.hf.lm import LM
from headrace.state import Policy, absolute, cache, everything, pin, recent
from headrace.state.laws import digest
from tests.models.families import FAMILIES, HIDDEN, VOCABULARY, attached, dense, frames, ids, opened, relative

pytest.importorskip("transformers")

SINKS = Policy(pin(tokens=4) + recent(tokens=12), place=cache(), block=4)


def fails(kind: type[HeadraceError], call: Callable[[], Any], match: str = "") -> None:
    """The call raises one line of this kind."""
    with pytest.raises(kind, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


# ── inputs ───────────────────────────────────────────────────────────────────────────────────────────────────────────

WRONG: dict[str, tuple[Any, str]] = {
    "an id too large": ([3, VOCABULARY], f"token id {VOCABULARY} is outside"),
    "a negative id": ([3, -1], "token id -1 is outside"),
    "a huge id": ([10**30], "outside"),
    "fractions": ([3.0, 4.0], "give text, token ids or embeddings"),
    "fractions of numpy": (np.array([3.0, 4.0]), "give text, token ids or embeddings"),
    "words": (["a", "b"], "give text, token ids or embeddings"),
    "bytes": (b"text", "give text, token ids or embeddings"),
    "truth values": ([True, False], "give text, token ids or embeddings"),
    "nothing at all": (None, "give text, token ids or embeddings"),
    "a number": (7, "give text, token ids or embeddings"),
    "a dictionary": ({3: 4}, "give text, token ids or embeddings"),
    "a batch of ids": ([[3, 4]], "give text, token ids or embeddings"),
    "a tensor of a batch": (torch.tensor([[3, 4]]), "give text, token ids or embeddings"),
    "a tensor without an axis": (torch.tensor(3), "give text, token ids or embeddings"),
    "embeddings of another width": (torch.zeros(3, HIDDEN + 1), rf"takes \[n, {HIDDEN}\]"),
    "one embedding without an axis": (torch.zeros(HIDDEN), rf"takes \[n, {HIDDEN}\]"),
    "a batch of embeddings": (torch.zeros(1, 3, HIDDEN), rf"takes \[n, {HIDDEN}\]"),
    "embeddings with NaN": (torch.full((3, HIDDEN), float("nan")), "NaN or infinity"),
    "embeddings with infinity": (torch.full((3, HIDDEN), float("inf")), "NaN or infinity"),
    "embeddings of complex numbers": (torch.zeros(3, HIDDEN, dtype=torch.complex64), "embeddings"),
    "embeddings of whole numbers": (torch.zeros(3, HIDDEN, dtype=torch.int64), "embeddings"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_and_nothing_changes(case: str) -> None:
    data, match = WRONG[case]
    lm, session, neighbour = attached("llama"), opened("llama", SINKS), opened("llama", SINKS)
    for one in (session, neighbour):
        one.push(ids(9))
    before = [digest(one.snapshot()) for one in (session, neighbour)]
    fails(InputError, lambda: session.push(data), match)
    if data is not None:
        fails(InputError, lambda: lm.step([(neighbour, ids(3)), (session, data)]), match)
        fails(InputError, lambda: lm.read([(neighbour, ids(3)), (session, data)]), match)
    assert [digest(one.snapshot()) for one in (session, neighbour)] == before


def test_embeddings_out_of_the_range_of_the_models_type_are_refused() -> None:
    session = opened("llama", SINKS, dtype=torch.bfloat16)
    session.push(ids(9))
    fails(
        InputError, lambda: session.push(torch.full((2, HIDDEN), 1e300, dtype=torch.float64)), "NaN or infinity|range"
    )
    session.push(ids(3))


def test_text_needs_a_tokenizer() -> None:
    session = opened("llama", SINKS)
    fails(ConfigError, lambda: session.push("text"), "tokenizer.*push token ids")


@pytest.mark.parametrize("data", [[], (), torch.zeros(0, HIDDEN), torch.zeros(0, dtype=torch.int64), np.zeros(0, int)])
def test_nothing_to_read_is_fine(data: Any) -> None:
    session = opened("llama", SINKS)
    session.push(ids(9))
    before = digest(session.snapshot())
    session.push(data)
    [logits] = attached("llama").read([(session, data)])
    assert logits.shape == (0, VOCABULARY)
    assert digest(session.snapshot()) == before


def test_an_empty_text_is_fine(tiny: Any) -> None:
    session = tiny.session(SINKS)
    session.push("")
    session.push("x")
    assert session.container.count == 2


@pytest.mark.parametrize(
    "data", [(3, 4, 5), np.array([3, 4, 5]), torch.tensor([3, 4, 5]), torch.tensor([3, 4, 5], dtype=torch.uint8)]
)
def test_ids_may_come_in_any_sequence(data: Any) -> None:
    session, twin = opened("llama", SINKS), opened("llama", SINKS)
    session.push(data)
    twin.push([3, 4, 5])
    assert digest(session.snapshot()) == digest(twin.snapshot())


def test_what_is_read_is_the_sessions_own_copy() -> None:
    """A caller may use his buffers again."""
    lm = attached("llama")
    session, twin = opened("llama", SINKS), opened("llama", SINKS)
    buffer, given = ids(9), torch.randn(5, HIDDEN, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for one in (session, twin):
        one.push(buffer)
        one.push(given)
    before = digest(twin.snapshot())
    buffer[:] = [5] * 9
    given.zero_()
    assert digest(session.snapshot()) == before
    [a], [b] = lm.read([(session, ids(3))]), lm.read([(twin, ids(3))])
    assert torch.equal(a, b)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_that_do_not_go_together_change_nothing() -> None:
    lm, session, other = attached("llama"), opened("llama", SINKS), opened("llama", SINKS)
    closed, foreign, fresh = opened("llama", SINKS), opened("qwen2", SINKS), opened("llama", SINKS)
    closed.close()
    session.push(ids(9))
    before = digest(session.snapshot())
    fails(ConfigError, lambda: lm.step([(session, ids(3)), (session, ids(3))]), "two rows")
    fails(StateError, lambda: lm.step([(session, ids(3)), (closed, ids(3))]), "closed")
    fails(ConfigError, lambda: lm.step([(session, ids(3)), (foreign, ids(3))]), "another model")
    fails(StateError, lambda: lm.step([(session, ids(3)), (fresh, None)]), "push something first")
    fails(ConfigError, lambda: lm.read([(session, ids(3)), (other, None)]), "step")
    assert digest(session.snapshot()) == before
    assert fresh.container.count == other.container.count == 0


def test_a_kind_without_a_budget_is_refused() -> None:
    session = opened("llama", Policy({"text": recent(tokens=8), "note": recent(tokens=8)}, block=4))
    session.push(ids(3))
    session.push(ids(3), kind="note")
    before = digest(session.snapshot())
    fails(ConfigError, lambda: session.push(ids(3), kind="video"), "'video'")
    assert digest(session.snapshot()) == before


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _limited(entries: int) -> Policy:
    """A policy that keeps everything, up to about so many entries of the small Llama."""
    return Policy(everything(), place=absolute(), block=4, bounded=False, max_bytes=4096 + (entries // 4) * 4608)


def test_a_limit_reached_amid_a_push_keeps_what_was_read() -> None:
    lm, session, neighbour = attached("llama"), opened("llama", _limited(40)), opened("llama", SINKS)
    session.push(ids(10))
    with pytest.raises(CapacityError, match="max_bytes") as caught:
        lm.step([(session, ids(200, seed=1)), (neighbour, ids(200, seed=1))])
    assert "\n" not in str(caught.value)
    assert session.nbytes() <= session.max_bytes()
    fitted = session.container.count
    assert 10 < fitted < 200
    assert not session.inbox
    assert neighbour.container.count == 200
    twin = opened("llama", dense(absolute(), block=4))
    twin.push([*ids(10), *ids(200, seed=1)[: fitted - 10]])
    assert int(session.parts["logits"].value.argmax()) == int(twin.parts["logits"].value.argmax())
    assert relative(session.parts["logits"].value, twin.parts["logits"].value) < 1e-6
    for _ in range(2):
        fails(CapacityError, lambda: session.push(ids(3)), "max_bytes")
        fails(CapacityError, lambda: next(session.say()), "max_bytes")
    assert session.container.count == fitted
    again = lm.restore(session.snapshot())
    assert again.container.count == fitted
    with pytest.raises(StateError, match="dropped"):
        session.fork(SINKS)
    session.close()


def test_a_reply_that_reaches_the_limit_keeps_what_was_said() -> None:
    session = opened("llama", _limited(40))
    session.push(ids(10))
    reply = session.say(max_tokens=200)
    said = []
    with pytest.raises(CapacityError, match="max_bytes"):
        said.extend(iter(lambda: next(reply).id, None))
    assert session.container.count == 10 + len(reply.tokens)
    assert len(reply.tokens) > 10


def test_a_budget_smaller_than_its_pins_is_refused_at_open() -> None:
    lm = attached("llama")
    for policy in (
        lambda: Policy(pin(tokens=64) + recent(tokens=8), block=4, max_bytes=20_000),
        lambda: Policy(everything(), bounded=False, max_bytes=100),
        lambda: Policy(everything()),
        lambda: Policy(everything(), bounded=False),
        lambda: Policy({}),
        lambda: Policy(recent(tokens=0)),
        lambda: Policy(recent(tokens=8), block=0),
        lambda: Policy(recent(frames=2)),
    ):
        fails(ConfigError, lambda policy=policy: lm.session(policy()))
    for wrong in ("sinks", 4, object()):
        fails(ConfigError, lambda wrong=wrong: lm.session(wrong), "no policy")


@pytest.mark.parametrize("options", [{"seed": -1}, {"seed": 1.5}, {"seed": 2**64}, {"start": 0.5}, {"start": "0"}])
def test_options_of_a_session_out_of_range(options: Any) -> None:
    with pytest.raises((ConfigError, InputError)) as caught:
        attached("llama").session(SINKS, **options)
    assert "\n" not in str(caught.value)


# ── a model that fails ───────────────────────────────────────────────────────────────────────────────────────────────

POISON = 3


@pytest.fixture(scope="module")
def poisoned() -> LM:
    """A Llama that one token turns to NaN."""
    lm = LM(FAMILIES["llama"].build(torch.float64))
    with torch.no_grad():
        lm.attached.model.model.embed_tokens.weight[POISON] = float("inf")
    return lm


@pytest.mark.parametrize("at", [0, 3, 8])
def test_nan_in_one_row_stays_there(poisoned: LM, at: int) -> None:
    rows = [poisoned.session(SINKS) for _ in range(3)]
    twins = [poisoned.session(SINKS) for _ in range(3)]
    for i, (row, twin) in enumerate(zip(rows, twins, strict=True)):
        row.push(ids(30 + i, seed=i, low=5))
        twin.push(ids(30 + i, seed=i, low=5))
    bad = ids(9, seed=7, low=5)
    bad[at] = POISON
    before = rows[1].container.count
    with pytest.raises(StateError, match="NaN"):
        poisoned.step([(rows[0], ids(9, low=5)), (rows[1], bad), (rows[2], None)])
    assert rows[0].container.count == 39
    assert rows[2].container.count == 33
    poisoned.step([(twins[0], ids(9, low=5))])
    poisoned.step([(twins[2], None)])
    for row, twin in ((rows[0], twins[0]), (rows[2], twins[2])):
        [a], [b] = poisoned.read([(row, ids(20, low=5))]), poisoned.read([(twin, ids(20, low=5))])
        assert relative(a, b) < 1e-9
    assert before <= rows[1].container.count <= before + at
    if rows[1].container.count > before:
        twins[1].push(bad[: rows[1].container.count - before])
    [a], [b] = poisoned.read([(rows[1], ids(20, low=5))]), poisoned.read([(twins[1], ids(20, low=5))])
    assert relative(a, b) < 1e-9


def test_nan_that_a_long_push_brings_does_not_stay_in_the_state(poisoned: LM) -> None:
    session = poisoned.session(SINKS)
    fails(StateError, lambda: session.push([*ids(6, low=5), POISON, *ids(50, low=5)]), "NaN")
    for array in session.snapshot().arrays.values():
        assert np.isfinite(array.astype(float)).all()
    session.push(ids(5, low=5))
    assert len(list(session.say(max_tokens=3))) == 3


def test_the_beginning_of_text_is_not_lost_with_a_push_that_failed(tiny: Any) -> None:
    session = tiny.session(Policy(recent(tokens=8), block=4))
    fails(InputError, lambda: session.push([tiny.vocabulary]), "outside")
    session.push("x")
    assert session.container.count == 2


def test_nan_in_what_is_not_asked_for_is_not_kept(poisoned: LM) -> None:
    """The last of the poisoned inputs may be far from the only one whose logits are looked at."""
    session = poisoned.session(dense(cache(), block=64))
    fails(StateError, lambda: session.push([POISON, *ids(40, low=5)]), "NaN")
    assert session.container.count == 0
    fails(StateError, lambda: next(session.say()), "push something first")


# ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sessions") / "one.safetensors"
    session = opened("llama", SINKS)
    session.push(ids(50))
    session.snapshot().save(place)
    return place


@pytest.mark.parametrize("share", [0, 0.001, 0.01, 0.3, 0.9, 0.9999])
def test_a_truncated_snapshot_is_refused(saved: Path, tmp_path: Path, share: float) -> None:
    data, place = saved.read_bytes(), tmp_path / "cut.safetensors"
    place.write_bytes(data[: int(len(data) * share)])
    fails(StateError, lambda: attached("llama").restore(place), "cut.safetensors")


def test_what_is_no_snapshot_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": np.zeros(3)}, foreign)
    (tmp_path / "text.safetensors").write_text("no tensors")
    for name in ("foreign", "text", "missing"):
        fails(StateError, lambda name=name: attached("llama").restore(tmp_path / f"{name}.safetensors"), name)
    fails(StateError, lambda: attached("llama").restore(tmp_path))


def test_a_newer_snapshot_is_refused(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = Snapshot.load(saved)
    with monkeypatch.context() as patch:
        patch.setattr("headrace.core.stateful.FORMAT", FORMAT + 1)
        snapshot.save(tmp_path / "newer.safetensors")
    fails(StateError, lambda: attached("llama").restore(tmp_path / "newer.safetensors"), "upgrade headrace")


def test_a_snapshot_of_another_model_is_refused(saved: Path) -> None:
    for other in ("qwen2", "llama-yarn"):
        fails(StateError, lambda other=other: attached(other).restore(saved), "another model")
    fails(StateError, lambda: LM(FAMILIES["llama"].build(torch.float64, seed=1)).restore(saved), "another model")
    fails(StateError, lambda: attached("llama", torch.float32).restore(saved), "another model")


def test_a_snapshot_of_another_policy_is_refused(saved: Path) -> None:
    other = Policy(pin(tokens=4) + recent(tokens=16), place=cache(), block=4)
    fails(StateError, lambda: attached("llama").restore(saved, policy=other), "another policy")
    assert attached("llama").restore(saved, policy=SINKS).container.count == 50


def _leaves(meta: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where every value of a nested meta stands."""
    if isinstance(meta, dict | list) and meta:
        for key, value in meta.items() if isinstance(meta, dict) else enumerate(meta):
            yield from _leaves(value, (*path, key))
    else:
        yield path


def test_no_damage_to_a_snapshot_is_more_than_a_state_error(saved: Path) -> None:
    """Each value of the meta is gone, or another: restore refuses in one line, or gives a session that works."""
    lm, whole = attached("llama"), Snapshot.load(saved)
    wrong: list[str] = []
    draw, text = random.Random(0), json.dumps(whole.meta)
    for path in _leaves(whole.meta):
        for value in draw.sample((..., None, "x", -1, 10**30, [], {}), 2):
            meta = json.loads(text)
            inner = meta
            for key in path[:-1]:
                inner = inner[key]
            if value is ...:
                del inner[path[-1]]
            else:
                inner[path[-1]] = value
            try:
                session = lm.restore(Snapshot(whole.kind, meta, dict(whole.arrays)))
                session.push(ids(5))
                assert session.nbytes() <= session.max_bytes()
            except StateError as error:
                wrong += [f"{path} = {value!r}: {error}"] if "\n" in str(error) else []
            except Exception as error:
                wrong.append(f"{'/'.join(map(str, path))} = {value!r}: {type(error).__name__}: {error}")
    assert not wrong, f"{len(wrong)}, such as " + "\n".join(wrong[:: max(1, len(wrong) // 12)])


def test_no_array_of_a_snapshot_can_be_missing_or_another(saved: Path) -> None:
    lm, whole = attached("llama"), Snapshot.load(saved)
    for name, array in whole.arrays.items():
        others = [array[..., :-1] if array.ndim else array[None], array.astype(np.int8), np.zeros(0, array.dtype)]
        for other in (None, *others):
            arrays = {key: value for key, value in whole.arrays.items() if key != name}
            if other is not None and other.tobytes() == array.tobytes():
                continue
            arrays |= {} if other is None else {name: other}
            fails(StateError, lambda arrays=arrays: lm.restore(Snapshot(whole.kind, whole.meta, arrays)))


def test_a_disk_that_is_full_leaves_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = opened("llama", SINKS)
    session.push(ids(20))
    before, place = digest(session.snapshot()), tmp_path / "one.safetensors"
    session.snapshot().save(place)
    held = place.read_bytes()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("safetensors.numpy.save_file", full)
        with pytest.raises((HeadraceError, OSError), match="No space left"):
            session.snapshot().save(place)
    assert place.read_bytes() == held
    assert [file.name for file in tmp_path.iterdir()] == ["one.safetensors"]
    assert digest(session.snapshot()) == before
    session.push(ids(5))


def test_encoder_states_that_are_not_finite_are_refused() -> None:
    states = frames()
    states[2, 3] = float("nan")
    fails(InputError, lambda: attached("moonshine").session(SINKS, encoded=states), "encoded|encoder")
