"""Whoever asks to be told of forks is told before, and afterwards on either side; the dead are not."""

from __future__ import annotations

from tests.ledger.programs.running import output_of


def test_parent_and_child_are_told_of_a_fork():
    told = output_of("told_of_forks").splitlines()
    assert "kept: before, parent" in told
    assert "kept: before, child" in told


def test_nobody_is_kept_alive_to_be_told():
    assert not [line for line in output_of("told_of_forks").splitlines() if "dropped" in line]
