"""Writes to a ledger's file as any program could, and says which modes the files beside it have then.

Argument: the file.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path


def main(path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE records SET state = 1")
    connection.commit()
    modes = [Path(f"{path}{end}").stat().st_mode & 0o7777 for end in ("-wal", "-shm")]
    sys.stdout.write(" ".join(f"{mode:04o}" for mode in modes))
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
