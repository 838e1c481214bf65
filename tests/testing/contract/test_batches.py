"""Which storages `taskhandler.testing.contract.batches` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("PartOfABatchCommits", "test_a_batch_with_one_write_that_the_storage_does_not_know_is_refused_whole"),
    ("WritesAreDropped", "test_writes_that_the_storage_does_not_know_are_refused_and_nothing_is_written"),
    ("BatchesAreForgotten", "test_a_batch_commits_with_its_record"),
    ("BatchesCommitApart", "test_the_batch_of_a_stale_write_does_not_commit"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
