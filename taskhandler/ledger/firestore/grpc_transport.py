"""Three calls to Firestore on the channel for one of Google's clients: commit, fetch and query. No retries.

This file and `channel` import Google's libraries, which takes half a second: they are imported at first use.
Requests are plain protobuf messages, sent on stubs of our own: the client's own way
(`DocumentReference.create`) costs more than twice the processor time, and retries what must not be retried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.auth.exceptions import GoogleAuthError
from google.cloud import firestore
from google.cloud.firestore_v1 import types

from taskhandler.errors import LedgerError
from taskhandler.ledger.firestore.attention import ATTENTION
from taskhandler.ledger.firestore.channel import open_channel
from taskhandler.ledger.firestore.document import RECORD
from taskhandler.ledger.firestore.transport import (
    DETAILS_LIMIT_CHARACTERS,
    Failure,
    Fetched,
    Found,
    Query,
    Span,
    to_nanoseconds,
)
from taskhandler.ledger.firestore.url import FirestoreUrl
from taskhandler.protobuf import Message
from taskhandler.text import one_line

_API = "/google.firestore.v1.Firestore/"

_CommitRequest = types.CommitRequest.pb()
_CommitResponse = types.CommitResponse.pb()
_GetRequest = types.BatchGetDocumentsRequest.pb()
_GetResponse = types.BatchGetDocumentsResponse.pb()
_QueryRequest = types.RunQueryRequest.pb()
_QueryResponse = types.RunQueryResponse.pb()
_Write = types.Write.pb()

_FieldFilter = types.StructuredQuery.FieldFilter.Operator
_AND = types.StructuredQuery.CompositeFilter.Operator.AND
_ASCENDING = types.StructuredQuery.Direction.ASCENDING


class GrpcTransport:
    """A `Transport` on a channel of its own.

    Args:
        client: its address, credentials and database are used. The channel is made now.
    """

    def __init__(self, client: firestore.Client) -> None:
        self.client = client
        self.database = client._database_string  # noqa: SLF001 - the client has no public name for it
        self.documents = f"{self.database}/documents"
        self._metadata = (
            *client._rpc_metadata,  # noqa: SLF001 - no public name; for the emulator there is more in it
            ("x-goog-request-params", f"database={quote(self.database, safe='/')}"),
        )
        channel = open_channel(client)
        self._commit = channel.unary_unary(
            f"{_API}Commit", _CommitRequest.SerializeToString, _CommitResponse.FromString
        )
        self._get = channel.unary_stream(
            f"{_API}BatchGetDocuments", _GetRequest.SerializeToString, _GetResponse.FromString
        )
        self._query = channel.unary_stream(
            f"{_API}RunQuery", _QueryRequest.SerializeToString, _QueryResponse.FromString
        )

    def new_request(self) -> Message:
        """See `Transport.new_request`."""
        return _CommitRequest(database=self.database)

    def commit(self, request: Message, *, timeout: float) -> int | Failure:
        """See `Transport.commit`."""
        response = self._call(lambda: self._commit(request, timeout=timeout, metadata=self._metadata))
        if isinstance(response, Failure):
            return response
        return to_nanoseconds(response.write_results[0].update_time)

    def fetch(self, names: Sequence[str], *, timeout: float) -> list[Fetched] | Failure:
        """See `Transport.fetch`."""
        request = _GetRequest(database=self.database, documents=names)
        responses, failure = self._collect(self._get, request, timeout)
        if failure is not None:
            return failure
        fetched = {each.name: each for each in _read_responses(responses)}
        try:
            return [fetched[name] for name in names]
        except KeyError as error:
            return Failure("UNKNOWN", f"the answer does not mention {error}")

    def query(self, query: Query, *, timeout: float) -> Found:
        """See `Transport.query`."""
        request = _QueryRequest(parent=self.documents)
        self._build_query(request.structured_query, query)
        responses, failure = self._collect(self._query, request, timeout)
        documents = [
            Fetched(each.document.name, each.document, to_nanoseconds(each.read_time))
            for each in responses
            if each.HasField("document")
        ]
        return Found(documents, failure)

    def unwrap(self, writes: Sequence[object]) -> list[Message]:
        """See `Transport.unwrap`; accepts WriteBatch, firestore_v1.types.Write, and its protobuf message."""
        return [message for each in writes for message in _unwrap(each)]

    def _collect(
        self,
        method: Any,  # noqa: ANN401 - grpcio ships no types
        request: Message,
        timeout: float,
    ) -> tuple[list[Message], Failure | None]:
        """The responses of a stream, and the failure that ended it."""
        responses: list[Message] = []
        failure = self._call(
            lambda: responses.extend(method(request, timeout=timeout, metadata=self._metadata))
        )
        return responses, failure

    def _call(self, call: Callable[[], Message]) -> Message:
        try:
            return call()
        except grpc.RpcError as error:
            return Failure(error.code().name, one_line(error.details() or "", limit=DETAILS_LIMIT_CHARACTERS))

    def _build_query(self, structured: Message, query: Query) -> None:
        structured.from_.add(collection_id=query.collection)
        structured.limit.value = query.size
        for path in (RECORD, ATTENTION):
            structured.select.fields.add(field_path=path)
        if query.span is not None:
            _add_span(structured, query.span)
        structured.order_by.add(direction=_ASCENDING).field.field_path = "__name__"
        if query.after:
            if query.span is not None:
                structured.start_at.values.add(string_value=query.after_value)
            name = f"{self.documents}/{query.collection}/{query.after}"
            structured.start_at.values.add(reference_value=name)


def make_client(url: FirestoreUrl) -> firestore.Client:
    """Google's client, without a channel yet.

    Raises:
        LedgerError: there are no credentials, or no project is named.
    """
    try:
        return firestore.Client(project=url.project, database=url.database)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise LedgerError(f"Google's client cannot be created: {error}") from error


def _add_span(structured: Message, span: Span) -> None:
    both = structured.where.composite_filter
    both.op = _AND
    for operator, bound in (
        (_FieldFilter.GREATER_THAN_OR_EQUAL, span.first),
        (_FieldFilter.LESS_THAN, span.end),
    ):
        condition = both.filters.add().field_filter
        condition.field.field_path = ATTENTION
        condition.op = operator
        condition.value.string_value = bound
    structured.order_by.add(direction=_ASCENDING).field.field_path = ATTENTION


def _unwrap(each: object) -> Iterator[Message]:
    if isinstance(each, firestore.WriteBatch):
        for write in each._write_pbs:  # noqa: SLF001 - a batch has no public way to its writes
            yield from _unwrap(write)
    elif isinstance(each, types.Write):
        yield types.Write.pb(each)
    elif isinstance(each, _Write):
        yield each
    else:
        raise ValueError(f"{each!r} is not a Write of google-cloud-firestore")  # noqa: TRY004 - the user's mistake, which is refused


def _read_responses(responses: Sequence[Message]) -> Iterator[Fetched]:
    for response in responses:
        read_at = to_nanoseconds(response.read_time)
        if response.WhichOneof("result") == "found":
            yield Fetched(response.found.name, response.found, read_at)
        elif response.missing:
            yield Fetched(response.missing, None, read_at)
