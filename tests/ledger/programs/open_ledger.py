"""Opens a ledger, which it makes if it is not there, and closes it. Argument: its URL."""

from __future__ import annotations

import sys

from taskhandler.ledger.opening import open_storage

if __name__ == "__main__":
    open_storage(sys.argv[1]).close()
