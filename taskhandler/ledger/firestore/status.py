"""What a failed call to Firestore means, by its status code and by nothing else.

Google's exceptions do not tell: `Conflict` is both "it exists" and "contended", `BadRequest` is both "it
changed" and "it can never be". The codes are those of google.rpc.Code.
"""

from __future__ import annotations

import enum

from taskhandler.ledger.firestore.transport import Failure


class CommitStatus(enum.Enum):
    """Whether a failed commit was written."""

    CHANGED = "not written: the document has changed"
    REFUSED = "not written: the commit is invalid, or the document has changed"
    UNAVAILABLE = "not written: Firestore is unavailable or too busy"
    UNKNOWN = "perhaps written, perhaps still to be written"


_NOT_WRITTEN = frozenset(
    {
        "ABORTED",
        "ALREADY_EXISTS",
        "FAILED_PRECONDITION",
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "OUT_OF_RANGE",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "UNAUTHENTICATED",
        "UNIMPLEMENTED",
    }
)
_CHANGED = frozenset({"FAILED_PRECONDITION", "NOT_FOUND"})
_REFUSED = frozenset(
    {"ALREADY_EXISTS", "FAILED_PRECONDITION", "INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE"}
)

_REMEDIES = {
    "DEADLINE_EXCEEDED": "check the network; the ledger resumes by itself once Firestore answers",
    "FAILED_PRECONDITION": "the database must be of type firestore-native; create one that is",
    "NOT_FOUND": "create the database with 'gcloud firestore databases create', or correct the ledger's URL",
    "PERMISSION_DENIED": (
        "give the worker's service account roles/datastore.user, and enable firestore.googleapis.com"
    ),
    "RESOURCE_EXHAUSTED": "check the project's Firestore quotas",
    "UNAUTHENTICATED": "give the worker valid credentials",
    "UNAVAILABLE": (
        "check the network, or start the emulator; the ledger resumes by itself once Firestore answers"
    ),
}

_INDEX_REMEDY = (
    "run the command for the field attention that 'flask tasks setup' prints, and wait until its index is "
    "ready"
)


def classify_create(failure: Failure) -> CommitStatus:
    """Whether a failed commit was written that expected no document."""
    if failure.code == "ALREADY_EXISTS":
        return CommitStatus.CHANGED
    return CommitStatus.UNAVAILABLE if failure.code in _NOT_WRITTEN else CommitStatus.UNKNOWN


def classify_replace(failure: Failure, *, batch: bool) -> CommitStatus:
    """Whether a failed commit that expected a version was written; `batch`: it has writes of the user's.

    A version that is later than the document's is an invalid argument to Firestore, so this code alone
    does not decide either.
    """
    if failure.code in _REFUSED and (batch or failure.code not in _CHANGED):
        return CommitStatus.REFUSED
    if failure.code in _CHANGED:
        return CommitStatus.CHANGED
    return CommitStatus.UNAVAILABLE if failure.code in _NOT_WRITTEN else CommitStatus.UNKNOWN


def suggest_remedy(failure: Failure) -> str:
    """What people can do about it."""
    return _REMEDIES.get(failure.code, "see https://cloud.google.com/firestore/docs/understand-error-codes")


def suggest_list_remedy(failure: Failure) -> str:
    """What people can do about a list that failed: its query needs an index."""
    return _INDEX_REMEDY if failure.code == "FAILED_PRECONDITION" else suggest_remedy(failure)
