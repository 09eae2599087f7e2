"""Figures that a test run shows, also when all tests pass; for a conftest to import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["measured", "pytest_terminal_summary"]

MEASURED = "measured"


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes lines to be shown at the end of the session."""
    # A test's report takes them along, from a worker's process, too.
    properties: list[tuple[str, object]] = request.node.user_properties
    return lambda line: properties.append((MEASURED, line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show them."""
    reports = [report for of_kind in terminalreporter.stats.values() for report in of_kind]
    lines = [
        str(value)
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for name, value in report.user_properties
        if name == MEASURED
    ]
    if lines:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.write_line(line)
