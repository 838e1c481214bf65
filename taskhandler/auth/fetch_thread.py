"""Runs one fetch of the certificates on a thread of its own, which does not keep the keeper alive."""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct

from taskhandler.auth.fetch_response import Fetched
from taskhandler.text import one_line

FAULT_LIMIT_CHARACTERS = 200
"""Characters of an error that are logged."""


class Fetch(Struct, eq=False):
    """A fetch that is under way: since when, on its keeper's clock, and whether it is over."""

    since: float
    over: threading.Event


def start_thread(act: Callable[[], None]) -> None:
    """Run `act` on a daemon thread.

    Raises:
        RuntimeError: no thread can be started.
    """
    threading.Thread(target=act, name="taskhandler-certs", daemon=True).start()


def run_fetch(
    fetch: Fetch,
    download: Callable[[], Fetched],
    conclude: Callable[[], Callable[[Fetch, Fetched | str], None] | None],
) -> None:
    """Call `download`, and hand over its answer, or a description of its error.

    Args:
        fetch: this fetch.
        download: raises OSError or ValueError.
        conclude: a weak reference to the method that takes it.
    """
    answer: Fetched | str = "the fetch was interrupted"
    try:
        answer = download()
    except (OSError, ValueError) as error:
        answer = describe_fault(error)
    finally:  # even after an error, no caller is left waiting
        living = conclude()
        if living is not None:
            living(fetch, answer)


def describe_fault(error: Exception) -> str:
    """Say what went wrong, in one line: parts of it are text from the network."""
    return f"{type(error).__name__}: {one_line(error, limit=FAULT_LIMIT_CHARACTERS)}"
