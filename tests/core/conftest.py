"""Fixtures of the plugin, so that the tests run where headrace is not installed."""

from headrace.testing import virtual_clock, zero_clock  # noqa: F401
