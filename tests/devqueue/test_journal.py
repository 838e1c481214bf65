"""The journal."""

from __future__ import annotations

from taskhandler.devqueue.journal import Entry, Journal


def test_attempts_returns_entries_in_order_for_one_task_or_all():
    journal = Journal()
    for task in ("a", "b", "a"):
        journal.write(Entry("q", task, 0, "delivery", (), 1.0))
    journal.count("completed")
    assert [entry["task"] for entry in journal.attempts()] == ["a", "b", "a"]
    assert len(journal.attempts("a")) == 2
    assert journal.sums() == {"delivery": 3, "completed": 1}


def test_a_full_journal_drops_its_oldest_entries():
    journal = Journal(kept=50)
    for number in range(51):
        journal.write(Entry("q", "t", number, "delivery", (), 1.0))
    kept = journal.attempts()
    assert (len(kept), kept[0]["number"]) == (50, 1)
    assert journal.sums() == {"delivery": 51}
