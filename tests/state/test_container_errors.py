"""Bad input is one clear error, and the container goes on as if it had not been."""

from __future__ import annotations

import copy
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from headrace.core.errors import CapacityError, ConfigError, HeadraceError, InputError, StateError
from headrace.core.stateful import Snapshot
from headrace.state import (
    Container,
    Policy,
    Tick,
    absolute,
    attention,
    everything,
    group,
    none,
    on,
    pin,
    realign,
    recent,
    top,
    whole,
)
from headrace.state.advance import Row, advance
from headrace.state.laws import digest, relative
from headrace.state.probe import Probe

PROBE, OTHER = Probe(), Probe(seed=1)
SINKS = Policy(pin(tokens=4) + recent(tokens=8), block=4)
FRAMES = Policy(recent(frames=2), see=whole, block=4)
KINDS = Policy({"text": recent(tokens=8), "video": recent(frames=1)}, block=4)
DENSE = Policy(everything(), bounded=False, max_bytes=12_000, block=4)


def fed(policy: Policy, n: int = 21, probe: Probe = PROBE) -> Container:
    part = Container(probe.layout, policy, tokens_per_unit=0 if policy in (SINKS, DENSE) else 5)
    for start in range(0, n, 5):
        advance(probe, [Row(part, range(start, min(start + 5, n)))])
    return part


def refuses(
    kind: type[HeadraceError], told: str, part: Container, act: Callable[[], Any], stream: str = "main"
) -> None:
    """One line, and nothing has changed; also not for what comes after."""
    before, twin = digest(part), part.fork()
    with pytest.raises(kind, match=told) as caught:
        act()
    assert "\n" not in str(caught.value)
    assert part.pending == 0
    assert digest(part) == before
    part.check()
    assert relative(*(advance(PROBE, [Row(one, range(7, 9), stream)]) for one in (part, twin))) == (0.0, 0)


# -- steps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [-1, 0, 4, 100])
def test_no_step_is_empty_or_crosses_a_boundary(n: int) -> None:
    part = fed(SINKS)
    assert part.room() == 3
    refuses(InputError, f"a step of {n} inputs of kind 'text'; 1 to 3 fit", part, lambda: part.begin(n))


def test_a_frame_has_a_size() -> None:
    part = fed(FRAMES)
    refuses(InputError, "a step of 6 inputs of kind 'text'; 1 to 5 fit", part, lambda: part.begin(6))


def test_a_kind_without_a_budget_is_refused() -> None:
    part = Container(PROBE.layout, KINDS, tokens_per_unit=5)
    for act in (lambda: part.room(kind="sound"), lambda: part.begin(1, kind="sound")):
        refuses(ConfigError, "no budget for input of kind 'sound'; it has 'text', 'video'", part, act)


@pytest.mark.parametrize("shape", [(2,), (2, 2), (3, 1), (1, 2, 1)])
def test_steps_are_of_the_shape_of_the_inputs(shape: tuple[int, ...]) -> None:
    part, steps = fed(FRAMES), torch.zeros(shape, dtype=torch.int64)
    refuses(InputError, r"steps \(.*\); a whole segment takes \(2, 1\)", part, lambda: part.begin(2, steps=steps))


def test_token_by_token_there_are_no_steps() -> None:
    part = fed(SINKS)
    refuses(InputError, "a whole segment takes", part, lambda: part.begin(2, steps=torch.arange(2)[:, None]))


@pytest.mark.parametrize("steps", [torch.zeros(2, 1), torch.tensor([[-5], [-1]])])
def test_steps_are_whole_numbers_from_0(steps: Tensor) -> None:
    with pytest.raises(InputError):
        fed(FRAMES).begin(2, steps=steps)


def test_a_session_has_16_streams() -> None:
    part = Container(PROBE.layout, Policy(recent(tokens=8), place=group(), block=4))
    for number in range(16):
        advance(PROBE, [Row(part, [number], f"stream {number}")])
    refuses(CapacityError, "16 streams at most", part, lambda: part.begin(1, stream="one more"), "stream 0")


def test_one_step_at_a_time() -> None:
    part = fed(SINKS)
    before = digest(part)
    part.begin(2)
    acts = {
        "a step": lambda: part.begin(1),
        "a boundary": part.boundary,
        "a snapshot": part.snapshot,
        "a fork": part.fork,
        "a redo": lambda: part.redo("prompt"),
    }
    for what, act in acts.items():
        with pytest.raises(StateError, match=f"{what} within a step; commit it or roll it back first"):
            act()
        assert part.pending == 2
    part.rollback()
    assert digest(part) == before


def test_nothing_is_written_read_or_ended_before_it_is_begun() -> None:
    part, one = fed(SINKS), torch.zeros(2, 1, 8, dtype=torch.float64)
    for act in (
        part.commit,
        part.rollback,
        lambda: part.commit(0),
        lambda: part.write(0, one, one),
        lambda: part.read(0, torch.zeros(2, 1, 2, 4, dtype=torch.complex128)),
        lambda: part.steps,
        lambda: PROBE(torch.arange(1), Tick([part])),
    ):
        refuses(StateError, r"nothing was begun; call begin\(\) first", part, act)


