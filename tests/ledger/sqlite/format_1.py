"""What stands in `fixtures/format-1.sql`: a record of every kind, as the first released version wrote it."""

from __future__ import annotations

from taskhandler.ledger.storage import Key, TaskBody
from taskhandler.lifecycle.record import OperatorAct, Record, Round, State, Step

DIGEST = "5e1f" * 16
RETENTION_SECONDS = 3_024_000.0


def record(state: State, **more: object) -> Record:
    fields: dict[str, object] = {
        "attempt": 1,
        "fence": 1,
        "lease_id": "9c0ffee0" * 4,
        "lease": 30.0,
        "digest": DIGEST,
        "retention": RETENTION_SECONDS,
        "handler": "charge-order",
    }
    return Record(state=state, **{**fields, **more})  # type: ignore[arg-type]  # fields of a record


def key(task: str, *, conflict: str = "") -> Key:
    return Key("shop/europe-west1", "orders", task, conflict)


RECORDS: dict[Key, Record] = {
    key("running"): record(State.RUNNING),
    key("running-with-steps"): record(
        State.RUNNING,
        attempt=3,
        fence=3,
        drained=1,
        heartbeats=7,
        steps=(Step("charge", 2, '{"receipt":"r-1"}'), Step("mail", 3)),
        history=("1 drained", "2 lost"),
        trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    key("waiting"): record(
        State.WAITING,
        reason="TimeoutError: the bank does not answer",
        error_type="TimeoutError",
        history=("1 failed: TimeoutError: the bank does not answer",),
    ),
    key("completed"): record(State.COMPLETED, result='{"receipt":"r-1","total":12.50}'),
    key("completed-without-a-result"): record(State.COMPLETED, digest="ab" * 32),
    key("rejected"): record(State.REJECTED, reason="nothing to charge"),
    key("dead"): record(
        State.DEAD,
        attempt=8,
        fence=8,
        reason="ValueError: \N{SNOWMAN}",
        error_type="ValueError",
        history=tuple(f"{number} lost" for number in range(1, 9)),
    ),
    key("dead-and-notified"): record(State.DEAD, reason="every attempt lost its worker", on_dead_called=True),
    key("cancelled"): record(
        State.CANCELLED,
        reason="the order was withdrawn",
        history=("1 cancelled: the order was withdrawn",),
        acts=(OperatorAct(action="cancel", who="ada@example.com", why="the order was withdrawn", at=1.7e9),),
    ),
    key("cancelled-before-it-came"): record(State.CANCELLED, attempt=0, digest="", reason="not wanted"),
    key("reset"): record(
        State.WAITING,
        attempt=0,
        fence=4,
        generation=1,
        steps=(Step("charge", 2, '"r-1"'),),
        history=("4 reset by an operator",),
    ),
    key("business-key"): record(
        State.COMPLETED,
        fence=5,
        claimed_by="c1" * 32,
        rounds=(
            Round(name_hash="a1" * 32, state=State.DEAD),
            Round(name_hash="b1" * 32, state=State.COMPLETED),
        ),
    ),
    key("a name with \N{SNOWMAN} and /", conflict=DIGEST): record(
        State.REJECTED,
        attempt=0,
        fence=0,
        lease_id="",
        lease=0.0,
        reason="conflict: a task of this name is known with another body",
    ),
}

BODIES: dict[Key, TaskBody] = {
    key("rejected"): TaskBody(b'{"id": "A7", "cents": 0}', "application/json"),
    key("dead"): TaskBody(b"\x00\xff not text"),
    key("dead-and-notified"): TaskBody(b""),
    key("a name with \N{SNOWMAN} and /", conflict=DIGEST): TaskBody(b"x" * 1000, "text/plain"),
}
