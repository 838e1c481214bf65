"""Encodes a payload as the body of a task, which the handler must read as the same value."""

from __future__ import annotations

from functools import partial

import msgspec
from msgspec import Raw, Struct

from taskhandler.enqueue.changes import find_first_change
from taskhandler.errors import UsageError
from taskhandler.handlers.payload import RAW, PayloadError
from taskhandler.handlers.signature import Signature

LIMIT_BYTES = 1 << 20
"""The largest task that Cloud Tasks accepts (quotas: 1 MiB)."""

JSON = "application/json"


class Body(Struct, frozen=True):
    """A task's body; `content_type` is empty where there is no body."""

    content: bytes
    content_type: str


def encode_body(payload: object, signature: Signature, *, limit: int) -> Body:
    """The body of a task whose handler should get `payload`; at most `limit` bytes long.

    Raises:
        UsageError: the handler could not read it, or JSON would change it. The message does not
            show the payload.
    """
    body = _encode(payload, signature)
    _check_length(body, limit)
    if signature.payload is None or signature.type.binary:
        return body
    problem = _find_problem(payload, body.content, signature)
    if problem is None:
        return body
    by_name = Body(_encode_json(payload, by_alias=False), JSON)
    if by_name == body or _find_problem(payload, by_name.content, signature) is not None:
        raise UsageError(problem)
    _check_length(by_name, limit)
    return by_name


def _check_length(body: Body, limit: int) -> None:
    most = min(limit, LIMIT_BYTES)
    if len(body.content) > most:
        problem = f"the payload has {len(body.content)} bytes; at most {most} can be sent and read"
        raise UsageError(
            f"{problem}. Send a reference instead, such as the name of a file or the key of a row"
        )


def _encode(payload: object, signature: Signature) -> Body:
    if signature.payload is None:
        if payload is not None:
            raise UsageError(
                "the handler takes no payload. Add a parameter for the payload, or enqueue without one"
            )
        return Body(b"", "")
    if signature.type.binary:
        if not isinstance(payload, RAW):
            raise UsageError(
                f"the handler takes bytes, not {type(payload).__name__}. Encode it as the handler decodes it"
            )
        return Body(bytes(payload), "application/octet-stream")
    if isinstance(payload, RAW):
        raise UsageError(
            f"the handler takes JSON for {signature.type.annotation}, not {type(payload).__name__}. "
            "Pass the value itself, or annotate the handler's payload with bytes"
        )
    return Body(_encode_json(payload, by_alias=True), JSON)


def _encode_json(payload: object, *, by_alias: bool) -> bytes:
    try:
        return msgspec.json.encode(payload, enc_hook=partial(_dump, by_alias=by_alias))
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - properties and serializers are the user's code
        why = str(error) if isinstance(error, _ForeignTypeError) else _WHY.get(type(error), "")
        why = why or f"{type(error).__name__} was raised while it was encoded"
    raise UsageError(f"a payload of type {type(payload).__name__} cannot be encoded as JSON: {why}")


_WHY: dict[type[Exception], str] = {
    UnicodeEncodeError: "it has text with lone surrogates",
    RecursionError: "it contains itself, or is nested too deeply",
}


class _ForeignTypeError(TypeError):
    """JSON cannot represent a value of this type."""


def _dump(value: object, *, by_alias: bool) -> Raw:
    dump = getattr(type(value), "model_dump_json", None)
    if dump is None:
        raise _ForeignTypeError(f"JSON cannot represent type {type(value).__qualname__}")
    # Its warnings would quote the payload.
    return Raw(dump(value, by_alias=by_alias, round_trip=True, warnings=False).encode())


def _find_problem(payload: object, content: bytes, signature: Signature) -> str | None:
    """Why the handler would not read in this body what the payload says; None if it would."""
    read = signature.type.read(content)
    change = _find_change(payload, content, read, signature)
    if isinstance(read, PayloadError):
        if payload is None:
            return f"the handler takes {signature.type.annotation}: pass a payload to enqueue()"
        problem = (
            f"the handler takes {signature.type.annotation} and could not read this {type(payload).__name__}"
        )
        return f"{problem}: {read.reason}" + (f" ({change})" if change else "")
    if change is not None:
        return f"{change}. Convert it, or annotate the handler's payload with a type that holds it"
    return None


def _find_change(payload: object, content: bytes, read: object, signature: Signature) -> str | None:
    try:
        json = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "a msgspec.Raw in it, or one of its serializers, gave something that is not JSON"
    try:
        return find_first_change(payload, json, read, fields=signature.type.fields)
    except RecursionError:
        return "it is nested too deeply"
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - properties and comparisons are the user's code
        return f"{type(error).__name__} was raised while it was compared with what would arrive"
