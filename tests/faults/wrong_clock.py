"""Wall clocks of worker processes that the bench can set while they run."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def can_be_made() -> bool:
    """Whether there is a C compiler here."""
    return shutil.which("cc") is not None


class WrongClock:
    """A wall clock; right at first.

    Args:
        folder: where it is kept.
        number: its own in that folder.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._library = folder / "wrong_clock.so"
        self._offset = folder / f"clock-{number}"
        self.set(0)
        if not self._library.exists():
            command = ("cc", "-shared", "-fPIC", "-O1", "-o", str(self._library), str(SOURCE))
            subprocess.run(command, check=True)

    @property
    def environ(self) -> dict[str, str]:
        """For a process that is to have this clock."""
        return {"LD_PRELOAD": str(self._library), "WRONG_CLOCK": str(self._offset)}

    def set(self, seconds: int) -> None:
        """Let it be so far ahead of the right time; behind it, if negative."""
        with self._offset.open("r+b" if self._offset.exists() else "wb") as file:
            file.write(struct.pack("=q", seconds))
