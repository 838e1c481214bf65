"""From a URL to a ledger: its scheme names who opens it.

Three schemes are built in. Any other is looked up among the entry points of installed packages, in the group
`taskhandler.storages`: the name is the scheme, the value a function from the URL to a `Storage`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib import metadata
from urllib.parse import urlsplit

from taskhandler.errors import LEDGER_KEY, ConfigError
from taskhandler.ledger.storage import Storage
from taskhandler.text import mask_url, one_line

GROUP = "taskhandler.storages"
"""The group of entry points of packages that bring a storage."""

PROBLEM_LIMIT_CHARACTERS = 1000
"""Characters of a message about what is wrong with a ledger."""

_FORMS = "memory://, sqlite:///path/to/file.db or firestore://[project]/[database]/[collection]"

_BUILT_IN = {
    "memory": ("taskhandler.ledger.memory", "open_memory"),
    "sqlite": ("taskhandler.ledger.sqlite.opening", "open_sqlite"),
    "firestore": ("taskhandler.ledger.firestore.opening", "open_firestore"),
}
"""Module and function by scheme. By name, since each loads what only its own ledger needs."""

_MEMBERS = sorted({*Storage.__annotations__, *(name for name in vars(Storage) if not name.startswith("_"))})


def open_storage(url: str) -> Storage:
    """The storage that `url` names, ready for use.

    Args:
        url: `memory://`; `sqlite:///path[?synchronous=normal|full][&mode=0600|0660]`, where `path` is
            absolute (three slashes or four) and percent-encoded;
            `firestore://[project]/[database]/[collection]`; or what an installed package opens by its
            entry point. A package cannot replace one of the three.

    Raises:
        ConfigError: `url` names no ledger, or its ledger cannot be opened.
    """
    scheme = _read_scheme(url)
    if scheme in _BUILT_IN:
        module, name = _BUILT_IN[scheme]
        storage: Storage = getattr(importlib.import_module(module), name)(url)
        return storage
    return _open_by(_find_entry_point(url, scheme), url)


def list_lacking(storage: object) -> str:
    """The members of `Storage` that something lacks, for a message."""
    return ", ".join(name for name in _MEMBERS if not hasattr(storage, name))


def _read_scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError as error:  # whose text may hold a password
        raise _refuse(url, "this is not a URL", f"Write {_FORMS}") from error


def _find_entry_point(url: str, scheme: str) -> metadata.EntryPoint:
    installed = metadata.entry_points(group=GROUP)
    found = [point for point in installed if point.name == scheme]
    if len(found) > 1:
        packages = ", ".join(sorted(map(_describe, found)))
        raise _refuse(url, f"several packages open {scheme}:// ({packages})", "Uninstall all but one of them")
    if not found:
        known = ", ".join(f"{name}://" for name in [*_BUILT_IN, *sorted({point.name for point in installed})])
        remedy = f"Write {_FORMS}, or install a package with an entry point {scheme!r} in the group {GROUP!r}"
        raise _refuse(url, f"no ledger has the scheme {scheme!r}; there are {known}", remedy)
    return found[0]


def _open_by(point: metadata.EntryPoint, url: str) -> Storage:
    try:
        opener: Callable[[str], object] = point.load()
        storage = opener(url)
    except ConfigError:
        raise
    except Exception as error:  # what an installed package raises is an error of the settings
        said = mask_url(one_line(error, limit=PROBLEM_LIMIT_CHARACTERS))
        problem = f"{_describe(point)} failed with {type(error).__name__}: {said}"
        raise _refuse(url, problem, "Update the package, or use another ledger") from error
    if not isinstance(storage, Storage):
        kind, lacking = type(storage).__name__, list_lacking(storage)
        problem = f"{_describe(point)} returned a value of type {kind}, which lacks {lacking}"
        raise _refuse(url, problem, "Update the package, or use another ledger")
    return storage


def _describe(point: metadata.EntryPoint) -> str:
    package = "a package" if point.dist is None else f"{point.dist.name} {point.dist.version}"
    return f"the entry point {point.name} = {point.value} of {package}"


def _refuse(url: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(LEDGER_KEY, url, problem, remedy=remedy)
