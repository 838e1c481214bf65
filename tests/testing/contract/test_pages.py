"""Which storages `taskhandler.testing.contract.pages` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("OneStateIsListed", "test_records_of_several_states_are_each_on_one_page"),
    ("LargePagesEndEarly", "test_a_scan_and_large_pages_show_every_record_once"),
    ("TheFirstHandlerStaysListed", "test_a_record_whose_handler_changed_is_listed_for_the_new_one"),
    ("PagesAreAtAnOffset", "test_a_record_that_stays_is_on_one_page_although_others_leave_and_come"),
    ("PagesRepeatTheirLastEntry", "test_pages_have_each_record_once_in_the_order_of_ids"),
    ("PagesAreNotInOrder", "test_pages_have_each_record_once_in_the_order_of_ids"),
    ("CompletedRecordsAreListed", "test_a_record_is_listed_as_its_state_and_as_nothing_else"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
