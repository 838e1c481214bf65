"""Which arguments a handler gets, how a body becomes one of them, and how its return value becomes JSON.

JSON is read as msgspec reads it, strictly: `"1"` is not an int, NaN is not a number, the body is UTF-8
and nothing follows the value. Of equal keys the last one counts. Fields that the type does not know are
passed over, unless it is a Struct with `forbid_unknown_fields`. Dataclasses and attrs classes are filled
without their `__init__`: `__post_init__` and attrs' validators run, attrs' converters do not.
"""

from __future__ import annotations

import inspect
import traceback
import typing
from collections.abc import Callable, Iterator
from functools import partial
from inspect import Parameter
from types import CellType, FunctionType, MethodType, NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Union

import msgspec
from msgspec import Raw, Struct
from msgspec.inspect import CustomType, Field, LiteralType, Type, type_info

from taskhandler.errors import TaskHandlerError, UsageError


class PayloadError(TaskHandlerError, ValueError):
    """The body cannot be made the handler's payload. `reason`: one line, at most 500 characters."""

    def __init__(self, reason: str) -> None:
        """Make `reason` fit to be stored and logged."""
        self.reason = _one_line(reason)
        super().__init__(self.reason)


class Dropped(Struct, frozen=True):
    """A return value that is not kept. `why`: one line, at most 500 characters."""

    why: str


class Signature(Struct, frozen=True):
    """Which arguments a handler gets.

    Attributes:
        task: the parameter that gets the task, or None.
        payload: the parameter that gets the payload, or None.
        wanted: what the payload is annotated with, for people.
        build: makes the payload of a body.
        empty: what an empty body stands for: JSON's null where the annotation names None.
    """

    task: str | None
    payload: str | None
    wanted: str
    build: Callable[[bytes], object]
    empty: bytes

    def decode(self, body: bytes) -> object:
        """The payload; None, and the body is not looked at, where the handler takes none.

        Raises:
            PayloadError: the body cannot be decoded or validated. Whatever a payload's own code raises
                counts as that; only a lack of memory says nothing of the body, and goes up as it is.
        """
        try:
            return self.build(body or self.empty)
        except MemoryError:
            raise
        except Exception as error:  # a payload's validators are the user's code
            reason = _reason(error) if body else f"the body is empty, and JSON for {self.wanted} is wanted"
            raise PayloadError(reason) from error

    def arguments(self, payload: object, task: object) -> dict[str, object]:
        """The handler's arguments, by name."""
        filled: dict[str, object] = {}
        if self.payload is not None:
            filled[self.payload] = payload
        if self.task is not None:
            filled[self.task] = task
        return filled


def signature_of(function: Callable[..., object], *, task_type: type) -> Signature:
    """Look at a handler once, when it is declared.

    The parameter annotated with `task_type` (or that or None) gets the task; the one that is left and
    has no default gets the payload. Parameters with defaults are left alone.

    Raises:
        UsageError: it cannot be told what a parameter should get, or nothing can be made of its type.
    """
    who = getattr(_plain(function), "__qualname__", repr(function))
    parameters = _parameters(function, who)
    hints = {parameter.name: _hint(parameter, function, who) for parameter in parameters}
    tasks = [parameter for parameter in parameters if _takes(hints[parameter.name], task_type)]
    others = [parameter for parameter in parameters if not _takes(hints[parameter.name], task_type)]
    payloads = [parameter for parameter in others if parameter.default is Parameter.empty]
    _refuse_doubt(who, tasks, payloads, others, task_type.__name__)
    task = tasks[0].name if tasks else None
    if not payloads:
        return Signature(task, None, "", _nothing, b"")
    payload = payloads[0].name
    hint = hints[payload]
    return Signature(task, payload, inspect.formatannotation(hint), *_builder(hint, f"{who}({payloads[0]})"))


def result_json(value: object, *, limit: int = 65536) -> str | Dropped | None:
    """A handler's return value as JSON, at most `limit` bytes of it; None if it returned None.

    NaN becomes null, bytes base64; pydantic models, nested ones too, are put as `model_dump_json` does.
    """
    if value is None:
        return None
    try:
        encoded = msgspec.json.encode(value, enc_hook=_dump)
        text = encoded.decode()
    except Exception as error:  # noqa: BLE001 - properties and serializers are the user's code
        return Dropped(_one_line(_reason(error)))
    if len(encoded) > limit:
        return Dropped(f"{len(encoded)} bytes of JSON are more than {limit}")
    return text


def _parameters(function: Callable[..., object], who: str) -> list[Parameter]:
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise UsageError(f"{who}: its parameters cannot be seen ({error}); wrap it in a function") from error
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
        raise UsageError(f"{who}: {_named(tasks)} are all annotated with {task}; keep one of them")
    if len(payloads) > 1:
        raise UsageError(
            f"{who}: {_named(payloads)} could all get the payload. Annotate the one that should get the "
            f"task with {task}, and take the rest as fields of one payload: a dict or a dataclass"
        )
    unsure = [other for other in others if other.kind is not Parameter.KEYWORD_ONLY]
    if not payloads and unsure:
        raise UsageError(
            f"{who}: should {unsure[0].name!r} get the payload? Then take its default away; "
            "else put it after a `*`"
        )
    for parameter in (*tasks, *payloads):
        if parameter.kind is Parameter.POSITIONAL_ONLY:
            raise UsageError(f"{who}: {parameter.name!r} is passed by name; take the `/` after it away")


