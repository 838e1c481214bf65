"""Which arguments a handler gets: the task and the payload, distinguished by their annotations."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from functools import partial
from inspect import Parameter
from types import CellType, FunctionType, MethodType, NoneType, SimpleNamespace
from typing import Any

from msgspec import Struct

from taskhandler.errors import UsageError
from taskhandler.handlers.payload import NO_PAYLOAD, PayloadError, PayloadType, read_payload_type, split_union


class Signature(Struct, frozen=True):
    """Which arguments a handler gets.

    Attributes:
        task: the parameter that gets the task, or None.
        payload: the parameter that gets the payload, or None.
        type: what the payload is made of.
    """

    task: str | None
    payload: str | None
    type: PayloadType

    def decode(self, body: bytes) -> object:
        """The payload; None, and the body is not looked at, where the handler takes none.

        Raises:
            PayloadError: the body cannot be decoded or validated.
        """
        payload = self.type.read(body)
        if isinstance(payload, PayloadError):
            del body  # else the error holds it, by its traceback
            raise payload
        return payload

    def fill_arguments(self, payload: object, task: object) -> dict[str, object]:
        """The handler's arguments, by name."""
        filled: dict[str, object] = {}
        if self.payload is not None:
            filled[self.payload] = payload
        if self.task is not None:
            filled[self.task] = task
        return filled


def read_signature(function: Callable[..., object], *, task_type: type) -> Signature:
    """Look at a handler once, when it is declared.

    The parameter annotated with `task_type` (or that or None) gets the task; the one that is left and
    has no default gets the payload. Parameters with defaults are left alone.

    Raises:
        UsageError: it is unclear what a parameter should get, or no payload can be made of its type.
    """
    who = getattr(_unwrap(function), "__qualname__", repr(function))
    parameters = _list_parameters(function, who)
    hints = {parameter.name: _resolve_hint(parameter, function, who) for parameter in parameters}
    tasks = [parameter for parameter in parameters if _takes_task(hints[parameter.name], task_type)]
    others = [parameter for parameter in parameters if not _takes_task(hints[parameter.name], task_type)]
    payloads = [parameter for parameter in others if parameter.default is Parameter.empty]
    _refuse_doubt(who, tasks, payloads, others, task_type.__name__)
    task = tasks[0].name if tasks else None
    if not payloads:
        return Signature(task, None, NO_PAYLOAD)
    payload = payloads[0].name
    return Signature(task, payload, read_payload_type(hints[payload], f"{who}({payloads[0]})"))


def _list_parameters(function: Callable[..., object], who: str) -> list[Parameter]:
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{who}: its parameters cannot be inspected ({error}); wrap it in a function"
        ) from error
    for parameter in found:
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            raise UsageError(
                f"{who}({parameter}): name the parameters that should get payload and task. If this is a "
                "decorator's wrapper, let the decorator use functools.wraps"
            )
    return found


def _refuse_doubt(
    who: str, tasks: list[Parameter], payloads: list[Parameter], others: list[Parameter], task: str
) -> None:
    if len(tasks) > 1:
        raise UsageError(f"{who}: {_join_names(tasks)} are all annotated with {task}; keep one of them")
    if len(payloads) > 1:
        raise UsageError(
            f"{who}: {_join_names(payloads)} could all get the payload. Annotate the one that should get the "
            f"task with {task}, and take the rest as fields of one payload: a dict or a dataclass"
        )
    unsure = [other for other in others if other.kind is not Parameter.KEYWORD_ONLY]
    if not payloads and unsure:
        raise UsageError(
            f"{who}: should {unsure[0].name!r} get the payload? If so, remove its default; "
            "if not, put it after a `*`"
        )
    for parameter in (*tasks, *payloads):
        if parameter.kind is Parameter.POSITIONAL_ONLY:
            raise UsageError(f"{who}: {parameter.name!r} is passed by name; remove the `/` after it")


def _join_names(parameters: list[Parameter]) -> str:
    return " and ".join(repr(parameter.name) for parameter in parameters)


def _resolve_hint(parameter: Parameter, function: Callable[..., object], who: str) -> object:
    """The parameter's type, names in it looked up where the function was written."""
    if parameter.annotation is Parameter.empty:
        return Any
    plain = _unwrap(function)
    alone = SimpleNamespace(__annotations__={"it": parameter.annotation})
    try:
        return typing.get_type_hints(
            alone, getattr(plain, "__globals__", {}), _read_closure(plain), include_extras=True
        )["it"]
    except Exception as error:  # an annotation is an expression of the user's, and may raise anything
        raise UsageError(
            f"{who}({parameter}): the annotation cannot be resolved ({error}). Import or define what it "
            "names at the top of the module, outside of `if TYPE_CHECKING`"
        ) from error


def _unwrap(function: Any) -> Any:  # noqa: ANN401 - callables come in all shapes
    """The function as it was written, below decorators, bindings and partial arguments."""
    if isinstance(function, partial):
        return _unwrap(function.func)
    if isinstance(function, MethodType):
        return _unwrap(function.__func__)
    if hasattr(function, "__wrapped__"):
        return _unwrap(function.__wrapped__)
    called = getattr(type(function), "__call__", None)  # noqa: B004 - asks what it is, not whether
    return called if isinstance(called, FunctionType) else function


def _read_closure(plain: object) -> dict[str, object]:
    """The variables of enclosing functions that the function sees, as far as they are set yet."""
    if not isinstance(plain, FunctionType):
        return {}
    cells = zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if cell != CellType()}


def _takes_task(hint: object, task_type: type) -> bool:
    members = split_union(hint)
    return task_type in members and all(member in (task_type, NoneType) for member in members)
