"""The name and the options of a handler, checked when it is declared."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any, cast

from msgspec import Struct

from taskhandler.checks import check, seconds
from taskhandler.errors import UsageError

Lease = Annotated[float, seconds(1, 1800)]
MOST_ATTEMPTS = 10**6

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


class Options(Struct, frozen=True, kw_only=True):
    """The options of a handler.

    Attributes:
        lease: seconds that the handler may go without a heartbeat; None for the setting `LEASE`.
        max_attempts: charged claims after which a failure is the task's death; None for the setting
            `MAX_ATTEMPTS`.
        on_invalid: what becomes of a task whose payload cannot be decoded: `"reject"` records it with
            its body and stops, `"retry"` asks for another delivery (a newer revision may understand).
        queue: the queue that `enqueue` uses; None for the setting `GCP_TASK_QUEUE_ID`.
        service_accounts: who may deliver to this handler, out of the setting `SERVICE_ACCOUNTS`; None
            for all of them.
    """

    lease: float | None = None
    max_attempts: int | None = None
    on_invalid: str = "reject"
    queue: str | None = None
    service_accounts: frozenset[str] | None = None


def named(name: object, function: Callable[..., object]) -> str:
    """The name of a handler: as given, else the function's.

    Raises:
        UsageError: it cannot stand in a URL.
    """
    chosen = getattr(function, "__name__", None) if name is None else name
    if not isinstance(chosen, str) or not NAME.fullmatch(chosen):
        raise UsageError(
            f"{chosen!r} cannot be the name of a handler: it stands in the URL; "
            "write up to 100 letters, digits, hyphens and underscores, beginning with a letter or digit"
        )
    return chosen


def options_of(name: str, given: dict[str, Any]) -> Options:
    """Check the options of the handler `name`.

    Raises:
        UsageError: an option is unknown, or its value is wrong.
    """
    for option in given:
        if option not in Options.__struct_fields__:
            raise UsageError(f"handler {name!r}: there is no option {option!r}{_guess(option)}")
    options = Options(
        **given
        | {
            "lease": _lease(name, given.get("lease")),
            "service_accounts": _accounts(name, given.get("service_accounts")),
        }
    )
    for problem in _problems(options):
        raise UsageError(f"handler {name!r}: {problem}")
    return options


def _problems(options: Options) -> Iterable[str]:
    attempts: object = options.max_attempts
    if attempts is not None and not (type(attempts) is int and 1 <= attempts <= MOST_ATTEMPTS):
        yield f"max_attempts={attempts!r}: must be an integer from 1 to {MOST_ATTEMPTS}"
    if options.on_invalid not in ("reject", "retry"):
        yield f"on_invalid={options.on_invalid!r}: must be 'reject' or 'retry'"
    queue: object = options.queue
    if queue is not None and not (isinstance(queue, str) and re.fullmatch(r"[A-Za-z0-9-]{1,100}", queue)):
        yield f"queue={queue!r}: must be the id of a queue: letters, digits and hyphens"


def _lease(name: str, given: object) -> float | None:
    try:
        return None if given is None else cast("float", check(given, Lease))
    except ValueError as error:
        raise UsageError(f"handler {name!r}: lease={given!r}: {error}") from None


def _accounts(name: str, given: object) -> frozenset[str] | None:
    if given is None:
        return None
    listed = [given] if isinstance(given, str) else given
    accounts = tuple(listed) if isinstance(listed, Iterable) else ()
    if not accounts or not all(isinstance(account, str) and "@" in account for account in accounts):
        raise UsageError(
            f"handler {name!r}: service_accounts={given!r}: must be one or more e-mail addresses"
        )
    return frozenset(accounts)


def _guess(option: str) -> str:
    near = difflib.get_close_matches(option, Options.__struct_fields__, n=1)
    if near:
        return f". Did you mean {near[0]!r}?"
    return f". There are: {', '.join(Options.__struct_fields__)}"
