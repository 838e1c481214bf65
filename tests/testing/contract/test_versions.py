"""Which storages `taskhandler.testing.contract.versions` fails."""

from __future__ import annotations

from tests.testing.contract_failures import failures

WRONG = {
    ("VersionIsAByte", "test_versions_of_many_writes_are_all_different"),
    ("VersionIsAHashOfTheContent", "test_a_version_is_not_used_again_when_the_content_is_as_it_was"),
    ("VersionIsATimeInSeconds", "test_versions_of_many_writes_are_all_different"),
}


def test_each_wrong_storage_fails_the_test_of_what_it_breaks_and_the_right_one_none():
    assert failures(WRONG) == WRONG
