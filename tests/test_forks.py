"""What registers has its hooks called before a fork and afterwards on either side, while it lives."""

from __future__ import annotations

import gc

import pytest

from taskhandler import forks
from tests.ledger.programs.start import output_of


@pytest.fixture(scope="module")
def called() -> list[str]:
    return output_of("fork_hooks").splitlines()


def test_parent_and_child_are_called_around_a_fork(called: list[str]):
    assert "kept: before, parent" in called
    assert "kept: before, child" in called


def test_a_method_is_called_in_the_child_only(called: list[str]):
    assert called.count("method: anew") == 1


def test_what_registers_during_a_fork_is_called_in_the_child_and_not_in_the_parent(
    called: list[str],
):
    assert [line for line in called if line.startswith("late")] == ["late: child"]


def test_the_fork_registry_keeps_nothing_alive(called: list[str]):
    assert not [line for line in called if "dropped" in line]


class Registered:
    def __init__(self) -> None:
        forks.notify_of_forks(self)
        forks.call_in_child(self.after_fork_in_child)

    def before_fork(self) -> None: ...

    def after_fork_in_parent(self) -> None: ...

    def after_fork_in_child(self) -> None: ...


def test_the_fork_registry_forgets_what_was_collected():
    gc.collect()
    before = len(forks._forkables), len(forks._methods)  # noqa: SLF001 - nothing else shows the leak
    kept = [Registered() for _ in range(50)]
    assert len(forks._forkables) == before[0] + 50  # noqa: SLF001 - the same
    kept.clear()
    assert (len(forks._forkables), len(forks._methods)) == before  # noqa: SLF001 - the same
