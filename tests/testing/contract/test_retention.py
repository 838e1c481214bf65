"""Which storages `taskhandler.testing.contract.retention` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("ExpiredEndsAreHidden", "test_an_end_that_has_expired_makes_room_for_a_first_record"),
    ("EveryRecordExpires", "test_a_record_that_has_not_ended_stays_for_longer_than_its_retention"),
    ("RetentionBeginsAtTheCreation", "test_the_retention_begins_when_the_end_is_written"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
