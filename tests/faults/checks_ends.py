"""How each task must have ended: nothing is lost, and all is as the scenario expects."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.case import MAX_ATTEMPTS, Case


def nothing_is_lost(case: Case) -> Iterator[str]:
    """L1, S8: a task that its queue has let go of has its end in the ledger, and was run to it."""
    state = None if case.record is None else case.record.state.value
    if case.left:
        yield f"L1: it has not ended; its queue still delivers it, the ledger says {state}"
    elif state not in case.expected.end.split(" or "):
        yield f"LOST: its queue has let go of it, the ledger says {state}, {case.expected.end} is expected"
    elif state == "completed" and not case.named("done"):
        yield "LOST: the ledger says completed, and no run came to its end"


def runs_are_as_expected(case: Case) -> Iterator[str]:
    """The handler is called as often as the scenario allows."""
    least, most = case.expected.runs
    runs = len(case.named("begun"))
    if not least <= runs <= most:
        yield f"{runs} runs; from {least} to {most} are allowed"


def answers_are_as_expected(case: Case) -> Iterator[str]:
    """The queue's deliveries are answered as the scenario says."""
    if case.expected.statuses is None:
        return
    ended = [entry for entry in case.entries if entry.ended is not None]
    statuses = tuple(entry.status for entry in sorted(ended, key=lambda entry: entry.ended or 0.0))
    if statuses != case.expected.statuses:
        yield f"answered {list(statuses)}, {list(case.expected.statuses)} is expected"


def bad_ends_keep_their_bodies(case: Case) -> Iterator[str]:
    """A rejected, dead or conflicting task can be replayed: its body is kept."""
    if case.record is not None and case.record.state.value in {"rejected", "dead"}:
        kept = case.dead_letters.get(case.expected.id)
        if kept != case.expected.body:
            yield f"the body of the {case.record.state.value} task is not kept ({kept!r})"
    conflicts = [body for name, body in case.dead_letters.items() if name != case.expected.id]
    for other in case.expected.others:
        if other not in conflicts:
            yield f"S13: the body {other!r} came under its name, and is not kept"


def on_dead_is_called(case: Case) -> Iterator[str]:
    """S15: `on_dead` is called for every death, and that is written down."""
    record = case.record
    if record is None or record.state.value != "dead" or case.expected.handler not in MAX_ATTEMPTS:
        return
    if not case.named("on_dead"):
        yield "S15: it is dead, and on_dead was never called"
    if not record.on_dead_called and not any(write.name == "mark_notified" for write in case.writes):
        yield "S15: nobody tried to write down that on_dead was called"
