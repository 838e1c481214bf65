"""What became of a failed commit is told by its code, and every code is told apart."""

from __future__ import annotations

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest

from taskhandler.ledger.firestore.status import Fate, fate_of_create, fate_of_replace, remedy
from taskhandler.ledger.firestore.transport import Failure

UNKNOWN = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "CANCELLED", "DATA_LOSS"]
DOWN = ["ABORTED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNIMPLEMENTED"]
USERS = ["ALREADY_EXISTS", "FAILED_PRECONDITION", "INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE"]


def fates(code: str) -> tuple[Fate, Fate, Fate]:
    failure = Failure(code, "")
    return (
        fate_of_create(failure),
        fate_of_replace(failure, batch=False),
        fate_of_replace(failure, batch=True),
    )


@pytest.mark.parametrize("code", UNKNOWN)
def test_what_may_have_been_written_is_not_said_to_be_lost(code: str):
    assert fates(code) == (Fate.UNKNOWN, Fate.UNKNOWN, Fate.UNKNOWN)


@pytest.mark.parametrize("code", DOWN)
def test_a_contended_or_forbidden_commit_is_no_duplicate(code: str):
    assert fates(code) == (Fate.DOWN, Fate.DOWN, Fate.DOWN)


@pytest.mark.parametrize("code", USERS)
def test_what_a_users_batch_may_have_caused_is_not_told_by_the_code_alone(code: str):
    assert fate_of_replace(Failure(code, ""), batch=True) is Fate.REFUSED


def test_a_record_that_is_there_is_the_only_reason_not_to_create_it():
    changed = [code for code in (*UNKNOWN, *DOWN, *USERS) if fates(code)[0] is Fate.CHANGED]
    assert changed == ["ALREADY_EXISTS"]


def test_a_record_that_changed_or_is_gone_is_not_replaced():
    changed = [code for code in (*UNKNOWN, *DOWN, *USERS) if fates(code)[1] is Fate.CHANGED]
    assert changed == ["FAILED_PRECONDITION", "NOT_FOUND"]


def test_every_code_there_is_has_a_fate_and_a_remedy():
    assert {code.name for code in grpc.StatusCode} == {*UNKNOWN, *DOWN, *USERS, "OK"}
    assert all(remedy(Failure(code.name, "")) for code in grpc.StatusCode)


def test_a_code_that_nobody_knows_yet_is_an_unknown_fate():
    assert fates("SOMETHING_NEW") == (Fate.UNKNOWN, Fate.UNKNOWN, Fate.UNKNOWN)
