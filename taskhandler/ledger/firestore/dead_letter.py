"""The body of a dead letter as Firestore documents: compressed, below the record, in as many as it takes.

They are in a collection of the record's document that has the same id as the collection of the records.
TTL policies and indexes belong to all collections of one id (https://cloud.google.com/firestore/docs/ttl), so
there is nothing more to set up, and what reads the collection of the records does not read the bodies.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

from taskhandler.ledger.firestore.document import RECORD, DocumentError, open_map
from taskhandler.ledger.firestore.record_map import to_plain
from taskhandler.ledger.firestore.transport import Failure, Fetched
from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import FORMAT
from taskhandler.protobuf import Message

PART_BYTES = 900_000
"""Bytes of a body in one document."""

LIMIT_BYTES = 9_000_000
"""Bytes of a compressed body that go into one commit, which Firestore limits to 10 MiB."""

_ID = "dead-letter-"
_REMEDY = "restore the documents of the dead letter; if they are lost, so is the body of the task"


def name_part(record_name: str, number: int) -> str:
    """The name of a part, from that of the record's document."""
    collection = record_name.rsplit("/", 2)[1]
    return f"{record_name}/{collection}/{_ID}{number}"


def compress(dead_letter: TaskBody) -> bytes:
    """The body as it is kept."""
    return zlib.compress(dead_letter.content)


def encode_parts(new: Callable[[int], Message], key: Key, dead_letter: TaskBody, body: bytes) -> None:
    """Fill the documents of a dead letter.

    Args:
        new: gives an empty document for a part, by its number.
        key: whose dead letter it is, for people to see.
        dead_letter: its type and size.
        body: what `compress` made of it.

    Raises:
        UnicodeEncodeError: its content type contains half a surrogate pair.
    """
    count = max(1, -(-len(body) // PART_BYTES))
    for number in range(count):
        fields = new(number).fields[RECORD].map_value.fields
        fields["format"].integer_value = FORMAT
        fields["min_reader"].integer_value = 1
        fields["queue"].string_value = key.queue
        fields["task"].string_value = key.task
        fields["part"].integer_value = number
        fields["parts"].integer_value = count
        fields["size"].integer_value = len(dead_letter.content)
        fields["content_type"].string_value = dead_letter.content_type
        fields["body"].bytes_value = body[number * PART_BYTES : (number + 1) * PART_BYTES]


def fetch_parts(first: str, fetch: Callable[[list[str]], list[Fetched] | Failure]) -> list[Fetched] | Failure:
    """All parts of the dead letter whose first one has the name `first`; none if there is no dead letter.

    The second is fetched together with the first: two hold whatever Cloud Tasks delivers, so one round
    trip is enough.

    Raises:
        DocumentError: the first one does not say how many there are.
    """
    found = fetch(_name_parts(first, 0, 2))
    if isinstance(found, Failure) or found[0].document is None:
        return found if isinstance(found, Failure) else []
    count = _read_count(found[0].document)
    if count <= len(found):
        return found[:count]
    rest = fetch(_name_parts(first, len(found), count))
    return rest if isinstance(rest, Failure) else [*found, *rest]


def decode_parts(documents: list[Message]) -> TaskBody:
    """The dead letter in all of its parts.

    Raises:
        DocumentError: it cannot be read.
    """
    if None in documents:
        raise DocumentError("a part of the dead letter is missing", remedy=_REMEDY)
    parts = [open_map(document) for document in documents]
    try:
        body = zlib.decompress(b"".join(_read_body(part) for part in parts))
    except zlib.error as error:
        raise DocumentError(f"its body cannot be decompressed ({error})", remedy=_REMEDY) from error
    return TaskBody(body, parts[0]["content_type"].string_value)


def _name_parts(first: str, start: int, stop: int) -> list[str]:
    return [f"{first[:-1]}{number}" for number in range(start, stop)]


def _read_count(document: Message) -> int:
    count = to_plain(open_map(document)["parts"])
    if not isinstance(count, int) or not 1 <= count <= LIMIT_BYTES // PART_BYTES + 1:
        raise DocumentError(f"it cannot have {count!r} parts", remedy=_REMEDY)
    return count


def _read_body(fields: Message) -> bytes:
    body = to_plain(fields["body"])
    if not isinstance(body, bytes):
        raise DocumentError("its body is not bytes", remedy=_REMEDY)
    return body
