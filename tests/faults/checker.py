"""Judges a history: lists every problem in it, and knows nothing of how the product works."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.faults import checks_answers, checks_ends, checks_ledger
from tests.faults.case import Case, cases
from tests.faults.history import History

CHECKS: tuple[Callable[[Case], Iterator[str]], ...] = (
    checks_ends.nothing_is_lost,
    checks_ledger.one_completion,
    checks_ledger.no_run_after_it_was_lost,
    checks_ledger.one_run_for_a_claim,
    checks_answers.ends_are_recorded_first,
    checks_ledger.only_the_holder_writes,
    checks_ledger.nothing_after_the_end,
    checks_ledger.no_early_take_over,
    checks_ledger.no_more_runs_than_attempts,
    checks_ledger.fences_grow,
    checks_ledger.resources_are_fenced,
    checks_ends.on_dead_is_called,
    checks_ends.bad_ends_keep_their_bodies,
    checks_ends.runs_are_as_expected,
    checks_ends.answers_are_as_expected,
    checks_answers.answers_are_told,
    checks_answers.outcomes_have_reasons,
)


def problems(history: History) -> list[str]:
    """What is wrong; nothing, if all is as it should be."""
    found = list(history.wrong)
    for case in cases(history):
        for check in CHECKS:
            found += [f"{case.expected.id}: {problem}" for problem in dict.fromkeys(check(case))]
    return found
