"""Opens a ledger as another user than root; what is wrong, if anything, stands on the standard error.

Argument: the ledger's URL.
"""

from __future__ import annotations

import codecs
import os
import sys

import taskhandler.ledger.sqlite.storage  # noqa: F401 - the other user may not be able to read the library
from taskhandler.errors import ConfigError
from taskhandler.ledger.opening import open_storage

NOBODY = 65534


def main(url: str) -> str:
    codecs.lookup("ascii")  # the same
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        open_storage(url).close()
    except ConfigError as error:
        return error.problem
    return ""


if __name__ == "__main__":
    sys.stderr.write(main(sys.argv[1]))
