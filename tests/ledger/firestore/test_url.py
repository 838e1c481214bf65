"""What a Firestore ledger's URL may say."""

from __future__ import annotations

import pytest

from taskhandler.errors import ConfigError
from taskhandler.ledger.firestore.url import (
    COLLECTION,
    DATABASE,
    FirestoreUrl,
    find_collection_problem,
    parse_url,
)


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("firestore://", FirestoreUrl(None, DATABASE, COLLECTION)),
        ("firestore:///", FirestoreUrl(None, DATABASE, COLLECTION)),
        ("firestore://shop-1", FirestoreUrl("shop-1", DATABASE, COLLECTION)),
        ("firestore://shop-1/", FirestoreUrl("shop-1", DATABASE, COLLECTION)),
        ("firestore://shop-1/ledger", FirestoreUrl("shop-1", "ledger", COLLECTION)),
        ("firestore://shop-1/ledger/tasks", FirestoreUrl("shop-1", "ledger", "tasks")),
        ("firestore://shop-1/ledger/tasks/", FirestoreUrl("shop-1", "ledger", "tasks")),
        ("firestore://shop-1/(default)/tasks", FirestoreUrl("shop-1", DATABASE, "tasks")),
        ("firestore://shop-1//tasks", FirestoreUrl("shop-1", DATABASE, "tasks")),
        ("firestore:///ledger/tasks", FirestoreUrl(None, "ledger", "tasks")),
        ("firestore:////tasks", FirestoreUrl(None, DATABASE, "tasks")),
        ("firestore://example.com:shop-1/", FirestoreUrl("example.com:shop-1", DATABASE, COLLECTION)),
        ("firestore://shop-1/%28default%29/t%C3%A4sks", FirestoreUrl("shop-1", DATABASE, "täsks")),
        ("firestore://shop-1?warm=1", FirestoreUrl("shop-1", DATABASE, COLLECTION, warm=True)),
        ("firestore://shop-1/ledger?warm=0", FirestoreUrl("shop-1", "ledger", COLLECTION)),
    ],
)
def test_parts_of_a_url_that_are_left_out_have_defaults(url: str, parsed: FirestoreUrl):
    assert parse_url(url) == parsed


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///ledger",
        "firestore:ledger",
        "firestore://Shop/",
        "firestore://shop 1/",
        "firestore://shop-1/Ledger",
        "firestore://shop-1/led",
        "firestore://shop-1/ledger-",
        "firestore://shop-1/default)",
        "firestore://shop-1/ledger/tasks/more",
        "firestore://shop-1/ledger//more",
        "firestore://shop-1/ledger/a%2Fb",
        "firestore://shop-1/ledger/..",
        "firestore://shop-1/ledger/__tasks__",
        "firestore://shop-1/ledger/a%00b",
        f"firestore://shop-1/ledger/{'x' * 1500}",
        "firestore://shop-1/ledger/tasks#here",
        "firestore://shop-1?warm=yes",
        "firestore://shop-1?warm=1&warm=1",
        "firestore://shop-1?hot=1",
    ],
)
def test_a_url_that_is_wrong_is_refused_with_setting_and_value(url: str):
    with pytest.raises(ConfigError) as refused:
        parse_url(url)
    assert refused.value.key == "TASKHANDLER_LEDGER"
    assert refused.value.value == url
    assert "firestore://[project]/[database]/[collection]" in str(refused.value)


def test_a_collection_with_an_invalid_name_is_refused():
    assert [find_collection_problem(name) for name in ("task_ledger", "Tasks-2", "a.b", "_x_")] == [""] * 4
    assert all(find_collection_problem(name) for name in ("", ".", "..", "a/b", "__x__", "a\n", "\u200b"))
