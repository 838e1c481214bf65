"""Where a record is listed: the top-level field `attention`, its ranges, and a place in their order.

The field is a string, `<state>:<handler>` (`conflict:<handler>` for a conflict), and its index is ascending
only. A record that is not listed has no such field: a completion removes it. Ids are hashes, so equal values
are spread over the index as they are over the collection.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

from taskhandler.ledger.firestore.transport import Span
from taskhandler.ledger.listing import listed_as
from taskhandler.ledger.storage import Key, Listed
from taskhandler.lifecycle.record import Record

ATTENTION = "attention"
"""The name of the field."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NEVER_WRITTEN = re.compile(r"[\ud800-\udfff]|/__.*__\Z")
"""What no cursor has: half a surrogate pair, and an id that Firestore keeps for itself
(https://cloud.google.com/firestore/quotas)."""

_AFTER_COLON = ";"
"""The character that follows ":"."""


class Cursor(Struct, frozen=True):
    """A place in the order of the index: after the document `id` with this value, or before all with it."""

    value: str
    id: str = ""


def find_attention(key: Key, record: Record) -> str:
    """The value of the field for a record; empty if it must not have one."""
    listed = listed_as(key, record)
    return "" if listed is None else f"{listed.value}:{record.handler}"


def find_spans(states: Collection[Listed], handler: str | None) -> list[Span]:
    """The ranges of values that these states have, in ascending order.

    None if no handler of that name can have been written.
    """
    if handler is not None and _SURROGATE.search(handler):
        return []
    names = sorted({state.value for state in states})
    if handler is None:
        return [Span(f"{name}:", f"{name}{_AFTER_COLON}") for name in names]
    return [Span(f"{name}:{handler}", f"{name}:{handler}\0") for name in names]


def skip_spans(spans: Collection[Span], cursor: Cursor | None) -> list[Span]:
    """The ranges that are not wholly before the cursor."""
    return [span for span in spans if cursor is None or cursor.value < span.end]


def write_cursor(cursor: Cursor) -> str:
    """A cursor as text, for `Page.after`."""
    return f"{cursor.value}/{cursor.id}"


def read_cursor(text: str) -> Cursor:
    """The cursor that `write_cursor` wrote.

    Raises:
        ValueError: it is something else.
    """
    value, slash, document_id = text.rpartition("/")
    if not slash or ":" not in value or _NEVER_WRITTEN.search(text):
        raise ValueError(f"after must be the `after` of a page of this ledger, not {text!r}")
    return Cursor(value, document_id)
