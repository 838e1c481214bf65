"""How a handler's return value becomes the JSON that is kept of it."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from taskhandler.text import one_line

RESULT_LIMIT_BYTES = 65536

WHY_LIMIT_CHARACTERS = 500
"""Characters of the reason why a result is not kept."""


class Dropped(Struct, frozen=True):
    """A return value that is not kept. `why`: one line, at most 500 characters."""

    why: str


def encode_result(value: object, *, limit: int = RESULT_LIMIT_BYTES) -> str | Dropped | None:
    """A handler's return value as JSON, at most `limit` bytes of it; None if it returned None.

    NaN becomes null, bytes base64; pydantic models, nested ones too, are written by their `model_dump_json`.
    """
    if value is None:
        return None
    try:
        encoded = msgspec.json.encode(value, enc_hook=_dump)
        text = encoded.decode()
    except Exception as error:  # noqa: BLE001 - properties and serializers are the user's code
        return Dropped(one_line(_describe_error(error), limit=WHY_LIMIT_CHARACTERS))
    if len(encoded) > limit:
        return Dropped(f"it has {len(encoded)} bytes as JSON, more than {limit}")
    return text


class _ForeignTypeError(TypeError):
    """JSON cannot represent a value of this type."""


def _dump(value: object) -> Raw:
    dump = getattr(type(value), "model_dump_json", None)
    if dump is None:
        raise _ForeignTypeError(f"JSON cannot represent a {type(value).__qualname__}")
    return Raw(dump(value, warnings=False).encode())  # warnings would quote the value


def _describe_error(error: Exception) -> str:
    """What went wrong, without words that may quote the value."""
    if isinstance(error, _ForeignTypeError):
        return f"TypeError: {error}"
    return f"{type(error).__name__} was raised while it was encoded as JSON"
