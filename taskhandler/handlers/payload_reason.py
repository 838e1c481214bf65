"""Why a body was refused, in words that repeat nothing of the body.

A validator's message may quote the payload, and the place of an error may have keys of a dict in it. Only
what is known from the payload's type is repeated: kinds of errors, names of fields, indexes of lists.
"""

from __future__ import annotations

import re

import msgspec

from taskhandler.handlers import payload_model
from taskhandler.text import try_str

_PLACE = re.compile(r" - at (?:`(key)` in )?`(\$[^`]*)`\Z")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")
_KNOWN_WORDS = re.compile(r"(?:Expected|Object missing|JSON is malformed)\b.*|[A-Z]\w*(?: [A-Za-z]\w*)*")
"""Messages of msgspec about types and places; else its words before a value (`Invalid enum value 'x'`)."""

_HEAD_CHARACTERS, _TAIL_CHARACTERS = 300, 1000
"""Characters at the two ends of msgspec's message that are read: a value within it may be long."""


_FAULTS_OF_BODY = (
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


def is_fault_of_body(error: Exception) -> bool:
    """Whether what building the payload raised says that the body is wrong.

    No `OSError` does, although some are a `ValueError` too, as `ssl.SSLCertVerificationError` is: those
    are looked for within the errors that msgspec and pydantic make of a `ValueError`.
    """
    within = [error, *payload_model.find_raised(error)]
    if isinstance(error, msgspec.MsgspecError):
        within.append(error.__cause__)
    return isinstance(error, _FAULTS_OF_BODY) and not any(isinstance(one, OSError) for one in within)


def describe_error(error: Exception, fields: frozenset[str]) -> str:
    """Why the body was refused.

    Args:
        error: what building the payload raised.
        fields: the names that the payload's type gives to its fields in JSON; no others are shown.
    """
    if payload_model.is_validation_error(error):
        return payload_model.describe_errors(error, fields)
    if isinstance(error, UnicodeError):
        return "the body is not valid Unicode"
    if isinstance(error, msgspec.MsgspecError):
        said = try_str(error) or ""
        return _describe_kind(error, said[:_HEAD_CHARACTERS]) + _describe_place(
            said[-_TAIL_CHARACTERS:], fields
        )
    if isinstance(error, RecursionError):
        return "the body is nested too deeply"
    return f"{type(error).__name__} in the payload's own code"


def describe_raised(error: Exception) -> str | None:
    """Why pydantic or msgspec refused what a handler's own code gave them; None of any other error.

    Their messages would quote it. No field is named, since it is unknown for which type it was.
    """
    if payload_model.is_validation_error(error):
        return payload_model.describe_errors(error, frozenset())
    if not isinstance(error, msgspec.DecodeError):
        return None
    said = try_str(error) or ""
    return _keep_known_words(error, said[:_HEAD_CHARACTERS]) + _describe_place(
        said[-_TAIL_CHARACTERS:], frozenset()
    )


def _describe_kind(error: Exception, said: str) -> str:
    return type(error).__name__ if _is_raised_in_python(error) else _keep_known_words(error, said)


def _keep_known_words(error: Exception, said: str) -> str:
    """The part of msgspec's message that says only what the type says."""
    if error.__cause__ is not None:
        return f"{type(error.__cause__).__name__} in the payload's own code"
    found = _KNOWN_WORDS.match(_PLACE.sub("", said))
    return found[0] if found else type(error).__name__


def _is_raised_in_python(error: Exception) -> bool:
    """Whether the user's code raised it: then there is a frame below the one that caught it."""
    return error.__traceback__ is not None and error.__traceback__.tb_next is not None


def _describe_place(said: str, fields: frozenset[str]) -> str:
    found = _PLACE.search(said)
    if found is None:
        return ""
    steps = [_describe_step(name, index, fields) for name, index in _STEP.findall(found[2])]
    return f" - at {'a key of ' * bool(found[1])}${''.join(steps)}"


def _describe_step(name: str, index: str, fields: frozenset[str]) -> str:
    if index:
        return f"[{index}]"
    return f".{name}" if name in fields else ".*"
