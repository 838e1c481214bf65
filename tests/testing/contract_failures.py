"""Which tests of the contract fail which wrong storage."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.mirror import ROOT

SUITES = Path(__file__).with_name("wrong_suites.py")
TIMEOUT_SECONDS = 300


def failures(expected: Iterable[tuple[str, str]], *, control: str = "Right") -> set[tuple[str, str]]:
    """Run each test on its storage, and on the one that is right: (storage, test) of each that failed."""
    pairs = sorted(expected)
    asked = [*pairs, *((control, test) for _, test in pairs)]
    selected = " or ".join(f"(Test{storage} and {test})" for storage, test in asked)
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=no", "-n0", "-k", selected, str(SUITES)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return set(re.findall(r"^(?:FAILED|ERROR) \S+::Test(\w+)::(\w+)", done.stdout, re.MULTILINE))
