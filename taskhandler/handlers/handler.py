"""A user's function that handles the tasks of one name: what `@tasks.handler` returns."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Generic, ParamSpec, Protocol, TypeVar

from taskhandler.errors import UsageError
from taskhandler.handlers.options import Options
from taskhandler.handlers.signature import Signature, read_signature
from taskhandler.task import Task
from taskhandler.task_ref import TaskRef

P = ParamSpec("P")
R = TypeVar("R")
OnDead = Callable[[Task, "Exception | None"], object]


class Handler(Generic[P, R]):
    """A function that handles the tasks of one name. Called directly it is the plain function.

    Args:
        function: the user's.
        name: is part of the URL.
        options: what was given to the decorator, checked.
        post: makes a task for this handler; that of a blueprint knows the app's queue.
    """

    __wrapped__: Callable[P, R]

    def __init__(
        self, function: Callable[P, R], *, name: str, options: Options, post: Post | None = None
    ) -> None:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise UsageError(f"handler {name!r} is a generator: calling it runs nothing. Remove the yield")
        functools.update_wrapper(self, function, updated=())  # its attributes could hide what is defined here
        self.function = function
        self.name = name
        self.options = options
        self.signature: Signature = read_signature(function, task_type=Task)
        self.on_dead_function: OnDead | None = None
        self._post = _refuse_without_blueprint if post is None else post

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the plain function: no queue, no ledger."""
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        """Name the handler."""
        return f"<Handler {self.name!r}>"

    def __reduce__(self) -> str:
        """Pickled by its name, as a function is: what it stands for is in its module."""
        return str(getattr(self.function, "__qualname__", self.name))

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
        return self._post(self, payload, name=name, delay=delay)

    def on_dead(self, function: OnDead) -> OnDead:
        """Call `function(task, error)` once a task of this handler is recorded as dead.

        It is called at least once; `error` is None where the attempts ran out without an error.

        Raises:
            UsageError: there is one already, or it is async and would not be awaited.
        """
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise UsageError(f"handler {self.name!r}: on_dead={function!r}: must be a plain function")
        if self.on_dead_function is not None:
            raise UsageError(f"handler {self.name!r} already has an on_dead function; call both from one")
        self.on_dead_function = function
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


def _refuse_without_blueprint(handler: Handler[Any, Any], *_: object, **__: object) -> TaskRef:
    raise UsageError(
        f"{handler!r} does not belong to a blueprint: declare it with @blueprint.handler to enqueue its tasks"
    )
