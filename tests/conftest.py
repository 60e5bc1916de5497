"""What every test runs under: one hypothesis profile, and no skip that nobody expected.

Hypothesis: `HEADRACE_SUITE=whole` draws ten times the examples of the usual `tenth`; in CI the
examples are the same each time.

Tests marked `gpu` are skipped where there is no CUDA device.

Skips: under `HEADRACE_STRICT_SKIPS=1` a skip fails the session unless a line of
`.ci/expected-skips.txt` names it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

EXPECTED_SKIPS = Path(__file__).parents[1] / ".ci" / "expected-skips.txt"
EXAMPLES = {"tenth": 20, "whole": 200}

settings.register_profile(
    "headrace",
    max_examples=EXAMPLES[os.environ.get("HEADRACE_SUITE", "tenth")],
    derandomize=os.environ.get("CI") == "true",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("headrace")


def expected_patterns(text: str) -> Iterator[str]:
    """The patterns of an expected-skip file; a line without a reason is an error."""
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, dashes, reason = line.partition(" -- ")
            if not dashes or not reason.strip():
                raise pytest.UsageError(f"{EXPECTED_SKIPS}: {line!r} gives no reason (pattern -- reason)")
            yield pattern.strip()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    from torch import cuda

    if not cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


class SkipWatch:
    """Collects skips, and fails the session for those that no pattern names."""

    def __init__(self, patterns: list[str]) -> None:
        self.patterns = patterns
        self.unexpected: list[str] = []

    def note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        skip = f"{report.nodeid}: {reason.removeprefix('Skipped: ')}"
        if not any(fnmatchcase(skip, pattern) for pattern in self.patterns):
            self.unexpected.append(skip)

    pytest_runtest_logreport = pytest_collectreport = note

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unexpected:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for skip in self.unexpected:
            terminalreporter.write_line(f"unexpected skip: {skip} (see {EXPECTED_SKIPS.name})", red=True)


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("HEADRACE_STRICT_SKIPS") == "1":
        patterns = list(expected_patterns(EXPECTED_SKIPS.read_text(encoding="utf-8")))
        config.pluginmanager.register(SkipWatch(patterns), "headrace-skip-watch")
