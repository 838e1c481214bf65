"""What registers is told before a fork and afterwards on either side, for as long as it lives."""

from __future__ import annotations

import gc

import pytest

from taskhandler import forks
from tests.ledger.programs.running import output_of


@pytest.fixture(scope="module")
def told() -> list[str]:
    return output_of("told_of_forks").splitlines()


def test_parent_and_child_are_told_of_a_fork(told: list[str]):
    assert "kept: before, parent" in told
    assert "kept: before, child" in told


def test_a_method_is_called_in_the_child_only(told: list[str]):
    assert told.count("method: anew") == 1


def test_what_registers_while_others_come_to_rest_is_not_woken_in_the_parent_but_begins_anew_in_the_child(
    told: list[str],
):
    assert [line for line in told if line.startswith("late")] == ["late: child"]


def test_nothing_is_kept_alive_to_be_told(told: list[str]):
    assert not [line for line in told if "dropped" in line]


class Registered:
    def __init__(self) -> None:
        forks.tell_of_forks(self)
        forks.call_in_child(self.after_fork_in_child)

    def before_fork(self) -> None: ...

    def after_fork_in_parent(self) -> None: ...

    def after_fork_in_child(self) -> None: ...


def test_nothing_is_left_in_the_registry_of_what_has_gone():
    gc.collect()
    before = len(forks._forkables), len(forks._methods)  # noqa: SLF001 - nothing else shows the leak
    kept = [Registered() for _ in range(50)]
    assert len(forks._forkables) == before[0] + 50  # noqa: SLF001 - the same
    kept.clear()
    assert (len(forks._forkables), len(forks._methods)) == before  # noqa: SLF001 - the same
