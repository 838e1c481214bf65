"""What a Firestore ledger's URL may say."""

from __future__ import annotations

import pytest

from taskhandler.errors import ConfigError
from taskhandler.ledger.firestore.url import COLLECTION, DATABASE, Place, collection_problem, place_of


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("firestore://", Place(None, DATABASE, COLLECTION)),
        ("firestore:///", Place(None, DATABASE, COLLECTION)),
        ("firestore://shop-1", Place("shop-1", DATABASE, COLLECTION)),
        ("firestore://shop-1/", Place("shop-1", DATABASE, COLLECTION)),
        ("firestore://shop-1/ledger", Place("shop-1", "ledger", COLLECTION)),
        ("firestore://shop-1/ledger/tasks", Place("shop-1", "ledger", "tasks")),
        ("firestore://shop-1/ledger/tasks/", Place("shop-1", "ledger", "tasks")),
        ("firestore://shop-1/(default)/tasks", Place("shop-1", DATABASE, "tasks")),
        ("firestore://shop-1//tasks", Place("shop-1", DATABASE, "tasks")),
        ("firestore:///ledger/tasks", Place(None, "ledger", "tasks")),
        ("firestore:////tasks", Place(None, DATABASE, "tasks")),
        ("firestore://example.com:shop-1/", Place("example.com:shop-1", DATABASE, COLLECTION)),
        ("firestore://shop-1/%28default%29/t%C3%A4sks", Place("shop-1", DATABASE, "täsks")),
        ("firestore://shop-1?warm=1", Place("shop-1", DATABASE, COLLECTION, warm=True)),
        ("firestore://shop-1/ledger?warm=0", Place("shop-1", "ledger", COLLECTION)),
    ],
)
def test_each_part_may_be_left_out(url: str, place: Place):
    assert place_of(url) == place


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
def test_what_cannot_be_is_refused_by_name_and_value(url: str):
    with pytest.raises(ConfigError) as refused:
        place_of(url)
    assert refused.value.key == "TASKHANDLER_LEDGER"
    assert refused.value.value == url
    assert "firestore://[project]/[database]/[collection]" in str(refused.value)


def test_a_collection_has_a_name_that_people_can_see():
    assert [collection_problem(name) for name in ("task_ledger", "Tasks-2", "a.b", "_x_")] == [""] * 4
    assert all(collection_problem(name) for name in ("", ".", "..", "a/b", "__x__", "a\n", "\u200b"))