def _named(parameters: list[Parameter]) -> str:
    return " and ".join(repr(parameter.name) for parameter in parameters)


def _hint(parameter: Parameter, function: Callable[..., object], who: str) -> object:
    """The parameter's type, names in it looked up where the function was written."""
    if parameter.annotation is Parameter.empty:
        return Any
    plain = _plain(function)
    alone = SimpleNamespace(__annotations__={"it": parameter.annotation})
    try:
        return typing.get_type_hints(
            alone, getattr(plain, "__globals__", {}), _closure(plain), include_extras=True
        )["it"]
    except Exception as error:  # an annotation is an expression of the user's, and may raise anything
        raise UsageError(
            f"{who}({parameter}): the annotation cannot be resolved ({error}). Import or define what it "
            "names at the top of the module, outside of `if TYPE_CHECKING`"
        ) from error


def _plain(function: Any) -> Any:  # noqa: ANN401 - callables come in all shapes
    """The function as it was written, below decorators, bindings and partial arguments."""
    if isinstance(function, partial):
        return _plain(function.func)
    if isinstance(function, MethodType):
        return _plain(function.__func__)
    if hasattr(function, "__wrapped__"):
        return _plain(function.__wrapped__)
    called = getattr(type(function), "__call__", None)  # noqa: B004 - asks what it is, not whether
    return called if isinstance(called, FunctionType) else function


def _closure(plain: object) -> dict[str, object]:
    """What the function sees of the functions around it, as far as it is there yet."""
    if not isinstance(plain, FunctionType):
        return {}
    cells = zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if cell != CellType()}


def _takes(hint: object, task_type: type) -> bool:
    members = _members(hint)
    return task_type in members and all(member in (task_type, NoneType) for member in members)


def _members(hint: object) -> tuple[object, ...]:
    """The types that a union is made of; of another type, itself."""
    if typing.get_origin(hint) is Annotated:
        return _members(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (Union, UnionType):
        return tuple(inner for member in typing.get_args(hint) for inner in _members(member))
    return (hint,)


def _builder(hint: object, where: str) -> tuple[Callable[[bytes], object], bytes]:
    """What makes a payload of a body, and what an empty body stands for."""
    members = _members(hint)
    if members == (bytes,):
        return bytes, b""
    if any(raw in members for raw in (bytes, bytearray, memoryview)):
        raise UsageError(f"{where}: write `bytes` alone for the body as it came, or a type that JSON has")
    validate = getattr(members[0], "model_validate_json", None)
    if len(members) == 1 and callable(validate):
        return validate, b""
    try:
        shape, decoder = type_info(hint), msgspec.json.Decoder(hint)
    except Exception as error:  # whatever a type of the user's raises says the same
        raise UsageError(f"{where}: no payload can be made of this type: {error}") from error
    for unfit in _unfit(shape, set()):
        raise UsageError(f"{where}: {inspect.formatannotation(unfit)} {_remedy(unfit)}")
    return decoder.decode, b"null" if _names_none(shape) else b""


def _unfit(shape: object, seen: set[int]) -> Iterator[type]:
    """The types in `shape` that msgspec would not build, or not in the way that they mean to be."""
    if id(shape) in seen or not isinstance(shape, Type | Field | tuple):
        return
    seen.add(id(shape))
    cls = getattr(shape, "cls", object)
    if hasattr(cls, "__pydantic_validator__") or (isinstance(shape, CustomType) and cls is not object):
        yield cls
    parts = shape if isinstance(shape, tuple) else msgspec.structs.astuple(shape)
    for part in parts:
        yield from _unfit(part, seen)


def _remedy(unfit: type) -> str:
    if hasattr(unfit, "__pydantic_validator__"):
        return "is pydantic's: annotate with one BaseModel, or a RootModel of what stands here"
    return (
        "cannot be made of JSON: write a dataclass, TypedDict or Struct, or take a dict and build it yourself"
    )


def _names_none(shape: Type) -> bool:
    members = getattr(shape, "types", (shape,))
    return any(
        isinstance(member, msgspec.inspect.NoneType)
        or (isinstance(member, LiteralType) and None in member.values)
        for member in members
    )


def _nothing(_body: bytes) -> None:
    return None


def _dump(value: object) -> Raw:
    dump = getattr(type(value), "model_dump_json", None)
    if dump is None:
        raise TypeError(f"JSON has nothing for a {type(value).__qualname__}")
    return Raw(dump(value).encode())


def _reason(error: Exception) -> str:
    errors: Any = getattr(error, "errors", None)
    if type(error).__module__.startswith("pydantic") and errors is not None:
        return "; ".join(_pydantic_lines(errors()))  # its str() shows the input
    if isinstance(error, msgspec.MsgspecError):
        return str(error)
    return "".join(traceback.format_exception_only(error))


def _pydantic_lines(problems: list[dict[str, Any]]) -> Iterator[str]:
    for problem in problems[:5]:
        yield ".".join(map(str, problem["loc"])) + ": " * bool(problem["loc"]) + problem["msg"]
    if problems[5:]:
        yield f"and {len(problems) - 5} more"


def _one_line(text: str) -> str:
    line = " ".join(text[:2000].split())[:500]
    return "".join([char if char.isprintable() else "?" for char in line])
