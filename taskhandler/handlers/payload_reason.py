"""Why a body was refused, in words that repeat nothing of the body.

A validator's message may quote the payload, and the place of an error may have keys of a dict in it. Only
what is known from the payload's type is repeated: kinds of errors, names of fields, indexes of lists.
"""

from __future__ import annotations

import re

import msgspec

from taskhandler.handlers import payload_model
from taskhandler.text import printed

_PLACE = re.compile(r" - at (?:`(key)` in )?`(\$[^`]*)`\Z")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_OF_THE_TYPE = re.compile(r"(?:Expected|Object missing|JSON is malformed)\b.*|[A-Z]\w*(?: [A-Za-z]\w*)*")
"""Messages of msgspec about types and places; else its words before a value (`Invalid enum value 'x'`)."""

_WORDS, _TAIL = 300, 1000
"""Characters at the two ends of msgspec's message that are read: a value within it may be long."""


_OF_THE_BODY = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,  # also what is not Unicode, and pydantic's own
    msgspec.MsgspecError,
)
"""What code raises because of a wrong value."""


def is_of_the_body(error: Exception) -> bool:
    """Whether what building the payload raised says that the body is wrong.

    No `OSError` does, although some are a `ValueError` too, as `ssl.SSLCertVerificationError` is: those
    are looked for within the errors that msgspec and pydantic make of a `ValueError`.
    """
    within = [error, *payload_model.raised_within(error)]
    if isinstance(error, msgspec.MsgspecError):
        within.append(error.__cause__)
    return isinstance(error, _OF_THE_BODY) and not any(isinstance(one, OSError) for one in within)


def reason_of(error: Exception, fields: frozenset[str]) -> str:
    """Why the body was refused.

    Args:
        error: what building the payload raised.
        fields: the names that the payload's type gives to its fields in JSON; no others are shown.
    """
    if payload_model.is_validation_error(error):
        return payload_model.reason_of(error, fields)
    if isinstance(error, UnicodeError):
        return "the body is not valid Unicode"
    if isinstance(error, msgspec.MsgspecError):
        said = printed(error) or ""
        return _words(error, said[:_WORDS]) + _place(said[-_TAIL:], fields)
    if isinstance(error, RecursionError):
        return "the body is nested too deeply"
    return f"{type(error).__name__} in the payload's own code"


def reason_of_raised(error: Exception) -> str | None:
    """Why pydantic or msgspec refused what a handler's own code gave them; None of any other error.

    Their messages would quote it. No field is named, since it is unknown for which type it was.
    """
    if payload_model.is_validation_error(error):
        return payload_model.reason_of(error, frozenset())
    if not isinstance(error, msgspec.DecodeError):
        return None
    said = printed(error) or ""
    return _of_the_type(error, said[:_WORDS]) + _place(said[-_TAIL:], frozenset())


def _words(error: Exception, said: str) -> str:
    return type(error).__name__ if _is_raised_in_python(error) else _of_the_type(error, said)


def _of_the_type(error: Exception, said: str) -> str:
    """The part of msgspec's message that says only what the type says."""
    if error.__cause__ is not None:
        return f"{type(error.__cause__).__name__} in the payload's own code"
    found = _OF_THE_TYPE.match(_PLACE.sub("", said))
    return found[0] if found else type(error).__name__


def _is_raised_in_python(error: Exception) -> bool:
    """Whether the user's code raised it: then there is a frame below the one that caught it."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is not None


def _place(said: str, fields: frozenset[str]) -> str:
    found = _PLACE.search(said)
    if found is None:
        return ""
    steps = [_step(name, index, fields) for name, index in _STEP.findall(found[2])]
    return f" - at {'a key of ' * bool(found[1])}${''.join(steps)}"


def _step(name: str, index: str, fields: frozenset[str]) -> str:
    if index:
        return f"[{index}]"
    return f".{name}" if name in fields else ".*"
