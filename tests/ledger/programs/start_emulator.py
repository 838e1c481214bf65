"""Starts the Firestore emulator, leaves it running, and stops it when the last test process is gone.

Arguments: a folder, where its address is written and whose file `users` is locked by all who use it; its jar.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import threading
from pathlib import Path

from tests.ledger.emulator import ADDRESS, USERS, Emulator, hold


def guard(folder: Path, jar: Path) -> None:
    with Emulator(jar) as emulator:
        written = folder / "address.new"
        written.write_text(emulator.address)
        written.rename(folder / ADDRESS)
        hold(folder / USERS, fcntl.LOCK_EX)
        shutil.rmtree(folder)


def main(folder: Path, jar: Path) -> int:
    child = os.fork()
    if not child:
        guard(folder, jar)
        return 0
    while not (folder / ADDRESS).exists():
        ended, _ = os.waitpid(child, os.WNOHANG)
        if ended:
            return 1
        threading.Event().wait(0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
