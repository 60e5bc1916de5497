from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import Block, Channel, ConfigError, DropNewest, DropOldest, Fail, Latest, ZeroClock
from headrace.core.overflow import ITEM_CEILING, lossless, payload_bytes

RULES = [Block, DropOldest, DropNewest, Fail, Latest]
anything = st.one_of(
    st.none(), st.integers(-3, 1 << 70), st.booleans(), st.floats(allow_nan=True), st.text(max_size=3), st.just([1])
)


@pytest.mark.parametrize("rule", RULES)
@given(arguments=st.fixed_dictionaries({}, optional=dict.fromkeys(("items", "nbytes", "span", "max_age"), anything)))
def test_every_rule_is_bounded_or_refused(rule, arguments):
    try:
        made = rule(**arguments)
    except ConfigError:
        assert any(type(value) is not int or value < 1 or name == "items" for name, value in arguments.items())
        return
    for name, value in arguments.items():
        assert value is None or (type(value) is int and value >= 1), name
    assert type(made.capacity) is int
    assert made.capacity >= 1
    if arguments.get("items") is None:
        assert made.capacity <= ITEM_CEILING
    if rule is Latest:
        assert made.capacity == 1
    assert len(Channel(made, clock=ZeroClock())) == 0


@pytest.mark.parametrize("rule", RULES)
def test_at_full_speed_nothing_may_be_lost(rule):
    held = lossless(rule(nbytes=100, span=7))
    assert not held.lossy
    assert (held.nbytes, held.span) == (100, 7)
    assert not lossless(rule(max_age=5)).lossy or rule is Fail


def test_payload_bytes():
    frame = np.zeros((4, 5), np.uint16)
    assert payload_bytes(frame) == 40
    assert payload_bytes((frame, None, [frame, b"abc"])) == 40 + 1 + 40 + 3
    assert payload_bytes("") == payload_bytes(None) == payload_bytes([]) == 1
