"""The name and the options of a handler, checked when it is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct
from msgspec.structs import fields

from taskhandler.errors import UsageError
from taskhandler.validation import Email, LeaseSeconds, check, find_closest

Name = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z",
        description="up to 100 letters, digits, hyphens and underscores, beginning with a letter or a digit: "
        "it is part of the URL",
    ),
]
MaxAttempts = Annotated[int, Meta(ge=1, le=10**6, description=f"an integer from 1 to {10**6}")]
OnInvalid = Annotated[Literal["reject", "retry"], Meta(description="'reject' or 'retry'")]
QueueId = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9-]{1,100}\Z",
        description="the id of a queue: letters, digits and hyphens",
    ),
]
Accounts = Annotated[frozenset[Email], Meta(min_length=1, description="one or more e-mail addresses")]


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

    lease: LeaseSeconds | None = None
    max_attempts: MaxAttempts | None = None
    on_invalid: OnInvalid = "reject"
    queue: QueueId | None = None
    service_accounts: Accounts | None = None


_TYPES = {field.name: field.type for field in fields(Options)}


def choose_name(name: object, function: Callable[..., object]) -> str:
    """The name of a handler: as given, else the function's.

    Raises:
        UsageError: it cannot be part of a URL.
    """
    chosen = getattr(function, "__name__", None) if name is None else name
    try:
        return cast("str", check(chosen, Name))
    except ValueError as error:
        raise UsageError(f"the name of a handler, {chosen!r}, {error}") from None


def check_options(name: str, given: dict[str, Any]) -> Options:
    """Check the options of the handler `name`.

    Raises:
        UsageError: an option is unknown, or its value is wrong.
    """
    return Options(**{option: _check(name, option, value) for option, value in given.items()})


def _check(name: str, option: str, value: object) -> Any:  # noqa: ANN401 - as for `check`
    if option not in _TYPES:
        raise UsageError(f"handler {name!r}: there is no option {option!r}. {_guess(option)}")
    is_account = option == "service_accounts" and isinstance(value, str)
    try:
        return check([value] if is_account else value, _TYPES[option])
    except ValueError as error:
        raise UsageError(f"handler {name!r}: {option}={value!r}: {error}") from None


def _guess(option: str) -> str:
    near = find_closest(option, _TYPES)
    return f"Did you mean {near!r}?" if near else f"There are: {', '.join(_TYPES)}"
