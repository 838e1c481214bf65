"""From a URL to the SQLite ledger."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from taskhandler.errors import LEDGER_KEY, ConfigError, LedgerError
from taskhandler.ledger.bootclock import machine_clock
from taskhandler.ledger.sqlite.file import Database, prepare, suggest_remedy
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.text import one_line

PROBLEM_LIMIT_CHARACTERS = 1000
"""Characters of a message about what is wrong with a ledger."""

_OPTIONS = {"synchronous": ("full", "normal"), "mode": ("0600", "0660")}
"""Options of a SQLite ledger and their values; the first is the default."""

_OPTIONS_SHOWN = ", ".join(f"{name}={'|'.join(values)}" for name, values in _OPTIONS.items())


def open_sqlite(url: str) -> SQLiteStorage:
    """The ledger at `sqlite:///path[?synchronous=normal|full][&mode=0600|0660]`, made if it is not there.

    Args:
        url: `path` is absolute (three slashes or four) and percent-encoded.

    Raises:
        ConfigError: the URL is wrong, or the file cannot be opened.
    """
    parts = urlsplit(url)
    path, options = _read_path(url, parts), _read_options(url, parts.query)
    try:
        prepare(path, wait=time.sleep, mode=int(options["mode"], 8))  # noqa: TID251 - this is where waiting is handed in
    except (sqlite3.Error, OSError, LedgerError) as error:
        advice = "" if isinstance(error, LedgerError) else f"To fix it: {suggest_remedy(error)}"
        said = f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}"
        raise _refuse(url, one_line(said, limit=PROBLEM_LIMIT_CHARACTERS), advice) from error
    return SQLiteStorage(
        Database(path, options["synchronous"].upper()),
        clock=machine_clock(),
        chance=_choose_version,
        wait=time.sleep,  # noqa: TID251 - this is where waiting is handed in
    )


def _read_path(url: str, parts: SplitResult) -> str:
    path = "/" + unquote(parts.path).lstrip("/")
    absolute = parts.path.startswith("/") and not parts.netloc
    dots = {".", ".."} & set(path.split("/"))
    if not absolute or dots or parts.fragment or path.endswith("/") or "\0" in path:
        raise _refuse(
            url, "this does not name a file by its absolute path", "Write sqlite:///path/to/file.db"
        )
    if PurePosixPath(path).name == ":memory:":
        raise _refuse(url, "a ledger in memory has a scheme of its own", "Write memory://")
    return path


def _read_options(url: str, query: str) -> dict[str, str]:
    given = parse_qsl(query, keep_blank_values=True)
    options = {name: default for name, (default, *_) in _OPTIONS.items()}
    for name, value in given:
        if value not in _OPTIONS.get(name, ()) or len(dict(given)) < len(given):
            raise _refuse(url, f"the options are {_OPTIONS_SHOWN}, each at most once", "Write one of these")
        options[name] = value
    return options


def _choose_version() -> int:
    return int.from_bytes(os.urandom(8), "big") >> 1


def _refuse(url: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(LEDGER_KEY, url, problem, remedy=remedy)