@pytest.mark.parametrize("n", [-1, 3])
def test_no_more_is_committed_than_was_begun(n: int) -> None:
    part = fed(SINKS)
    part.begin(2)
    PROBE(torch.arange(2), Tick([part]))
    with pytest.raises(InputError, match=rf"commit\({n}\) of 2 inputs"):
        part.commit(n)
    assert part.pending == 2
    part.commit(1)
    assert part.count == 22


def wide(heads: int = 2, n: int = 2, dim: int = 8, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.zeros(heads, n, dim, dtype=dtype)


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        (wide(heads=4), wide()),
        (wide(n=1), wide()),
        (wide(), wide(n=3)),
        (wide(dim=4), wide()),
        (wide(), wide(dim=4)),
        (wide()[0], wide()),
        (wide(dtype=torch.float32), wide()),
        (wide().bfloat16(), wide().bfloat16()),
        pytest.param(
            wide(),
            wide(dtype=torch.float32),
        ),
    ],
)
def test_entries_are_of_the_shape_and_type_of_the_site(keys: Tensor, values: Tensor) -> None:
    part = fed(SINKS)
    before = digest(part)
    part.begin(2)
    with pytest.raises(InputError, match=r"at layers\.0; it takes torch\.float64 \(2, 2, 8\) and \(2, 2, 8\)"):
        part.write(0, keys, values)
    part.rollback()
    assert digest(part) == before


def test_what_was_begun_and_never_written_can_be_rolled_back() -> None:
    part = Container(PROBE.layout, Policy(recent(tokens=40), block=4))
    advance(PROBE, [Row(part, range(16))])
    before = digest(part)
    part.begin(1)
    part.rollback()
    assert digest(part) == before


def test_a_model_that_fails_leaves_no_step_open() -> None:
    def fails(ids: Tensor, tick: Tick) -> Tensor:
        raise RuntimeError("out of memory")

    part = fed(SINKS)
    with pytest.raises(RuntimeError, match="out of memory"):
        advance(fails, [Row(part, [1])])
    assert part.pending == 0


# -- limits ---------------------------------------------------------------------------------------


def test_at_its_limit_a_dense_session_refuses_and_keeps_what_it_has() -> None:
    part = Container(PROBE.layout, DENSE)
    slots = DENSE.bind(PROBE.layout).slots
    advance(PROBE, [Row(part, range(4 * slots))])
    before = digest(part)
    for _ in range(2):
        with pytest.raises(CapacityError, match="max_bytes=12000 is reached, no room for 4 entries more; what was"):
            advance(PROBE, [Row(part, [1])])
        assert digest(part) == before
    part.check()
    assert part.fork().snapshot().meta == part.snapshot().meta


def test_at_its_limit_a_change_of_stream_changes_nothing() -> None:
    part = Container(PROBE.layout, Policy(everything(), place=group(), bounded=False, max_bytes=12_000, block=4))
    for number in range(part.budget.slots):
        advance(PROBE, [Row(part, [1], "ab"[number % 2])])
    before, stream = digest(part), part.last.stream
    with pytest.raises(CapacityError):
        part.begin(1, stream="b" if stream == "a" else "a")
    assert digest(part) == before


@pytest.mark.parametrize("policy", [SINKS, FRAMES, KINDS, DENSE])
def test_bytes_are_known_before_the_first_input(policy: Policy) -> None:
    part = Container(PROBE.layout, policy, tokens_per_unit=5)
    most = part.max_bytes()
    assert part.nbytes() <= most == policy.bind(PROBE.layout, 5).max_bytes
    assert part.max_bytes() == Container(PROBE.layout, policy, tokens_per_unit=5, start=10**12).max_bytes()


# -- ticks ----------------------------------------------------------------------------------------


def test_a_tick_is_of_one_model() -> None:
    one, other = Container(PROBE.layout, SINKS), Container(OTHER.layout, SINKS)
    for rows in ([], [one, other]):
        with pytest.raises(ConfigError, match="tick: it takes one row or more, all of one model"):
            Tick(rows)


def test_rows_of_other_rotations_share_a_tick() -> None:
    """One that turns its keys and one that does not, each as if alone."""
    still, turning = Policy(recent(tokens=8), place=none(), block=4), SINKS
    alone = [advance(PROBE, [Row(Container(PROBE.layout, policy), range(9))])[0] for policy in (still, turning)]
    rows = [Row(Container(PROBE.layout, policy), range(9)) for policy in (still, turning)]
    assert relative(advance(PROBE, rows), alone)[0] < 1e-12
    assert relative(alone[:1], alone[1:])[0] > 1e-3


# -- snapshots ------------------------------------------------------------------------------------


