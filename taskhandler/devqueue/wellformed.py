"""What protobuf requires of every message but does not check: times in range, finite numbers, known enums.

The ranges are those of google/protobuf/timestamp.proto and duration.proto.
"""

from __future__ import annotations

import math
from collections.abc import MutableMapping, MutableSequence
from typing import Any

from taskhandler.devqueue import errors
from taskhandler.protobuf import Message

Field = Any  # protobuf ships no types for the descriptors of fields

FIRST_TIMESTAMP_SECONDS = -62_135_596_800  # 0001-01-01T00:00:00Z
LAST_TIMESTAMP_SECONDS = 253_402_300_799  # 9999-12-31T23:59:59Z
LONGEST_DURATION_SECONDS = 315_576_000_000
LARGEST_INT32 = 2**31 - 1
_NANOS_PER_SECOND = 1_000_000_000


def check(message: Message) -> None:
    """Raise ApiError if a message, or a message inside it, has a value that is not valid."""
    for field, value in message.ListFields():
        if isinstance(value, MutableMapping):
            continue  # headers, which are checked elsewhere
        for each in value if isinstance(value, MutableSequence) else (value,):
            _check_value(field, each)


def _check_value(field: Field, value: Message) -> None:
    if field.message_type is not None:
        _check_message(field, value)
    elif field.enum_type is not None and value not in field.enum_type.values_by_number:
        raise errors.invalid(f"{_name(field)} cannot be {value}.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise errors.invalid(f"{_name(field)} must be a finite number.")


def _check_message(field: Field, value: Message) -> None:
    kind = field.message_type.full_name
    if kind == "google.protobuf.Timestamp":
        fits = (
            FIRST_TIMESTAMP_SECONDS <= value.seconds <= LAST_TIMESTAMP_SECONDS
            and 0 <= value.nanos < _NANOS_PER_SECOND
        )
    elif kind == "google.protobuf.Duration":
        fits = abs(value.seconds) <= LONGEST_DURATION_SECONDS and abs(value.nanos) < _NANOS_PER_SECOND
        fits = fits and value.seconds * value.nanos >= 0
    else:
        check(value)
        return
    if not fits:
        raise errors.invalid(f"{_name(field)} is out of range.")


def _name(field: Field) -> str:
    return f"{field.containing_type.name}.{field.camelcase_name}"
