"""Figures of the exploration at the end of a test run: how much was explored."""

from __future__ import annotations

import pytest

FIGURES = "exploration"
_SHOWN = pytest.StashKey[bool]()


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the figures, once; they travel as properties of reports, also from other processes."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    properties = [said for report in reports for said in getattr(report, "user_properties", ())]
    figures = sorted({str(value) for name, value in properties if name == FIGURES})
    if figures and not config.stash.get(_SHOWN, False):
        config.stash[_SHOWN] = True
        terminalreporter.section("exploration of every order of events")
        for line in figures:
            terminalreporter.write_line(line)
