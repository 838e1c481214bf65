"""What a handler's return or error means for its task."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, cast

import msgspec
import pydantic
import pytest

from taskhandler.delivery.attempt import (
    REASON_LIMIT_CHARACTERS,
    AttemptBudget,
    Ending,
    end_at_checkpoint,
    end_attempt,
    end_with_error,
    end_with_exit,
    end_with_invalid_payload,
    end_with_refusal,
    end_with_value,
)
from taskhandler.errors import Interrupted, RateLimited, Reject, Retry, Steering, UsageError
from taskhandler.handlers.call import Raised, Returned
from taskhandler.handlers.payload import PayloadCodeError, PayloadError
from taskhandler.lifecycle.verdict import Completed, Drained, Failed, Rejected

BUDGET = AttemptBudget(last=False, max_attempts=3)
LAST = AttemptBudget(last=True, max_attempts=None)


@pytest.mark.parametrize(("value", "kept"), [(None, None), ({"a": 1}, '{"a":1}'), ("ü", '"ü"'), (0, "0")])
def test_a_returned_value_completes_the_task(value: object, kept: str | None):
    assert end_with_value(value) == Ending(Completed(kept))


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (object(), "the result is not kept: TypeError: "),
        (lambda: 1, "the result is not kept: "),
        ("a" * 65536, "the result is not kept: it has 65538 bytes as JSON, more than 65536"),
        ({(1, 2): 3}, "the result is not kept: "),
        ("\ud800", "the result is not kept: "),
    ],
)
def test_a_result_that_json_cannot_hold_completes_the_task_with_a_warning(value: object, why: str):
    ending = end_with_value(value)
    assert ending.disposition == Completed(None)
    assert ending.warning.startswith(why)
    assert (ending.reason, ending.error) == ("", None)


def test_reject_becomes_a_rejection_with_its_reason():
    error = Reject("nothing to charge")
    assert end_with_error(error, BUDGET) == Ending(Rejected("nothing to charge"), error)
    assert end_with_error(Reject(), LAST).disposition == Rejected("rejected")


@pytest.mark.parametrize("budget", [BUDGET, LAST])
def test_retry_becomes_a_failure_with_its_delay(budget: AttemptBudget):
    error = Retry("bank is closed", after=30)
    failed = Failed("bank is closed", last=budget.last, max_attempts=budget.max_attempts)
    assert end_with_error(error, budget) == Ending(failed, error, after=30)


def test_rate_limited_fails_the_attempt_and_marks_it_as_limited():
    error = RateLimited(after=60)
    reason = "the handler raised it (RateLimited)"
    assert end_with_error(error, BUDGET) == Ending(
        Failed(reason, max_attempts=3), error, after=60, limited=True
    )
    assert end_with_error(Retry(), BUDGET).reason == "the handler raised it (Retry)"


@pytest.mark.parametrize("error", [KeyError("order"), Steering("?")])
def test_any_other_error_of_a_handler_is_a_failure(error: Exception):
    ending = end_with_error(error, BUDGET)
    reason = f"{type(error).__name__}: {error}"
    assert ending == Ending(Failed(reason, last=False, max_attempts=3), error)


class NoMoney(Reject):
    """A subclass that does not call our constructor."""

    def __init__(self, order: int) -> None:
        self.order = order


class Busy(Retry):
    """The same."""

    def __init__(self) -> None:
        self.line = 5


def test_a_subclass_of_retry_or_reject_is_handled_as_its_base():
    assert end_with_error(NoMoney(5), BUDGET).disposition == Rejected("rejected")
    assert end_with_error(Busy(), BUDGET).after is None


@pytest.mark.parametrize("reason", [ValueError("no card"), "no card"])
def test_an_exception_as_the_reason_of_reject_or_retry_is_written_as_text(reason: str):
    assert end_with_error(Reject(reason), BUDGET).disposition == Rejected("no card")
    assert end_with_error(Retry(reason), BUDGET).disposition == Failed("no card", max_attempts=3)


class Unprintable(Exception):  # noqa: N818 - it is what it is
    """An error that cannot say what it is."""

    def __init__(self, words: object = "") -> None:
        super().__init__()
        self.words = words

    def __str__(self) -> str:
        if isinstance(self.words, Exception):
            raise self.words
        return self.words  # type: ignore[return-value]  # what is being tried


@pytest.mark.parametrize("words", [RuntimeError("no"), RecursionError(), 5, None])
def test_an_error_that_cannot_be_printed_fails_the_attempt(words: object):
    reason = "Unprintable: (it cannot be printed)"
    assert end_with_error(Unprintable(words), BUDGET).reason == reason
    rejected = Reject(Unprintable(words))  # type: ignore[arg-type]  # users do
    assert end_with_error(rejected, BUDGET).disposition == Rejected("(it cannot be printed)")


@pytest.mark.parametrize("error", [ValueError("a\ud800b"), Reject("a\ud800b"), Retry("a\ud800b")])
def test_a_surrogate_in_a_reason_is_replaced(error: Exception):
    assert end_with_error(error, BUDGET).reason.rpartition(" ")[2] == "a?b"
    assert (
        end_with_invalid_payload(PayloadError("a\ud800b"), BUDGET, on_invalid="reject").reason
        == "invalid payload: a?b"
    )


@pytest.mark.parametrize("error", [ValueError, Reject, Retry, RateLimited])
def test_a_long_reason_is_cut(error: type[Exception]):
    ending = end_with_error(error("x" * 5_000_000), BUDGET)
    assert (len(ending.reason), ending.reason[-2:]) == (REASON_LIMIT_CHARACTERS, "x…")
    assert isinstance(ending.disposition, Failed | Rejected)
    assert ending.disposition.reason == ending.reason


def test_a_reason_of_the_longest_length_is_kept_whole():
    assert (
        end_with_error(Reject("x" * REASON_LIMIT_CHARACTERS), BUDGET).reason == "x" * REASON_LIMIT_CHARACTERS
    )
    assert (
        end_with_error(Reject("x" * (REASON_LIMIT_CHARACTERS + 1)), BUDGET).reason
        == "x" * (REASON_LIMIT_CHARACTERS - 1) + "…"
    )
    assert REASON_LIMIT_CHARACTERS == 1000


def test_an_invalid_payload_is_rejected_or_retried_as_on_invalid_says():
    error = PayloadError("Expected `int`")
    reason = "invalid payload: Expected `int`"
    assert end_with_invalid_payload(error, LAST, on_invalid="reject") == Ending(Rejected(reason), error)
    failed = Failed(reason, last=True, max_attempts=None)
    assert end_with_invalid_payload(error, LAST, on_invalid="retry") == Ending(failed, error)


@pytest.mark.parametrize("on_invalid", ["reject", "retry"])
def test_a_payload_whose_own_code_failed_fails_the_attempt_and_is_not_rejected(on_invalid: str):
    error = PayloadCodeError("TimeoutError in the payload's own code")
    failed = Failed(error.reason, last=True, max_attempts=None)
    assert end_with_invalid_payload(error, LAST, on_invalid=on_invalid) == Ending(failed, error)
    assert not end_with_invalid_payload(error, LAST, on_invalid=on_invalid).is_error


@pytest.mark.parametrize("budget", [BUDGET, LAST])
def test_a_drained_attempt_is_not_charged(budget: AttemptBudget):
    drained = Ending(Drained(last=budget.last))
    assert drained.reason == "drained"
    assert end_at_checkpoint(Interrupted("draining"), budget) == drained
    for quiet in (SystemExit(), SystemExit(0), KeyboardInterrupt()):
        assert end_with_exit(quiet, budget, draining=True) == drained


@pytest.mark.parametrize("why", ["fenced", "out of time"])
def test_an_interruption_for_another_reason_than_draining_is_a_failure(why: str):
    reason = f"stopped at a checkpoint: {why}"
    assert end_at_checkpoint(Interrupted(why), LAST) == Ending(Failed(reason, last=True))


def test_a_reason_of_interrupted_is_cut_and_made_encodable():
    assert end_at_checkpoint(Interrupted("\ud800" * 2000), BUDGET).reason.encode()[-4:] == "?…".encode()


def test_a_time_out_is_charged_although_the_worker_is_stopping():
    ending = end_with_exit(SystemExit(1), BUDGET, draining=True)
    assert ending.disposition == Failed("SystemExit stopped the worker", max_attempts=3)


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_an_attempt_whose_worker_ends_is_a_failure(error: BaseException):
    reason = f"{type(error).__name__} stopped the worker"
    assert end_with_exit(error, BUDGET, draining=False) == Ending(Failed(reason, max_attempts=3))


def test_a_completion_that_the_storage_refuses_fails_the_attempt():
    ending = end_with_refusal("the batch names another database" * 100, BUDGET)
    assert ending.reason.startswith("the ledger refused the completion: the batch names another database")
    assert ending.disposition == Failed(ending.reason, max_attempts=3)
    assert len(ending.reason) == REASON_LIMIT_CHARACTERS
    assert ending.is_error
    assert str(ending.error) == ending.reason


@pytest.mark.parametrize("error", [ValueError(), KeyError("a"), UsageError("nothing has run")])
def test_an_error_of_the_handler_is_raised_to_the_app(error: Exception):
    assert end_with_error(error, BUDGET).is_error


@pytest.mark.parametrize("error", [Retry(), RateLimited(), Reject("no")])
def test_retry_reject_and_invalid_payloads_are_not_raised_to_the_app(error: Exception):
    assert not end_with_error(error, BUDGET).is_error
    assert not end_with_invalid_payload(PayloadError("no"), BUDGET, on_invalid="retry").is_error
    assert not end_with_value(1).is_error
    assert not end_at_checkpoint(Interrupted("fenced"), BUDGET).is_error


@pytest.mark.parametrize("kind", [ValueError, Reject, Retry, RateLimited])
def test_a_reason_cannot_forge_a_line(kind: type[Exception]):
    reason = end_with_error(kind("no such order A7\n2026-01-01 ERROR \x1b[2Jforged"), BUDGET).reason
    assert reason.endswith("no such order A7 2026-01-01 ERROR ?[2Jforged")
    assert reason.isprintable()


class Card(pydantic.BaseModel):
    number: int


class Line(msgspec.Struct):
    colour: Literal["red"]


def refusal_of(check: Callable[[object], object], given: object) -> Exception:
    with pytest.raises(ValueError, match="secret") as refused:
        check(given)
    return refused.value


PYDANTIC = refusal_of(Card.model_validate, {"number": "4000-secret"})
MSGSPEC = refusal_of(partial(msgspec.convert, type=Line), {"colour": "4000-secret"})


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PYDANTIC, "ValidationError: *: int_parsing"),
        (MSGSPEC, "ValidationError: Invalid enum value - at $.*"),
        (Retry(cast("str", PYDANTIC)), "*: int_parsing"),
        (RateLimited(cast("str", PYDANTIC)), "*: int_parsing"),
        (Reject(cast("str", MSGSPEC)), "Invalid enum value - at $.*"),
    ],
)
def test_a_value_that_the_handlers_own_validation_refuses_is_not_in_the_reason(error: Exception, reason: str):
    assert end_with_error(error, AttemptBudget(last=False, max_attempts=None)).reason == reason


def test_what_a_handler_returned_raised_or_stopped_for_is_its_ending():
    error = ValueError("no")
    assert end_attempt(Returned(1), BUDGET) == end_with_value(1)
    assert end_attempt(Raised(error), BUDGET) == end_with_error(error, BUDGET)
    assert end_attempt(Raised(Interrupted("draining")), BUDGET) == Ending(Drained(last=False))


def test_only_an_error_of_the_handlers_keeps_its_traceback():
    for error, is_kept in ((ValueError("no"), True), (Retry("later"), False)):
        try:
            raise error
        except (ValueError, Retry):
            end_attempt(Raised(error), BUDGET)
        assert (error.__traceback__ is not None) is is_kept
