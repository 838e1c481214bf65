"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

from tests.exploration import conftest as exploration

pytest_terminal_summary = exploration.pytest_terminal_summary  # xdist's controller loads this file alone


if not os.environ.get("CI"):  # Hypothesis has a profile of its own for that
    settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("local")
