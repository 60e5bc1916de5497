"""What docs/state.md shows is what happens."""

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "state.md"


def test_the_page_on_state_is_true() -> None:
    pytest.importorskip("transformers")
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=options)
    assert result.attempted > 15
    assert not result.failed
