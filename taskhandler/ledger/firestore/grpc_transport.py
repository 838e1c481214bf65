"""Three calls to Firestore for one of Google's clients: commit, look, list. No retries, no policy.

This file and `firestore_channel` import Google's libraries, which takes half a second: they are imported at
first use. Requests are plain protobuf messages, sent on stubs of our own: the client's own way
(`DocumentReference.create`) costs more than twice the processor time, and retries what it must not.
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
from taskhandler.ledger.firestore.channel import open_channel
from taskhandler.ledger.firestore.document import READ
from taskhandler.ledger.firestore.transport import SAID_LIMIT, Failure, Look, nanoseconds
from taskhandler.ledger.firestore.url import Place
from taskhandler.text import one_line

_API = "/google.firestore.v1.Firestore/"

_Commit = types.CommitRequest.pb()
_Committed = types.CommitResponse.pb()
_Look = types.BatchGetDocumentsRequest.pb()
_Looked = types.BatchGetDocumentsResponse.pb()
_List = types.RunQueryRequest.pb()
_Listed = types.RunQueryResponse.pb()
_Write = types.Write.pb()


class GrpcWire:
    """A `Wire` on the channel of one of Google's clients.

    Args:
        client: its channel is made now.
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
        self._commit = channel.unary_unary(f"{_API}Commit", _Commit.SerializeToString, _Committed.FromString)
        self._look = channel.unary_stream(
            f"{_API}BatchGetDocuments", _Look.SerializeToString, _Looked.FromString
        )
        self._list = channel.unary_stream(f"{_API}RunQuery", _List.SerializeToString, _Listed.FromString)

    def request(self) -> Any:  # noqa: ANN401 - a protobuf message
        """See `Wire.request`."""
        return _Commit(database=self.database)

    def commit(self, request: Any, *, timeout: float) -> int | Failure:  # noqa: ANN401 - a protobuf message
        """See `Wire.commit`."""
        committed = self._call(lambda: self._commit(request, timeout=timeout, metadata=self._metadata))
        if isinstance(committed, Failure):
            return committed
        return nanoseconds(committed.write_results[0].update_time)

    def look(self, names: Sequence[str], *, timeout: float) -> list[Look] | Failure:
        """See `Wire.look`."""
        request = _Look(database=self.database, documents=names)
        answers = self._call(lambda: list(self._look(request, timeout=timeout, metadata=self._metadata)))
        if isinstance(answers, Failure):
            return answers
        seen = {look.name: look for look in _looks(answers)}
        try:
            return [seen[name] for name in names]
        except KeyError as error:
            return Failure("UNKNOWN", f"nothing was said of {error}")

    def page(self, collection: str, after: str, *, size: int, timeout: float) -> list[Look] | Failure:
        """See `Wire.page`."""
        request = _List(parent=self.documents)
        query = request.structured_query
        query.from_.add(collection_id=collection)
        query.order_by.add().field.field_path = "__name__"
        query.limit.value = size
        for path in READ:
            query.select.fields.add(field_path=path)
        if after:
            query.start_at.values.add(reference_value=after)
        answers = self._call(lambda: list(self._list(request, timeout=timeout, metadata=self._metadata)))
        if isinstance(answers, Failure):
            return answers
        return [
            Look(answer.document.name, answer.document, nanoseconds(answer.read_time))
            for answer in answers
            if answer.HasField("document")
        ]

    def unwrapped(self, writes: Sequence[object]) -> list[Any]:
        """See `Wire.unwrapped`; they are WriteBatch, Write of firestore_v1.types, or its protobuf message."""
        return [message for each in writes for message in _messages(each)]

    def _call(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401 - protobuf messages, or a Failure
        try:
            return call()
        except grpc.RpcError as error:
            return Failure(error.code().name, one_line(error.details() or "", limit=SAID_LIMIT))


def client_for(place: Place) -> firestore.Client:
    """Google's client of a place, without a channel yet.

    Raises:
        LedgerError: no credentials or no project can be found.
    """
    try:
        return firestore.Client(project=place.project, database=place.database)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise LedgerError(f"Google's client cannot be made: {error}") from error


def _messages(each: object) -> Iterator[Any]:
    if isinstance(each, firestore.WriteBatch):
        for write in each._write_pbs:  # noqa: SLF001 - a batch has no public way to what stands in it
            yield from _messages(write)
    elif isinstance(each, types.Write):
        yield types.Write.pb(each)
    elif isinstance(each, _Write):
        yield each
    else:
        raise ValueError(f"{each!r} is not a Write of google-cloud-firestore")  # noqa: TRY004 - it is the user's


def _looks(answers: Sequence[Any]) -> Iterator[Look]:
    for answer in answers:
        read_at = nanoseconds(answer.read_time)
        if answer.WhichOneof("result") == "found":
            yield Look(answer.found.name, answer.found, read_at)
        elif answer.missing:
            yield Look(answer.missing, None, read_at)
