"""Which storages `taskhandler.testing.contract.keys` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("KeysAreFolded", "test_keys_that_are_only_alike_are_different_rows"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
