"""Which storages `taskhandler.testing.contract.records` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("RoundsAreLost", "test_every_value_of_a_field_is_read_as_it_was_written"),
    ("ATextIsStripped", "test_every_value_of_a_field_is_read_as_it_was_written"),
    ("FieldsOfNewerVersionsAreLost", "test_fields_of_a_newer_version_are_read_and_written_back"),
    ("TheOldestReaderIsIgnored", "test_a_record_that_only_a_newer_version_may_act_on_is_unavailable"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
