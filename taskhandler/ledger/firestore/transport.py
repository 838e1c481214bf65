"""What the Firestore ledger asks of its wire, and what it hears: words without Google's libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

SAID_LIMIT = 300
"""Characters of what Firestore, or a proxy on the way, says about a failure."""


class Failure(Struct, frozen=True):
    """A call that failed: the name of gRPC's status code, and what was said beside, as one bounded line."""

    code: str
    details: str

    def __str__(self) -> str:
        """Both."""
        return f"{self.code}: {self.details}"


class Look(Struct, frozen=True):
    """A document (google.firestore.v1.Document) as it was at `read_at`; None if there was none.

    Times are nanoseconds since 1970 by Firestore's clock.
    """

    name: str
    document: Any
    read_at: int

    @property
    def updated_at(self) -> int:
        """When the document was last changed; this is its version."""
        return nanoseconds(self.document.update_time)


class Wire(Protocol):
    """Three calls to one database, none of them tried twice.

    Attributes:
        client: the google.cloud.firestore.Client that it is for.
        documents: what the names of all its documents begin with.
    """

    client: Any
    documents: str

    def request(self) -> Any:  # noqa: ANN401 - a protobuf message
        """An empty google.firestore.v1.CommitRequest."""

    def commit(self, request: Any, *, timeout: float) -> int | Failure:  # noqa: ANN401 - a protobuf message
        """Write all or nothing; the version (update_time, nanoseconds) of the first document written."""

    def look(self, names: Sequence[str], *, timeout: float) -> list[Look] | Failure:
        """The documents of these names, in their order."""

    def page(self, collection: str, after: str, *, size: int, timeout: float) -> list[Look] | Failure:
        """Up to `size` documents of a collection by their names, from after `after` on.

        An empty `after` is before the first. They come without what is not part of a record.
        """

    def unwrapped(self, writes: Sequence[object]) -> list[Any]:
        """The google.firestore.v1.Write of what users call writes.

        Raises:
            ValueError: there is something else among them.
        """


def nanoseconds(moment: Any) -> int:  # noqa: ANN401 - a protobuf Timestamp
    """Nanoseconds since 1970, exactly."""
    return int(moment.seconds) * 10**9 + int(moment.nanos)


def expect(write: Any, version: int | None) -> None:  # noqa: ANN401 - a protobuf message
    """Let a write be done only while its document is at `version`; None: only if there is none."""
    if version is None:
        write.current_document.exists = False
        return
    moment = write.current_document.update_time
    moment.seconds, moment.nanos = divmod(version, 10**9)


def target(write: Any) -> str:  # noqa: ANN401 - a protobuf message
    """The name of the document that a write is about; empty if it is about none."""
    match write.WhichOneof("operation"):
        case "update":
            return str(write.update.name)
        case "transform":
            return str(write.transform.document)
        case None:
            return ""
        case other:
            return str(getattr(write, other))
