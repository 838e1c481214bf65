"""Which storages `taskhandler.testing.contract.dead_letters` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("AnEmptyBodyReplacesNone", "test_a_body_is_replaced_by_an_empty_one"),
    ("ReplaceLosesTheBody", "test_a_body_stays_when_its_record_is_replaced_without_one"),
    ("StaleWritesLeaveTheirBody", "test_the_body_of_a_stale_write_is_not_kept"),
    ("BodiesAreCutOff", "test_the_largest_body_fits_however_little_it_can_be_compressed"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