def test_what_was_saved_elsewhere_is_refused() -> None:
    part = fed(SINKS)
    foreign = {
        "snapshot is of a 'fifo'": Snapshot("fifo", {}, {}),
        "of another policy": fed(Policy(pin(tokens=4) + recent(tokens=12), block=4)).snapshot(),
        "damaged or of another model: entries of layers.0": fed(SINKS, probe=Probe(kv_heads=4)).snapshot(),
        "it has other arrays than a model with these sites": fed(SINKS, probe=Probe(layers=1)).snapshot(),
        "not torch.float64": fed(SINKS, probe=Probe(dtype=torch.float32)).snapshot(),
    }
    for told, snapshot in foreign.items():
        refuses(StateError, told, part, lambda snapshot=snapshot: part.restore(snapshot))
    frames = fed(FRAMES)
    other = Container(PROBE.layout, FRAMES, tokens_per_unit=6)
    refuses(StateError, "of another policy", other, lambda: other.restore(frames.snapshot()))


def test_a_deeper_model_is_another_model() -> None:
    deeper = Probe(layers=3)
    with pytest.raises(StateError):
        fed(SINKS).restore(fed(SINKS, probe=deeper).snapshot())


def test_a_restore_ends_what_was_begun() -> None:
    part = fed(SINKS)
    held = part.snapshot()
    part.begin(1)
    part.restore(held)
    assert part.pending == 0
    assert digest(part) == digest(held)


def damaged_arrays(whole: Snapshot) -> Iterator[Snapshot]:
    for name, array in whole.arrays.items():
        rest = {key: value for key, value in whole.arrays.items() if key != name}
        yield Snapshot(whole.kind, whole.meta, rest)
        for other in (array[..., :-1], array[:, 1:3], array.astype("float32"), array.reshape(-1), array.astype(int)):
            yield Snapshot(whole.kind, whole.meta, rest | {name: other})


SCORED = Policy(
    {
        "text": pin(tokens=4) + recent(tokens=4) + top(tokens=4, score=attention(queries=2)),
        "video": recent(tokens=4),
    },
    redo=on("prompt", last=1),
    place=realign(),
    block=4,
)


def mixed() -> Container:
    part = Container(PROBE.layout, SCORED)
    for n, kind in ((14, "text"), (3, "video"), (6, "text")):
        advance(PROBE, [Row(part, range(n), kind=kind)])
    return part


def test_damaged_entries_are_refused() -> None:
    part = mixed()
    before = digest(part)
    for damaged in damaged_arrays(part.snapshot()):
        with pytest.raises(StateError, match="damaged or of another model"):
            part.restore(damaged)
        assert digest(part) == before


def test_so_are_too_few_queries() -> None:
    part = mixed()
    whole = part.snapshot()
    with pytest.raises(StateError):
        part.restore(Snapshot(whole.kind, whole.meta, whole.arrays | {"queries.0": whole.arrays["queries.0"][:1]}))


GONE = object()
JUNK = [GONE, None, -1, 10**6, "x", [], {}, 1.5, True]


def paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from paths(child, (*at, key))


def broken(whole: Snapshot, path: tuple[Any, ...], junk: Any) -> Snapshot:
    meta = copy.deepcopy(whole.meta)
    place = meta
    for key in path[:-1]:
        place = place[key]
    if junk is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = junk
    return Snapshot(whole.kind, meta, dict(whole.arrays))


def test_a_damaged_table_is_refused_or_does_no_harm() -> None:
    """One value of the meta is another: one clear error, or a container that goes on within its limits."""
    part, twin = mixed(), mixed()
    whole, before = part.snapshot(), digest(part)
    cases = [(path, junk) for path in paths(whole.meta) if path and path != ("closed",) for junk in JUNK]
    drawn = cases if os.environ.get("HEADRACE_SUITE") == "whole" else random.Random(0).sample(cases, 150)
    told: list[str] = []
    refused = 0
    for path, junk in drawn:
        try:
            part.restore(broken(whole, path, junk))
        except StateError as error:
            refused += 1
            told.append(str(error))
            assert digest(part) == before
            continue
        try:
            for n, kind in ((9, "text"), (3, "video"), (9, "text")):
                advance(PROBE, [Row(part, range(n), kind=kind)])
                part.check()
            part.redo("prompt")
        except HeadraceError as error:
            told.append(str(error))
        part = twin.fork()
    assert not any("\n" in line for line in told)
    assert refused > len(drawn) // 2


def test_a_serial_number_that_was_used_is_refused() -> None:
    part = mixed()
    try:
        part.restore(broken(part.snapshot(), ("closed",), -1))
    except StateError:
        return
    advance(PROBE, [Row(part, range(9))])


def test_reset_forgets_everything_but_the_start() -> None:
    part = Container(PROBE.layout, Policy(recent(tokens=8), place=absolute(), block=4), start=10**9)
    fresh = digest(part)
    advance(PROBE, [Row(part, range(30))])
    part.begin(1)
    part.reset()
    assert (part.pending, part.start, digest(part)) == (0, 10**9, fresh)
