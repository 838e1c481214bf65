"""Where a Firestore ledger is: what its URL says."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

from taskhandler.errors import ConfigError

DATABASE = "(default)"
COLLECTION = "task_ledger"

KEY = "TASKHANDLER_LEDGER"
_FORM = "Write firestore://[project]/[database]/[collection], each part may be left out."
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*")
_DATABASE = re.compile(r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]")
_LONGEST = 1400
"""Bytes of a collection's name: Firestore takes 1,500 (its quotas page); a little less leaves room."""


class Place(Struct, frozen=True):
    """A collection of a database of a project.

    Attributes:
        project: its id; None for that of the credentials or the environment.
        database: its id.
        collection: a root collection of it.
        warm: Google's library is to be loaded at start-up, not at the first delivery.
    """

    project: str | None = None
    database: str = DATABASE
    collection: str = COLLECTION
    warm: bool = False


def place_of(url: str) -> Place:
    """What `firestore://[project]/[database]/[collection][?warm=1]` names.

    Raises:
        ConfigError: it names nothing that there can be.
    """
    parts = urlsplit(url)
    database, collection = _segments(url, parts)
    place = Place(
        project=unquote(parts.netloc) or None,
        database=database or DATABASE,
        collection=collection or COLLECTION,
        warm=_warm(url, parts.query),
    )
    problem = _problem(place)
    if problem:
        raise _wrong(url, problem)
    return place


def collection_problem(collection: str) -> str:
    """Why there can be no collection of this name; empty if there can.

    The rules are Firestore's: https://cloud.google.com/firestore/quotas#collections_documents_and_fields
    """
    if not collection or "/" in collection or collection in {".", ".."}:
        return f"{collection!r} cannot name a collection"
    if collection.startswith("__") and collection.endswith("__"):
        return f"the collection {collection!r} has a name that Firestore keeps for itself (__*__)"
    if not collection.isprintable() or len(collection.encode(errors="replace")) > _LONGEST:
        return "the collection's name is too long, or has characters nobody can see"
    return ""


def _segments(url: str, parts: SplitResult) -> tuple[str, str]:
    before, database, collection, *rest = [*parts.path.split("/"), "", ""]
    if parts.scheme != "firestore" or parts.fragment or before:
        raise _wrong(url, "this does not name a Firestore collection")
    if any(rest):
        raise _wrong(url, "there are more parts in it than project, database and collection")
    return unquote(database), unquote(collection)


def _warm(url: str, query: str) -> bool:
    match parse_qsl(query, keep_blank_values=True):
        case []:
            return False
        case [("warm", ("0" | "1") as warm)]:
            return warm == "1"
        case _:
            raise _wrong(url, "the only option is warm, which is 0 or 1")


def _problem(place: Place) -> str:
    if place.project is not None and not _PROJECT.fullmatch(place.project):
        return f"{place.project!r} cannot be the id of a project"
    if not _DATABASE.fullmatch(place.database):
        return f"{place.database!r} cannot be the id of a database: (default), or 4 to 63 of a-z, 0-9 and -"
    return collection_problem(place.collection)


def _wrong(url: str, problem: str) -> ConfigError:
    return ConfigError(KEY, url, problem, remedy=_FORM)
