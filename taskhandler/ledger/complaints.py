"""Logs what is wrong with a ledger at most once a minute, not once for every delivery."""

from __future__ import annotations

import logging
from collections.abc import Callable

from taskhandler.log_throttle import LogThrottle
from taskhandler.text import one_line

SILENT_SECONDS = 60.0
"""After a line, before one of the same kind is logged again."""

LINE_LIMIT = 1000
"""Characters of a line."""

_SECOND = 10**9  # for division: multiplying by 1e-9 makes whole seconds a little longer
_log = logging.getLogger("taskhandler.ledger")


class Complaints:
    """Lines about what is wrong with a ledger, of each kind at most one a minute.

    Args:
        clock: nanoseconds since some fixed moment.
    """

    def __init__(self, *, clock: Callable[[], int]) -> None:
        self._throttle = LogThrottle(seconds=SILENT_SECONDS, clock=lambda: clock() / _SECOND)

    def make(self, kind: str, message: str) -> None:
        """Log `message`, unless one of the same `kind` (there must be few) was logged a moment ago."""
        left_out = self._throttle.left_out(kind)
        if left_out is None:
            return
        more = f" ({left_out} more since the last such line.)" if left_out else ""
        _log.error("%s%s", one_line(message, limit=LINE_LIMIT), more)
