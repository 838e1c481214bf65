"""What became of a call to Firestore that failed: told by its status code, and by nothing else.

Google's exceptions are of no use for it: `Conflict` is both "it exists" and "contended", `BadRequest` is
both "it changed" and "it cannot be". The codes are those of google.rpc.Code.
"""

from __future__ import annotations

import enum

from taskhandler.ledger.firestore.transport import Failure


class Fate(enum.Enum):
    """What became of a commit."""

    CHANGED = "not written: the document is not as was believed"
    REFUSED = "not written: something in the commit cannot be, or the document is not as was believed"
    DOWN = "not written: the ledger is out of use or too busy"
    UNKNOWN = "written or not, or written yet"


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
    "DEADLINE_EXCEEDED": "look at the network; it goes on by itself once Firestore answers",
    "FAILED_PRECONDITION": "the database must be of type firestore-native; create one that is",
    "NOT_FOUND": "create the database with 'gcloud firestore databases create', or correct the ledger's URL",
    "PERMISSION_DENIED": (
        "give the worker's service account roles/datastore.user, and enable firestore.googleapis.com"
    ),
    "RESOURCE_EXHAUSTED": "look at the project's Firestore quotas",
    "UNAUTHENTICATED": "give the worker valid credentials",
    "UNAVAILABLE": "look at the network, or start the emulator; it goes on by itself once Firestore answers",
}


def fate_of_create(failure: Failure) -> Fate:
    """What became of a commit that expected no document."""
    if failure.code == "ALREADY_EXISTS":
        return Fate.CHANGED
    return Fate.DOWN if failure.code in _NOT_WRITTEN else Fate.UNKNOWN


def fate_of_replace(failure: Failure, *, batch: bool) -> Fate:
    """What became of a commit that expected a version of a document; `batch`: users' writes are in it.

    A version that is later than the document's is an invalid argument to Firestore, so that this code
    alone does not tell either.
    """
    if failure.code in _REFUSED and (batch or failure.code not in _CHANGED):
        return Fate.REFUSED
    if failure.code in _CHANGED:
        return Fate.CHANGED
    return Fate.DOWN if failure.code in _NOT_WRITTEN else Fate.UNKNOWN


def remedy(failure: Failure) -> str:
    """What people can do about it."""
    return _REMEDIES.get(failure.code, "see https://cloud.google.com/firestore/docs/understand-error-codes")
