"""What the commands of the bench write to the terminal, and how they end."""

from __future__ import annotations

import signal
import sys


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def end_in_order() -> None:
    """Let a SIGTERM end this process as an exception does, so that everything is taken down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
