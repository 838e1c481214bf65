"""The ledgers that the demo can be played on."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from examples.demo import emulator

LEDGERS = {"sqlite": "one SQLite ledger", "firestore": "one Firestore ledger, on Google's emulator"}


def problem(kind: str) -> str:
    """Why the demo cannot be played on this ledger here; empty if it can."""
    if kind != "firestore":
        return ""
    given = os.environ.get(emulator.HOST)
    if given is not None:
        return "" if emulator.answers(given) else f"no emulator answers at {given!r} ({emulator.HOST})"
    missing = emulator.missing()
    return f"there is no Firestore emulator to play on: {missing}, or set {emulator.HOST}" if missing else ""


@contextmanager
def ledger(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty ledger, which is there for as long as the context lasts."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/ledger.db"
        return
    jar = emulator.found_jar()
    project = f"firestore://demo-{secrets.token_hex(4)}"
    if emulator.HOST in os.environ or jar is None:
        yield project
        return
    with emulator.Emulator(jar) as running:
        os.environ[emulator.HOST] = running.address  # for Google's client, here and in the shop
        try:
            yield project
        finally:
            del os.environ[emulator.HOST]
