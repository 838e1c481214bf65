"""From a URL to a ledger: where real clocks, chance and files are handed to a storage."""

from __future__ import annotations

import importlib
import os
import time
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from taskhandler.errors import ConfigError, LedgerError
from taskhandler.ledger import bootclock
from taskhandler.ledger.memory import MemoryStorage
from taskhandler.ledger.storage import Storage
from taskhandler.text import one_line

_KEY = "TASKHANDLER_LEDGER"
_FORMS = "memory://, sqlite:///path/to/file.db or firestore://[project]/[database]/[collection]"

PROBLEM_LIMIT = 1000
"""Characters of a message about what is wrong with a ledger."""

_OPTIONS = {"synchronous": ("full", "normal"), "mode": ("0600", "0660")}
"""Options of a SQLite ledger and their values; the first is the default."""

_OPTIONS_SHOWN = ", ".join(f"{name}={'|'.join(values)}" for name, values in _OPTIONS.items())


def open_storage(url: str) -> Storage:
    """The storage that `url` names, ready for use.

    Args:
        url: `memory://`; `sqlite:///path[?synchronous=normal|full][&mode=0600|0660]`, where `path` is
            absolute (three slashes or four) and percent-encoded; or
            `firestore://[project]/[database]/[collection]`.

    Raises:
        ConfigError: `url` is none of these, or its ledger cannot be opened.
    """
    parts = _split(url)
    match parts.scheme:
        case "memory":
            return _memory(url)
        case "sqlite":
            return _sqlite(url, parts)
        case "firestore":
            return _firestore(url)
        case _:
            raise _wrong(url, "no such ledger", f"Write {_FORMS}.")


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:  # whose text may hold a password
        raise _wrong(url, "this is not a URL", f"Write {_FORMS}.") from error


def _memory(url: str) -> Storage:
    if url != "memory://":
        raise _wrong(url, "the memory ledger has no path and no options", "Write memory://.")
    return MemoryStorage(clock=bootclock.now_ns)


def _sqlite(url: str, parts: SplitResult) -> Storage:
    path, options = _path(url, parts), _options(url, parts.query)
    import sqlite3  # noqa: PLC0415 - the other ledgers do not need it

    from taskhandler.ledger.sqlite.file import Bound, prepare, remedy  # noqa: PLC0415 - the same
    from taskhandler.ledger.sqlite.storage import SQLiteStorage  # noqa: PLC0415 - it imports sqlite3

    try:
        prepare(path, wait=time.sleep, mode=int(options["mode"], 8))  # noqa: TID251 - this is where waiting is handed in
    except (sqlite3.Error, OSError, LedgerError) as error:
        advice = "" if isinstance(error, LedgerError) else f"To mend it: {remedy(error)}."
        said = f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}"
        raise _wrong(url, one_line(said, limit=PROBLEM_LIMIT), advice) from error
    return SQLiteStorage(
        Bound(path, options["synchronous"].upper()),
        clock=bootclock.ServerClock(bootclock.now_ns, bootclock.boot_id(), time.time),
        chance=_chance,
        wait=time.sleep,  # noqa: TID251 - this is where waiting is handed in
    )


def _path(url: str, parts: SplitResult) -> str:
    path = "/" + unquote(parts.path).lstrip("/")
    absolute = parts.path.startswith("/") and not parts.netloc
    dots = {".", ".."} & set(path.split("/"))
    if not absolute or dots or parts.fragment or path.endswith("/") or "\0" in path:
        raise _wrong(
            url, "this does not name a file by its absolute path", "Write sqlite:///path/to/file.db."
        )
    if PurePosixPath(path).name == ":memory:":
        raise _wrong(url, "a ledger in memory has a scheme of its own", "Write memory://.")
    return path


def _options(url: str, query: str) -> dict[str, str]:
    given = parse_qsl(query, keep_blank_values=True)
    options = {name: default for name, (default, *_) in _OPTIONS.items()}
    for name, value in given:
        if value not in _OPTIONS.get(name, ()) or len(dict(given)) < len(given):
            raise _wrong(url, f"the options are {_OPTIONS_SHOWN}, each at most once", "Write one of these.")
        options[name] = value
    return options


def _firestore(url: str) -> Storage:
    try:
        firestore = importlib.import_module("taskhandler.ledger.firestore.opening")
    except ImportError as error:
        advice = "Install flask-taskhandler[firestore]."
        raise _wrong(url, f"Google's client is not there ({error})", advice) from error
    storage: Storage = firestore.open_firestore(url)
    return storage


def _chance() -> int:
    return int.from_bytes(os.urandom(8), "big") >> 1


def _wrong(url: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(_KEY, url, problem, remedy=remedy)
