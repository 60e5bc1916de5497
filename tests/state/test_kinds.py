"""The small kinds of state: values, bounds, refusals, transactions. The laws run over them in tests/laws."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.core.stateful import Snapshot, Stateful, load, save
from headrace.state.counter import Counter
from headrace.state.fifo import Fifo
from headrace.state.fixed import Fixed
from headrace.state.provisional import Provisional
from headrace.state.rng import Rng
from headrace.state.rows import Rows
from headrace.state.tensors import from_array, named_dtype, to_array


def kinds() -> list[Provisional]:
    fifo = Fifo(3, (2,), torch.float32)
    return [Counter(), Rng(1), Fixed((2,), torch.float32), fifo, Rows(2, 100)]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: type(kind).__name__)
def test_a_transaction_has_one_level_and_an_order(kind: Provisional) -> None:
    assert isinstance(kind, Stateful)
    for verb in ("commit", "rollback"):
        with pytest.raises(StateError, match=f"{verb} without a transaction; call begin first"):
            getattr(kind, verb)()
    kind.begin()
    assert kind.begun
    for verb in ("begin", "snapshot", "fork"):
        with pytest.raises(StateError, match=f"{verb} within a transaction"):
            getattr(kind, verb)()
    kind.rollback()
    kind.begin()
    kind.reset()
    assert not kind.begun
    with pytest.raises(StateError, match="snapshot is of a 'other'"):
        kind.restore(Snapshot("other"))


# -- tensors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bfloat16", "float8_e4m3fn", "float16", "float64", "int64", "bool", "complex64"])
def test_tensors_come_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    tensor = (torch.randn(3, 4, generator=torch.Generator().manual_seed(1)) * 7).to(named_dtype(name))
    array, told = to_array(tensor.T)
    save(tmp_path / "state", Snapshot("x", {}, {"a": array}))
    back = from_array(load(tmp_path / "state").arrays["a"], told)
    assert told == name
    assert back.dtype == tensor.dtype
    assert torch.equal(back.contiguous().view(torch.uint8), tensor.T.contiguous().view(torch.uint8))


def test_arrays_and_tensors_share_nothing() -> None:
    tensor = torch.zeros(2)
    array, name = to_array(tensor)
    back = from_array(array, name)
    tensor += 1
    assert not array.any()
    array[:] = 2
    assert not back.any()


def test_an_array_of_another_type_is_refused() -> None:
    with pytest.raises(StateError, match="bfloat16 comes as uint16; the snapshot holds float32"):
        from_array(np.zeros(2, np.float32), "bfloat16")
    with pytest.raises(StateError, match="'int3' are not kept"):
        from_array(np.zeros(2, np.float32), "int3")


# -- Counter and Rng ------------------------------------------------------------------------------


def test_a_counter_is_exact_up_to_its_end() -> None:
    counter = Counter(2**63 - 3)
    assert counter.add(2) == 2**63 - 1
    with pytest.raises(CapacityError, match="beyond 2\\^63 - 1"):
        counter.add()
    with pytest.raises(InputError, match="only grows"):
        counter.add(-1)
    assert counter.value == 2**63 - 1
    counter.reset()
    assert counter.value == 2**63 - 3
    with pytest.raises(StateError, match="holds -1"):
        counter.restore(Snapshot("counter", {"value": -1}))


@pytest.mark.parametrize("start", [-1, 2**63])
def test_a_counter_does_not_start_outside_its_range(start: int) -> None:
    with pytest.raises(InputError, match="from 0 to 2\\^63 - 1"):
        Counter(start)
    with pytest.raises(InputError, match="from 0 to 2\\^63 - 1"):
        Rng(start)


def test_a_number_depends_on_its_seed_and_its_place_only() -> None:
    whole = Rng(7)
    bits = [whole.bits() for _ in range(50)]
    assert [Rng(7, n).bits() for n in range(50)] == bits
    assert len({*bits, *(Rng(8, n).bits() for n in range(50))}) == 100
    assert Rng(7, 3).uniform() == (bits[3] >> 11) / 2**53
    assert bits[0] == 16086915834549238692  # the sequence is part of the snapshot format
    assert whole.snapshot().meta == {"seed": 7, "counter": 50}


def test_uniform_numbers_are_uniform() -> None:
    rng = Rng(3)
    drawn = np.array([rng.uniform() for _ in range(4000)])
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts = np.histogram(drawn, 16, (0, 1))[0]
    assert ((counts - 250) ** 2 / 250).sum() < 37.7  # chi-square of 15 degrees of freedom, p = .001
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.05


def test_a_rolled_back_number_is_drawn_again() -> None:
    rng = Rng(5)
    rng.bits()
    rng.begin()
    first = [rng.bits(), rng.bits()]
    rng.rollback()
    rng.begin()
    assert [rng.bits(), rng.bits()] == first
    rng.commit()
    assert rng.counter == 3


# -- Fixed ----------------------------------------------------------------------------------------


def test_fixed_keeps_what_was_set_and_says_what_does_not_fit() -> None:
    state = Fixed((2, 3), torch.bfloat16)
    mine = torch.ones(2, 3, dtype=torch.bfloat16)
    state.set(mine)
    mine += 1
    assert state.value.float().sum() == 6
    for wrong in (torch.zeros(3, 2, dtype=torch.bfloat16), torch.zeros(2, 3)):
        with pytest.raises(InputError, match="cannot be set, this state is bfloat16 \\[2, 3\\]"):
            state.set(wrong)
    with pytest.raises(StateError, match="does not fit"):
        Fixed((4,), torch.bfloat16).restore(state.snapshot())
    assert state.value.float().sum() == 6


def test_what_fixed_was_given_within_a_transaction_is_read_and_can_be_taken_back() -> None:
    state = Fixed((1,), torch.float64)
    state.set(torch.tensor([1.0], dtype=torch.float64))
    state.begin()
    assert state.value.item() == 1
    for number in (2.0, 3.0):
        state.set(torch.tensor([number], dtype=torch.float64))
        assert state.value.item() == number
    state.rollback()
    assert state.value.item() == 1
    state.begin()
    state.set(torch.tensor([4.0], dtype=torch.float64))
    state.commit()
    state.begin()
    state.commit()
    assert state.value.item() == 4


def test_fixed_owns_the_same_two_tensors_for_ever() -> None:
    state, places = Fixed((4,), torch.float32), set()
    for n in range(9):
        state.begin()
        state.set(torch.full((4,), float(n)))
        places.add(state.value.data_ptr())
        (state.rollback if n % 3 == 2 else state.commit)()
        places.add(state.value.data_ptr())
    assert len(places) == 2
    assert state.value.tolist() == [7.0] * 4


# -- Fifo -----------------------------------------------------------------------------------------


def items(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.int64)


def test_a_fifo_refuses_what_it_cannot_hold_and_stays_as_it_was() -> None:
    fifo = Fifo(3, (), torch.int64)
    fifo.push(items(1, 2))
    with pytest.raises(CapacityError, match="2 items pushed, room for 1 of 3"):
        fifo.push(items(3, 4))
    with pytest.raises(InputError, match=r"float32 \[1\] cannot be pushed, this queue takes int64 \[n\]"):
        fifo.push(torch.zeros(1))
    with pytest.raises(InputError, match=r"int64 \[1, 1\] cannot"):
        fifo.push(items(3)[None])
    with pytest.raises(StateError, match="3 items wanted, 2 are held"):
        fifo.pop(3)
    assert fifo.view().tolist() == [1, 2]
    with pytest.raises(ConfigError, match="one item or more"):
        Fifo(0, (), torch.int64)
    with pytest.raises(StateError, match="does not fit: Fifo: 2 items pushed, room for 1 of 1"):
        Fifo(1, (), torch.int64).restore(fifo.snapshot())


def test_a_fifo_allocates_nothing_and_copies_nothing_on_reading() -> None:
    fifo = Fifo(5, (2,), torch.float32)
    fifo.push(torch.zeros(5, 2))
    home = fifo.view().untyped_storage().data_ptr()
    for _ in range(12):
        assert fifo.pop(2).untyped_storage().data_ptr() == home
        fifo.push(torch.ones(2, 2))
        assert fifo.view().untyped_storage().data_ptr() == home
        assert fifo.view().is_contiguous()


@pytest.mark.parametrize("popped", range(5))
@pytest.mark.parametrize("turned", range(5))
def test_what_a_transaction_popped_and_wrote_over_comes_back(turned: int, popped: int) -> None:
    fifo = Fifo(4, (), torch.int64)
    fifo.push(items(*range(4)))
    for n in range(turned):
        fifo.pop(1)
        fifo.push(items(4 + n))
    before = fifo.view().tolist()
    for rounds in (1, 2, 3):
        fifo.begin()
        for _ in range(rounds):
            fifo.pop(popped)
            fifo.push(items(*range(90, 90 + popped)))
            assert fifo.view().tolist()[4 - popped :] == list(range(90, 90 + popped))
        fifo.rollback()
        assert fifo.view().tolist() == before
        fifo.pop(2)
        fifo.push(items(*before[:2]))
        before = before[2:] + before[:2]


@pytest.mark.parametrize("turned", range(5))
def test_what_was_popped_can_be_pushed_again(turned: int) -> None:
    fifo, model = Fifo(5, (), torch.int64), deque(range(4))
    fifo.push(items(*model))
    for _ in range(turned):
        fifo.push(fifo.pop(1))
        model.rotate(-1)
    fifo.push(fifo.pop(3))
    model.rotate(-3)
    assert fifo.view().tolist() == list(model)


@settings(max_examples=200)
@given(
    capacity=st.integers(1, 5),
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("push"), st.integers(0, 4)),
            st.tuples(st.just("pop"), st.integers(0, 4)),
            st.tuples(st.sampled_from(["begin", "commit", "rollback", "fork", "restore"]), st.just(0)),
        ),
        max_size=40,
    ),
)
def test_a_fifo_is_a_queue_whatever_is_done_to_it(capacity: int, steps: list[tuple[str, int]]) -> None:
    fifo, model, before, fresh = Fifo(capacity, (), torch.int64), deque(), None, 0
    for verb, n in steps:
        if verb == "push" and len(model) + n <= capacity:
            fifo.push(items(*range(fresh, fresh + n)))
            model.extend(range(fresh, fresh + n))
            fresh += n
        elif verb == "pop" and n <= len(model):
            assert fifo.pop(n).tolist() == [model.popleft() for _ in range(n)]
        elif verb == "begin" and before is None:
            fifo.begin()
            before = list(model)
        elif verb in ("commit", "rollback") and before is not None:
            getattr(fifo, verb)()
            model, before = deque(model if verb == "commit" else before), None
        elif verb == "fork" and before is None:
            fifo = fifo.fork()
        elif verb == "restore" and before is None:
            other = Fifo(capacity, (), torch.int64)
            other.push(items(99))
            other.restore(fifo.snapshot())
            fifo = other
        assert fifo.view().tolist() == list(model)
        assert len(fifo) == len(model)


# -- Rows -----------------------------------------------------------------------------------------


def test_rows_hold_values_arrays_and_bytes(tmp_path: Path) -> None:
    rows, mine = Rows(3, 1000), np.arange(3)
    number = rows.add({"text": "é", "pts": 2**40}, {"ids": mine, "raw": b"\x00\xff"})
    mine[:] = 7
    save(tmp_path / "state", rows.snapshot())
    other = Rows(3, 1000)
    other.restore(load(tmp_path / "state"))
    for table in (rows, other):
        row = table.row(number)
        assert row is not None
        assert row.values == {"text": "é", "pts": 2**40}
        assert row.arrays["ids"].tolist() == [0, 1, 2]
        assert row.arrays["raw"] == b"\x00\xff"
        with pytest.raises(ValueError, match="read-only"):
            row.arrays["ids"][0] = 1


def test_the_oldest_rows_leave_by_count_and_by_bytes() -> None:
    rows = Rows(3, 100)
    assert [rows.add({"n": n}) for n in range(5)] == [0, 1, 2, 3, 4]
    assert [row.values["n"] for row in rows] == [2, 3, 4]
    assert (rows.first, rows.row(1), rows.row(5)) == (2, None, None)
    rows.add({}, {"a": np.zeros(85, np.uint8)})
    assert [row.values for row in rows] == [{"n": 4}, {}]
    assert rows.nbytes() == 7 + 2 + 1 + 85
    with pytest.raises(CapacityError, match="a row of 103 bytes is over the 100 bytes"):
        rows.add({}, {"a": np.zeros(100, np.uint8)})
    for wrong in ({"a": np.zeros(1)}, {"a": float("nan")}):
        with pytest.raises(InputError, match="must be JSON"):
            rows.add(wrong)
    assert len(rows) == 2
    with pytest.raises(StateError, match="2 rows; a table of 1 rows and 100 bytes has no room"):
        Rows(1, 100).restore(rows.snapshot())


@settings(max_examples=200)
@given(
    rows_held=st.integers(0, 6),
    sizes=st.lists(st.integers(0, 60), max_size=12),
    keep=st.booleans(),
)
def test_rows_pushed_out_by_a_transaction_come_back(rows_held: int, sizes: list[int], keep: bool) -> None:
    rows = Rows(4, 80)
    for n in range(rows_held):
        rows.add({"n": n}, {"a": b"x" * n})
    before, twin = rows.snapshot(), rows.fork()
    rows.begin()
    for size in sizes:
        rows.add({}, {"a": b"y" * size})
        assert rows.nbytes() <= rows.max_bytes()
    if keep:
        rows.commit()
        for size in sizes:
            twin.add({}, {"a": b"y" * size})
    else:
        rows.rollback()
        assert rows.snapshot().meta == before.meta
    assert rows.snapshot().meta == twin.snapshot().meta
    assert [row.arrays for row in rows] == [row.arrays for row in twin]
    assert rows.nbytes() == twin.nbytes()
