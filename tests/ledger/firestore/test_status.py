"""What a failed commit came to, for every code of gRPC."""

from __future__ import annotations

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest

from taskhandler.ledger.firestore.status import (
    CommitStatus,
    classify_create,
    classify_replace,
    suggest_list_remedy,
    suggest_remedy,
)
from taskhandler.ledger.firestore.transport import Failure

UNKNOWN = ["UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "UNKNOWN", "CANCELLED", "DATA_LOSS"]
UNAVAILABLE = ["ABORTED", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNIMPLEMENTED"]
USERS = ["ALREADY_EXISTS", "FAILED_PRECONDITION", "INVALID_ARGUMENT", "NOT_FOUND", "OUT_OF_RANGE"]


def statuses(code: str) -> tuple[CommitStatus, CommitStatus, CommitStatus]:
    failure = Failure(code, "")
    return (
        classify_create(failure),
        classify_replace(failure, batch=False),
        classify_replace(failure, batch=True),
    )


@pytest.mark.parametrize("code", UNKNOWN)
def test_an_ambiguous_code_is_an_unknown_status(code: str):
    assert statuses(code) == (CommitStatus.UNKNOWN, CommitStatus.UNKNOWN, CommitStatus.UNKNOWN)


@pytest.mark.parametrize("code", UNAVAILABLE)
def test_a_contended_or_forbidden_commit_is_unavailable(code: str):
    assert statuses(code) == (CommitStatus.UNAVAILABLE, CommitStatus.UNAVAILABLE, CommitStatus.UNAVAILABLE)


@pytest.mark.parametrize("code", USERS)
def test_a_code_that_a_users_batch_may_have_caused_is_a_refusal(code: str):
    assert classify_replace(Failure(code, ""), batch=True) is CommitStatus.REFUSED


def test_only_already_exists_makes_a_create_stale():
    changed = [code for code in (*UNKNOWN, *UNAVAILABLE, *USERS) if statuses(code)[0] is CommitStatus.CHANGED]
    assert changed == ["ALREADY_EXISTS"]


def test_only_a_failed_precondition_or_a_missing_document_makes_a_replace_stale():
    changed = [code for code in (*UNKNOWN, *UNAVAILABLE, *USERS) if statuses(code)[1] is CommitStatus.CHANGED]
    assert changed == ["FAILED_PRECONDITION", "NOT_FOUND"]


def test_every_code_of_grpc_has_a_status_and_a_remedy():
    assert {code.name for code in grpc.StatusCode} == {*UNKNOWN, *UNAVAILABLE, *USERS, "OK"}
    assert all(suggest_remedy(Failure(code.name, "")) for code in grpc.StatusCode)
    assert all(suggest_list_remedy(Failure(code.name, "")) for code in grpc.StatusCode)


def test_a_code_that_grpc_does_not_have_yet_is_an_unknown_status():
    assert statuses("SOMETHING_NEW") == (CommitStatus.UNKNOWN, CommitStatus.UNKNOWN, CommitStatus.UNKNOWN)
