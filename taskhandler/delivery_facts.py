"""A delivery as it arrives: what the door hands in, and what is known once it is worth asking the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from taskhandler.auth import Caller
from taskhandler.ending import Chances
from taskhandler.handlers import Handler
from taskhandler.headers import TaskHeaders
from taskhandler.ledger.lease import Lease
from taskhandler.ledger.storage import Letter
from taskhandler.reply import Outcome
from taskhandler.task import Headers


class Unreadable(Struct, frozen=True):
    """A body that could not be read: malformed or too large, and why."""

    outcome: Outcome
    why: str


class Incoming(Struct, frozen=True):
    """A request, as far as a delivery has to know it.

    Attributes:
        handler: the handler that it is for, or None if there is none of that name.
        call: the handler's function, ready to be called (an async one made synchronous).
        headers: looked up whatever their case.
        body: reads the body, up to so many bytes; not called before the caller is known.
    """

    handler: Handler[Any, Any] | None
    call: Callable[..., object]
    headers: Headers
    body: Callable[[int], bytes | Unreadable]


class Delivery(Struct, frozen=True):
    """What is known of a delivery once it is worth asking the ledger about it."""

    handler: Handler[Any, Any]
    caller: Caller
    about: TaskHeaders
    headers: Headers
    body: bytes
    letter: Letter
    lease: Lease
    chances: Chances
