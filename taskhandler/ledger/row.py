"""A record and the time of its writing as one text, for storages on one machine that keep texts.

What must be known before the record is read stands beside it: its format, and the oldest version that may act
on it.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable
from typing import Annotated

import msgspec

from taskhandler.ledger.bootclock import ServerClock, Stamp
from taskhandler.ledger.record_json import decode_record, encode_record
from taskhandler.ledger.storage import Unavailable, check_reader
from taskhandler.lifecycle.record import Record, Snapshot

_Format = Annotated[int, msgspec.Meta(ge=1)]


class _Row(msgspec.Struct, frozen=True):
    format: _Format
    min_reader: _Format
    stamp: Stamp
    record: msgspec.Raw


@functools.cache  # made at first use: `import taskhandler` must stay light
def _make_decoder() -> msgspec.json.Decoder[_Row]:
    return msgspec.json.Decoder(_Row)


def encode_row(record: Record, stamp: Stamp) -> bytes:
    """The record and its stamp as JSON.

    Raises:
        UnicodeEncodeError: it has a lone surrogate.
    """
    text = msgspec.Raw(encode_record(record))
    return msgspec.json.encode(_Row(record.format, record.min_reader, stamp, text))


def decode_row(text: bytes, *, version: Hashable, clock: ServerClock, now: int) -> Snapshot | Unavailable:
    """What `Storage.read` answers for a row.

    Args:
        text: what `encode_row` made, of this version or another.
        version: the row's.
        clock: the one that made the stamp.
        now: a reading of it, from before the row was looked for.
    """
    try:
        row = _make_decoder().decode(text)
        newer = check_reader(row.min_reader)
        if newer is not None:
            return newer
        record = decode_record(bytes(row.record), version=row.format, min_reader=row.min_reader)
    except (msgspec.DecodeError, ValueError) as error:
        why = f"a row of the ledger cannot be read ({error}): restore it, or delete it"
        return Unavailable(why, is_lasting=True)
    age = clock.age(row.stamp, now=now)
    return Snapshot(record, version, age, updated_at=row.stamp.wall)
