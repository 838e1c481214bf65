"""Logs a failed call to Firestore with its remedy, and answers that the ledger is unavailable."""

from __future__ import annotations

from taskhandler.ledger.firestore.status import suggest_list_remedy, suggest_remedy
from taskhandler.ledger.firestore.transport import Failure, Transport
from taskhandler.ledger.storage import Unavailable
from taskhandler.throttled_log import ThrottledLog


class StatusReport:
    """Reports failures of one ledger.

    Args:
        log: where they are logged.
        collection: the collection of the ledger.
    """

    def __init__(self, log: ThrottledLog, collection: str) -> None:
        self._log = log
        self._collection = collection

    def report(self, transport: Transport, failure: Failure) -> Unavailable:
        """Report a read or a write that failed."""
        self._log.error(
            "The Firestore ledger %s/%s is unavailable: %s. To fix it: %s.",
            transport.documents,
            self._collection,
            failure,
            suggest_remedy(failure),
            kind=failure.code,
        )
        return as_unavailable(failure)

    def report_list(self, transport: Transport, failure: Failure) -> Unavailable:
        """Report a list that failed."""
        self._log.error(
            "The tasks of the Firestore ledger %s/%s cannot be listed: %s. To fix it: %s.",
            transport.documents,
            self._collection,
            failure,
            suggest_list_remedy(failure),
            kind=("list", failure.code),
        )
        return Unavailable(f"the ledger cannot be listed: {failure}")


def as_unavailable(failure: Failure) -> Unavailable:
    """The answer to a call that failed."""
    return Unavailable(f"the ledger is unavailable: {failure}")
