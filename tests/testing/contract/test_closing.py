"""Which storages `taskhandler.testing.contract.closing` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("ClosedForEver", "test_a_closed_storage_opens_again_when_it_is_used"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
