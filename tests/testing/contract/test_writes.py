"""Which storages `taskhandler.testing.contract.writes` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("CreateOverwrites", "test_a_second_create_is_stale_and_changes_nothing"),
    ("ReplaceIgnoresTheVersion", "test_a_replacement_at_an_old_version_is_stale_and_changes_nothing"),
    ("ReplaceCreates", "test_a_replacement_of_a_record_that_is_not_there_is_stale"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
