"""Which storages `taskhandler.testing.contract.threads` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("ThreadsCheckAndThenWrite", "test_of_many_simultaneous_creates_of_a_record_one_is_written"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
