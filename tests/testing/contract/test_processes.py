"""Which storages `taskhandler.testing.contract.processes` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("BodiesAreInOneProcess", "test_another_storage_of_the_ledger_shows_at_once_what_was_written"),
    ("ReadsAreCached", "test_another_storage_of_the_ledger_shows_at_once_what_was_written"),
    ("ProcessesAreApart", "test_processes_create_each_record_once_and_lose_no_amendment"),
    ("WritersWaitForEver", "test_a_stopped_process_delays_no_call_beyond_its_limit"),
    ("AnswersComeBeforeTheWrite", "test_a_write_that_was_answered_before_its_process_was_killed_is_kept"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG, control="TableStorage") == WRONG
