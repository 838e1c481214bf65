"""What the Firestore ledger asks of its transport, and the answers: terms without Google's libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from taskhandler.protobuf import Message

DETAILS_LIMIT_CHARACTERS = 300
"""Characters of what Firestore, or a proxy on the way, says about a failure."""


class Failure(Struct, frozen=True):
    """A call that failed: the name of gRPC's status code, and its details as one bounded line."""

    code: str
    details: str

    def __str__(self) -> str:
        """Both."""
        return f"{self.code}: {self.details}"


class Fetched(Struct, frozen=True):
    """A document (google.firestore.v1.Document) as it was at `read_at`; None if there was none.

    Times are nanoseconds since 1970 by Firestore's clock.
    """

    name: str
    document: Message
    read_at: int

    @property
    def created_at(self) -> int:
        """When the document was created."""
        return to_nanoseconds(self.document.create_time)

    @property
    def updated_at(self) -> int:
        """When the document was last changed; this is its version."""
        return to_nanoseconds(self.document.update_time)


class Span(Struct, frozen=True):
    """Values of the field `attention`: from `first` up to `end`, without it."""

    first: str
    end: str


class Query(Struct, frozen=True, kw_only=True):
    """Documents of a root collection, without their foreign fields.

    Attributes:
        collection: the collection's id.
        size: how many documents at most.
        span: only those whose `attention` is in it, in the order of `attention` and then of their ids;
            None for all documents, in the order of their ids.
        after_value: with a span, the `attention` after which to begin; empty for its beginning.
        after: the id after which to begin; empty for the first one.
    """

    collection: str
    size: int
    span: Span | None = None
    after_value: str = ""
    after: str = ""


class Found(Struct, frozen=True):
    """The documents that a query brought, and the failure that ended it before it was complete."""

    documents: list[Fetched]
    failure: Failure | None = None


class Transport(Protocol):
    """Three calls to one database. None of them is retried.

    Attributes:
        client: the google.cloud.firestore.Client that it belongs to.
        documents: what the names of all documents of the database begin with.
    """

    client: Any
    documents: str

    def new_request(self) -> Message:
        """An empty google.firestore.v1.CommitRequest."""

    def commit(self, request: Message, *, timeout: float) -> int | Failure:
        """Write all or nothing; the version (update_time, nanoseconds) of the first document written."""

    def fetch(self, names: Sequence[str], *, timeout: float) -> list[Fetched] | Failure:
        """The documents of these names, in their order."""

    def query(self, query: Query, *, timeout: float) -> Found:
        """Run a query."""

    def unwrap(self, writes: Sequence[object]) -> list[Message]:
        """The google.firestore.v1.Write messages in a user's writes.

        Raises:
            ValueError: one of them is something else.
        """


def to_nanoseconds(moment: Message) -> int:
    """Nanoseconds since 1970, exactly."""
    return int(moment.seconds) * 10**9 + int(moment.nanos)


def require_version(write: Message, version: int | None) -> None:
    """Let a write be applied only while its document is at `version`; None: only if there is none."""
    if version is None:
        write.current_document.exists = False
        return
    moment = write.current_document.update_time
    moment.seconds, moment.nanos = divmod(version, 10**9)


def find_target(write: Message) -> str:
    """The name of the document that a write is about; empty if there is none."""
    match write.WhichOneof("operation"):
        case "update":
            return str(write.update.name)
        case "transform":
            return str(write.transform.document)
        case None:
            return ""
        case other:
            return str(getattr(write, other))
