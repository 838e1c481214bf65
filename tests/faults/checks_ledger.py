"""What the ledger must never have accepted: judged by who wrote what when, not by what the records say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise

from tests.faults.case import MAX_ATTEMPTS, Case, Write
from tests.faults.journal import Event

STOPS = ("SIGTERM", "terminated", "reload")
"""Notes of the bench after which an attempt may have been drained, which is not charged."""


LONGEST_STOP_SECONDS = 10.0
"""Seconds for which the bench stops a worker at a time that chance has chosen."""


def one_completion(case: Case) -> Iterator[str]:
    """S1: at most one completion is accepted."""
    counted = Counter(write.era for write in case.accepted() if write.state == "completed")
    for count in counted.values():
        if count > 1:
            yield f"S1: {count} completions were accepted"


def only_the_holder_writes(case: Case) -> Iterator[str]:
    """S4: what is written in the name of a lease is written by who claimed it, and fenced as claimed."""
    claims: dict[str, Write] = {}
    for write in case.accepted("claim", "heartbeat", "settle"):
        claim = claims.get(write.lease_id)
        if write.name == "claim" and claim is None:
            claims[write.lease_id] = write
        elif claim is not None and (claim.pid, claim.fence, claim.era) != (write.pid, write.fence, write.era):
            yield f"S4: {write.pid} wrote a {write.name} on the lease that {claim.pid} had claimed"


def nothing_after_the_end(case: Case) -> Iterator[str]:
    """S5: an end is never overwritten."""
    for end in case.accepted("settle"):
        for write in case.accepted("claim", "heartbeat", "settle"):
            if end.ends and write.era == end.era and write.sent > end.done:
                yield f"S5: a {write.name} ({write.state}) was accepted after the task was {end.state}"


def no_early_take_over(case: Case) -> Iterator[str]:
    """S6: a lease is taken over only when it has lapsed: the longest it can have been is long enough."""
    for claim in case.accepted("claim"):
        before = [each for each in case.accepted("claim", "heartbeat") if each.fence == claim.fence - 1]
        if not before or before[-1].era != claim.era or before[-1].lease_id == claim.lease_id:
            continue
        settled = any(each.lease_id == before[-1].lease_id for each in case.accepted("settle"))
        held = claim.done - before[-1].sent
        if not settled and held < before[-1].lease:
            yield f"S6: a lease of {before[-1].lease:g} s was taken over after {held:.2f} s"


def no_more_runs_than_attempts(case: Case) -> Iterator[str]:
    """S7: the handler is called no more often than its limit allows, and for each worker told to stop."""
    limit = MAX_ATTEMPTS.get(case.expected.handler)
    if limit is None or any(event.said == "reset" for event in case.named("bench")):
        return
    drained = sum(event.said in STOPS for event in case.bench)
    runs = len(case.named("begun"))
    if runs > limit + drained:
        yield f"S7: {runs} runs, and {limit} attempts ({drained} workers were told to stop)"


def no_run_after_it_was_lost(case: Case) -> Iterator[str]:
    """S2: a run begins neither after the end of its task nor after another one's claim."""
    for begun in case.named("begun"):
        if _was_stopped(case, begun):
            continue  # it may have been anywhere on its way to the handler
        later = [write for write in case.accepted("claim", "settle") if write.done < begun.at]
        if any(write.fence > begun.fence for write in later):
            yield f"S2: attempt {begun.attempt} began after it had been taken over"
        elif any(write.ends and write.fence == begun.fence for write in later):
            yield f"S2: attempt {begun.attempt} began after the end"


def _was_stopped(case: Case, begun: Event) -> bool:
    """Whether the bench had stopped the worker shortly before."""
    return any(
        event.said == "SIGSTOP" and event.pid == begun.pid and 0 < begun.at - event.at < LONGEST_STOP_SECONDS
        for event in case.bench
    )


def one_run_for_a_claim(case: Case) -> Iterator[str]:
    """S2: a claim is a licence for one run."""
    runs = Counter(begun.fence for begun in case.named("begun"))
    for fence, count in runs.items():
        if count > 1:
            yield f"S2: the claim with fence {fence} was run {count} times"


def fences_grow(case: Case) -> Iterator[str]:
    """S12: each claim has a higher fence than all before it."""
    for one, other in combinations(case.accepted("claim"), 2):
        if one.lease_id == other.lease_id:
            continue
        if one.fence == other.fence or (one.done < other.sent and one.fence > other.fence):
            yield f"S12: a claim with fence {other.fence} followed one with fence {one.fence}"


def resources_are_fenced(case: Case) -> Iterator[str]:
    """A resource that looks at fences takes nothing from an attempt that another one has followed."""
    taken = [event for event in case.named("fenced") if event.answer == "taken"]
    for one, other in pairwise(taken):
        if (other.fence, other.pid) != (one.fence, one.pid) and other.fence <= one.fence:
            yield f"S12: the fenced resource took from attempt {other.attempt} after a later one"
