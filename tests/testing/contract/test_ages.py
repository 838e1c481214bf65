"""Which storages `taskhandler.testing.contract.ages` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("PagesShowNoAge", "test_a_page_and_a_scan_show_the_age_too"),
    ("AgesAreByTheWallClock", "test_a_wall_clock_that_is_set_forward_or_back_changes_no_age"),
    ("NothingGrowsOlder", "test_a_record_grows_older_until_it_is_written_again"),
    ("RecordsLookOlder", "test_a_record_never_looks_older_than_it_is"),
    ("TimesForPeopleAreSinceTheStart", "test_times_for_people_are_left_out_or_near_the_present"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
