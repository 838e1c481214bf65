"""Forks on a ledger that is built in: see `taskhandler.testing.programs.forking`.

Arguments: the ledger's URL, the number of threads, the number of children.
"""

from __future__ import annotations

import sys

from taskhandler.testing.programs.forking import main

if __name__ == "__main__":
    main("taskhandler.ledger.opening:open_storage", sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
