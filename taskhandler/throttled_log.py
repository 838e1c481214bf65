"""Loggers whose lines about one cause come now and then, with the texts of others made fit for a log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

from taskhandler.log_throttle import LogThrottle, and_more
from taskhandler.text import one_line
from taskhandler.tracebacks import clean_traceback, is_loggable

SILENCE_SECONDS = 60.0
"""After a line, before another one about the same cause."""

VALUE_LIMIT_CHARACTERS = 1000
"""Characters of each text in a line."""


class ThrottledLog:
    """A logger that has one line about each cause in `seconds`.

    Args:
        logger: what is logged to.
        clock: seconds of a clock that never goes back.
        seconds: of silence after a line.
    """

    def __init__(
        self, logger: logging.Logger, *, clock: Callable[[], float], seconds: float = SILENCE_SECONDS
    ) -> None:
        self._logger = logger
        self._throttle = LogThrottle(seconds=seconds, clock=clock)

    def log(
        self, level: int, line: str, *values: object, kind: Hashable = None, cause: Hashable = None
    ) -> None:
        """Log a line, unless one about its cause was logged a moment ago.

        Args:
            level: as `logging` has it.
            line: with a `%s` for each value.
            values: text of others among them is cut, and made fit for one line.
            kind: what the line is about, of which there must be few; by default the line.
            cause: which of many causes of this kind.
        """
        left_out = self._throttle.count_left_out(line if kind is None else kind, cause)
        if left_out is not None:
            counted = f"{line}%s"
            self._logger.log(level, counted, *map(_clean, values), and_more(left_out))

    def warning(self, line: str, *values: object, kind: Hashable = None, cause: Hashable = None) -> None:
        """Log a warning."""
        self.log(logging.WARNING, line, *values, kind=kind, cause=cause)

    def error(self, line: str, *values: object, kind: Hashable = None, cause: Hashable = None) -> None:
        """Log an error."""
        self.log(logging.ERROR, line, *values, kind=kind, cause=cause)

    def traceback(self, line: str, *values: object, error: Exception) -> None:
        """Log an error with its traceback; its type is the cause."""
        left_out = self._throttle.count_left_out((line, *values), type(error).__qualname__)
        if left_out is not None:
            log_error(self._logger, f"{line}%s", *values, and_more(left_out), error=error)


def log_error(logger: logging.Logger, line: str, *values: object, error: BaseException) -> None:
    """Log an error with its traceback: Python's own where that is fit for a log."""
    if is_loggable(error):
        logger.error(line, *values, exc_info=error)
    else:
        with_traceback = f"{line}\n%s"
        logger.error(with_traceback, *values, clean_traceback(error))


def _clean(value: object) -> object:
    return value if isinstance(value, int) else one_line(value, limit=VALUE_LIMIT_CHARACTERS)
