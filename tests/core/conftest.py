"""The plugin, so that these tests run where headrace is not installed."""

from headrace.testing import pytest_configure, virtual_clock, zero_clock  # noqa: F401
