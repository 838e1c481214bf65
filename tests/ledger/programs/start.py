"""Starts the programs of this folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 60.0
"""Seconds after which a program hangs."""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a program, and leave its output to be read."""
    return subprocess.Popen(_command(program, arguments), stdout=subprocess.PIPE, text=True)


def output_of(program: str, *arguments: object) -> str:
    """Run a program to its end, which must be a good one, and give what it says."""
    done = subprocess.run(
        _command(program, arguments), stdout=subprocess.PIPE, text=True, check=True, timeout=TIMEOUT_SECONDS
    )
    return done.stdout.strip()


def _command(program: str, arguments: tuple[object, ...]) -> list[str]:
    path = Path(__file__).with_name(f"{program}.py")
    return [sys.executable, str(path), *(str(argument) for argument in arguments)]
