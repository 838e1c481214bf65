"""Text from outside, made fit for a line of a log or a field of a record."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(?<=://)(?:([^:@/?#]*):.*|[^:/?#]*)@", re.DOTALL)
"""What stands before a host: a user and a password, up to the last @ where it is not encoded, or a token."""

_QUERY_VALUE = re.compile(r"(?<=[?&;])([^=&;#]*=)[^&;#]*")


def one_line(said: object, *, limit: int) -> str:
    """`str(said)` as one printable line of at most `limit` characters; never raises.

    Unless it is fit as it is, each run of white space becomes one space. Everything else that a
    terminal or a log would act on (control characters, escape sequences, line separators, changes of the
    writing direction, half surrogates) becomes "?".
    """
    text = said if type(said) is str else try_str(said)
    if text is None:
        return "(it cannot be printed)"[:limit]
    if len(text) <= limit and text.isprintable():
        return text
    line = " ".join(text[: 4 * limit].split())
    if not line.isprintable():
        line = "".join([char if char.isprintable() else "?" for char in line])
    whole = len(line) <= limit and len(text) <= 4 * limit
    return line if whole else line[: limit - 1] + "…"


def try_str(said: object) -> str | None:
    """`str(said)`; None if that raises anything, since an error must be recorded all the same.

    Only Ctrl-C goes on up. A worker's time-out that comes just now is too late to stop a handler.
    """
    try:
        return str(said)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a `__str__` of the user's, in which a SystemExit ends nothing
        return None


def mask_url(url: str) -> str:
    """`url` without its password, a token in the place of its user, and the values of its query."""
    without_password = _PASSWORD.sub(lambda found: f"{found[1]}:***@" if found[1] else "***@", url)
    before, mark, query = without_password.partition("?")
    return before + _QUERY_VALUE.sub(r"\1***", mark + query)
