"""A Firestore emulator for the bench: the one that the environment names, or one of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.terminal import say
from tests.ledger.emulator import HOST, Emulator, found_jar


@contextmanager
def emulated(*, needed: bool) -> Iterator[str]:
    """Its address; empty if none is needed, or there is none. Google's clients here then talk to it."""
    given, jar = os.environ.get(HOST), found_jar()
    if not needed or given:
        yield given or ""
    elif jar is None:
        say("NOT PLAYED on Firestore: there is no emulator here, see tests/ledger/emulator.py")
        yield ""
    else:
        with Emulator(jar) as emulator:
            os.environ[HOST] = emulator.address
            yield emulator.address
