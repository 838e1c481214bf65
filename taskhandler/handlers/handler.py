"""The users' functions: their names, their options, and what calling them comes to."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from types import AsyncGeneratorType, GeneratorType
from typing import Annotated, Any, Generic, ParamSpec, Protocol, TypeVar, cast

from msgspec import Struct

from taskhandler.checks import check, seconds
from taskhandler.errors import UsageError
from taskhandler.handlers import http_answer
from taskhandler.handlers.signature import Signature, signature_of
from taskhandler.task import Task
from taskhandler.task_ref import TaskRef

P = ParamSpec("P")
R = TypeVar("R")
OnDead = Callable[[Task, "Exception | None"], object]

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


class Handler(Generic[P, R]):
    """A function that handles the tasks of one name. Called directly it is the plain function."""

    def __init__(self, function: Callable[P, R], *, name: str, options: Options) -> None:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise UsageError(f"handler {name!r} is a generator: calling it runs nothing. Take the yield away")
        self.function = function
        self.name = name
        self.options = options
        self.signature: Signature = signature_of(function, task_type=Task)
        self.when_dead: OnDead | None = None
        self.post: Post = _nowhere
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the plain function: no queue, no ledger."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        """Name the handler."""
        return f"<Handler {self.name!r}>"

    def enqueue(
        self, payload: object = None, *, name: str | None = None, delay: float | timedelta | None = None
    ) -> TaskRef:
        """Create a task for this handler, in the context of an app where its blueprint is registered.

        Args:
            payload: what the handler will get: bytes as they are, anything else as JSON. The handler must
                be able to read it, and nothing of it may be changed by JSON.
            name: the task's id, letters, digits, hyphens and underscores. One that exists already (or did
                a short time ago) is not created again: see `TaskRef.created`. None: Cloud Tasks chooses
                one.
            delay: seconds, or a timedelta, before it is delivered; at most 30 days.

        Raises:
            ConfigError: a setting for enqueuing is missing or wrong.
            UsageError: there is no app, the handler is not mounted in it, or it could not read the payload
                as it is.
            EnqueueError: Cloud Tasks did not create it, or its answer was lost.
        """
        return self.post(self, payload, name=name, delay=delay)

    def on_dead(self, function: OnDead) -> OnDead:
        """Call `function(task, error)` once a task of this handler is recorded as dead.

        It is called at least once; `error` is None where the attempts ran out without an error.

        Raises:
            UsageError: there is one already, or it is async and would not be awaited.
        """
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise UsageError(f"handler {self.name!r}: on_dead={function!r}: must be a plain function")
        if self.when_dead is not None:
            raise UsageError(f"handler {self.name!r} has an on_dead already; call both from one function")
        self.when_dead = function
        return function


class Post(Protocol):
    """Makes a task for a handler."""

    def __call__(
        self,
        handler: Handler[Any, Any],
        payload: object,
        *,
        name: str | None,
        delay: float | timedelta | None,
    ) -> TaskRef:
        """See `Handler.enqueue`."""


def _nowhere(handler: Handler[Any, Any], *_: object, **__: object) -> TaskRef:
    raise UsageError(f"{handler!r} belongs to no blueprint, so nobody knows where its queue is")


class Returned(Struct, frozen=True):
    """The function returned."""

    value: object


class Raised(Struct, frozen=True):
    """The function raised."""

    error: Exception


UNRUN = (Awaitable, GeneratorType, AsyncGeneratorType)
"""Values that stand for code that has not run."""

_PLAIN = frozenset({type(None), bool, int, float, str, dict, list})
"""What most handlers return; it needs no further check."""


def check_has_run(value: object) -> None:
    """Raise if `value` shows that the function's code has not run, and will not run."""
    if inspect.iscoroutine(value):
        value.close()  # else Python warns that it was never awaited
    if isinstance(value, UNRUN):
        raise UsageError(
            f"nothing has run: the function returned a {type(value).__name__}. A decorator's wrapper around "
            "an async function must be async itself; a generator must be used up, not returned"
        )


def check_result(value: object) -> None:
    """Raise if `value` cannot be a handler's result: it has not run, or is meant for HTTP or to be raised."""
    if type(value) in _PLAIN:
        return
    check_has_run(value)
    if problem := http_answer.problem_of(value):
        raise UsageError(problem)


def run(
    function: Callable[..., object],
    arguments: dict[str, Any],
    *,
    check: Callable[[object], None] = check_result,
) -> Returned | Raised:
    """Call a user's function: the one place where its errors become values.

    Args:
        function: a handler, or something else of the user's.
        arguments: by name.
        check: raises for a value that the function cannot have been meant to return.
    """
    try:
        value = function(**arguments)
        check(value)
    except Exception as error:  # noqa: BLE001 - the edge of the user's code
        return Raised(error)
    return Returned(value)


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
