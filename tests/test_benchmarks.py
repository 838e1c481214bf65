"""The benchmarks run, and what they claim that does not depend on the machine holds."""

from __future__ import annotations

import subprocess
import sys

from tests.mirror import ROOT


def test_memory_is_flat_over_deliveries_of_every_outcome():
    command = [sys.executable, "-m", "benchmarks.memory", "--deliveries", "5000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
