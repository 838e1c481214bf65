"""The body of a dead letter as Firestore documents: compressed, beside the record, in as many as it takes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from taskhandler.ledger.firestore.document import MAP, SCHEMA, opened
from taskhandler.ledger.firestore.transport import Failure, Look
from taskhandler.ledger.storage import Key, TaskBody

PART = 900_000
"""Bytes of a body in one document."""

LARGEST = 9_000_000
"""Bytes of a compressed body that go into one commit, which Firestore limits to 10 MiB."""

_MARK = "-letter-"


def part_name(record_name: str, number: int) -> str:
    """The name of a part, from that of the record's document: one collection, so one TTL policy for both."""
    return f"{record_name}{_MARK}{number}"


def is_part(name: str) -> bool:
    """Whether a document's name is that of a part, not of a record."""
    return _MARK in name.rpartition("/")[2]


def packed(dead_letter: TaskBody) -> bytes:
    """The body as it is kept."""
    return zlib.compress(dead_letter.content)


def fill_parts(new: Callable[[int], Any], key: Key, dead_letter: TaskBody, body: bytes) -> None:
    """Make documents say `dead_letter`.

    Args:
        new: gives an empty document for a part, by its number.
        key: whose letter it is, for people to see.
        dead_letter: whose type it is.
        body: what `packed` made of it.

    Raises:
        UnicodeEncodeError: half a surrogate pair stands in its content type.
    """
    count = max(1, -(-len(body) // PART))
    for number in range(count):
        said = new(number).fields[MAP].map_value.fields
        said["schema"].integer_value = SCHEMA
        said["queue"].string_value = key.queue
        said["task"].string_value = key.task
        said["part"].integer_value = number
        said["parts"].integer_value = count
        said["size"].integer_value = len(dead_letter.content)
        said["content_type"].string_value = dead_letter.content_type
        said["body"].bytes_value = body[number * PART : (number + 1) * PART]


def parts(first: str, look: Callable[[list[str]], list[Look] | Failure]) -> list[Look] | Failure:
    """All parts of the letter whose first one has the name `first`; none if there is no letter.

    The second is asked for together with the first: two hold whatever Cloud Tasks delivers, so one round
    trip is enough.

    Raises:
        ValueError: the first one does not say how many there are, or one is missing.
    """
    found = look(_names(first, 0, 2))
    if isinstance(found, Failure) or found[0].document is None:
        return found if isinstance(found, Failure) else []
    count = _count(found[0].document)
    if count <= len(found):
        return found[:count]
    rest = look(_names(first, len(found), count))
    return rest if isinstance(rest, Failure) else [*found, *rest]


def _names(first: str, start: int, stop: int) -> list[str]:
    return [f"{first[:-1]}{number}" for number in range(start, stop)]


def dead_letter_of(documents: list[Any]) -> TaskBody:
    """The letter that all of its parts say.

    Raises:
        ValueError: nothing that can be made out; the message says why.
    """
    if None in documents:
        raise ValueError("a part of it is missing")
    said = [opened(document) for document in documents]
    try:
        body = zlib.decompress(b"".join(_bytes(part) for part in said))
    except zlib.error as error:
        raise ValueError(f"its body cannot be unpacked ({error})") from error
    return TaskBody(body, str(said[0].get("content_type", "")))


def _count(document: Any) -> int:  # noqa: ANN401 - a protobuf message
    count = opened(document).get("parts")
    if not isinstance(count, int) or not 1 <= count <= LARGEST // PART + 1:
        raise ValueError(f"it cannot be in {count!r} parts")
    return count


def _bytes(part: dict[str, object]) -> bytes:
    body = part.get("body")
    if not isinstance(body, bytes):
        raise ValueError("its body is not what was written")  # noqa: TRY004 - as for all of a stranger's
    return body
