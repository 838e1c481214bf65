"""The URL of a Firestore ledger: a project, a database and a collection."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from msgspec import Struct

from taskhandler.errors import LEDGER_KEY, ConfigError

DATABASE = "(default)"
COLLECTION = "task_ledger"

_FORM = "Write firestore://[project]/[database]/[collection]; each part may be left out"
_PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*")
_DATABASE = re.compile(r"\(default\)|[a-z][a-z0-9-]{2,61}[a-z0-9]")
_NAME_LIMIT_BYTES = 1400
"""Of a collection's name: Firestore accepts 1,500 (its quotas page); a little less leaves room."""


class FirestoreUrl(Struct, frozen=True):
    """A collection of a database of a project.

    Attributes:
        project: its id; None for that of the credentials or the environment.
        database: its id.
        collection: a root collection of it.
        warm: whether Google's library is loaded at start-up, not at the first delivery.
    """

    project: str | None = None
    database: str = DATABASE
    collection: str = COLLECTION
    warm: bool = False


def parse_url(url: str) -> FirestoreUrl:
    """Read `firestore://[project]/[database]/[collection][?warm=1]`.

    Raises:
        ConfigError: it is something else, or no project, database or collection can have such a name.
    """
    parts = urlsplit(url)
    database, collection = _split_path(url, parts)
    parsed = FirestoreUrl(
        project=unquote(parts.netloc) or None,
        database=database or DATABASE,
        collection=collection or COLLECTION,
        warm=_read_warm(url, parts.query),
    )
    problem = _find_problem(parsed)
    if problem:
        raise _refuse(url, problem)
    return parsed


def find_collection_problem(collection: str) -> str:
    """Why a collection cannot have this name; empty if it can.

    The rules are Firestore's: https://cloud.google.com/firestore/quotas#collections_documents_and_fields
    """
    if not collection or "/" in collection or collection in {".", ".."}:
        return f"{collection!r} cannot name a collection"
    if collection.startswith("__") and collection.endswith("__"):
        return f"the collection {collection!r} has a name that Firestore reserves for itself (__*__)"
    if not collection.isprintable() or len(collection.encode(errors="replace")) > _NAME_LIMIT_BYTES:
        return "the collection's name is too long, or has characters that are not printable"
    return ""


def _split_path(url: str, parts: SplitResult) -> tuple[str, str]:
    before, database, collection, *rest = [*parts.path.split("/"), "", ""]
    if parts.scheme != "firestore" or parts.fragment or before:
        raise _refuse(url, "this does not name a Firestore collection")
    if any(rest):
        raise _refuse(url, "it has more parts than project, database and collection")
    return unquote(database), unquote(collection)


def _read_warm(url: str, query: str) -> bool:
    match parse_qsl(query, keep_blank_values=True):
        case []:
            return False
        case [("warm", ("0" | "1") as warm)]:
            return warm == "1"
        case _:
            raise _refuse(url, "the only option is warm, which must be 0 or 1")


def _find_problem(url: FirestoreUrl) -> str:
    if url.project is not None and not _PROJECT.fullmatch(url.project):
        return f"{url.project!r} cannot be the id of a project"
    if not _DATABASE.fullmatch(url.database):
        return f"{url.database!r} cannot be the id of a database: (default), or 4 to 63 of a-z, 0-9 and -"
    return find_collection_problem(url.collection)


def _refuse(url: str, problem: str) -> ConfigError:
    return ConfigError(LEDGER_KEY, url, problem, remedy=_FORM)
