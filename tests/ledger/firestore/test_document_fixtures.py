"""Documents as format 1 wrote them, which every later version must read and act on.

`fixtures/format-1.json` is never changed: a later format gets a file of its own, and both are tested.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore_v1 import types
from google.protobuf import json_format  # type: ignore[import-untyped]  # protobuf ships no types
from msgspec.structs import replace

from taskhandler.ledger.amend import Unread
from taskhandler.ledger.firestore.dead_letter import compress, encode_parts, name_part
from taskhandler.ledger.firestore.document import document_id, encode
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.storage import Key, Listed, Page, TaskBody
from taskhandler.lifecycle.record import FORMAT, OperatorAct, Record, Round, State, Step
from taskhandler.lifecycle.rules import Claim, Heartbeat, Reset, Rule, Settle
from taskhandler.lifecycle.verdict import AlreadyEnded, Completed, Conflict, Renewed, Run, Settled, Verdict
from taskhandler.protobuf import Message
from tests.ledger.firestore.cloud import Cloud, emulated_cloud

FILE = Path(__file__).with_name("fixtures") / "format-1.json"
SHA_256 = "75b28e0714b03df358614b040976eb00c1df0d82a9b11227443146df40276107"
WRITTEN_AT = 1_790_000_000.0
"""Seconds since 1970."""

RUNNING = Record(
    state=State.RUNNING,
    attempt=2,
    fence=3,
    lease_id="0123456789abcdef0123456789abcdef",
    lease=30.0,
    digest="5" * 64,
    retention=3_024_000.0,
    handler="shop.charge-order",
    drained=1,
    heartbeats=4,
    history=("1 drained",),
    trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)
STEPS = (Step("charge", 1, '"c-1"'), Step("mail", 2))
FAILED = replace(RUNNING, state=State.WAITING, reason="ValueError: no", error_type="builtins.ValueError")
DEAD = replace(FAILED, state=State.DEAD, attempt=8, on_dead_called=True)
BODY = TaskBody(b'{"id":"A7","cents":1250}', "application/json")

RECORDS: dict[str, Record] = {
    "running": replace(RUNNING, steps=STEPS),
    "waiting": FAILED,
    "completed": replace(RUNNING, state=State.COMPLETED, result='{"receipt":"r-1"}'),
    "rejected": replace(RUNNING, state=State.REJECTED, reason="nothing to charge"),
    "dead": DEAD,
    "cancelled": replace(FAILED, state=State.CANCELLED, reason="ordered twice", retention=86_400.5),
    "conflict": Record(
        state=State.REJECTED,
        attempt=0,
        fence=0,
        lease_id="",
        lease=0.0,
        digest="6" * 64,
        retention=3_024_000.0,
        handler="shop.charge-order",
        reason="conflict: a task of this name is known with another body",
    ),
    "business-key": replace(
        FAILED,
        generation=1,
        claimed_by="a" * 64,
        rounds=(
            Round(name_hash="b" * 64, state=State.DEAD),
            Round(name_hash="c" * 64, state=State.COMPLETED),
        ),
    ),
    "reset": replace(
        FAILED,
        acts=(OperatorAct(action="reset", who="ann@example.com", why="bug fixed", at=1_780_000_000.25),),
    ),
}
"""A record of every kind, by the name of its task."""

RECORDS["without-body"] = RECORDS["rejected"]

DEAD_LETTERS = {"rejected", "dead", "conflict"}
CUT = {"without-body": ("dead_letter",)}
"""What was left out of a record's commit."""


def key_of(task: str) -> Key:
    return Key("shop-1/europe-west1", "orders", task, "6" * 64 if task == "conflict" else "")


def written_now(task: str) -> list[dict[str, Any]]:
    """The documents of a record as this version writes them; names begin at the collection."""
    key, record = key_of(task), RECORDS[task]
    name = f"d/task_ledger/{document_id(key)}"
    documents = [types.Document.pb()(name=name)]
    encode(documents[0], key, record, after=1_780_000_000_123_456_000, now=WRITTEN_AT, cut=CUT.get(task, ()))

    def new(number: int) -> Message:
        documents.append(types.Document.pb()(name=name_part(name, number)))
        return documents[-1]

    if task in DEAD_LETTERS:
        encode_parts(new, key, BODY, compress(BODY))
    return [json_format.MessageToDict(document) for document in documents]


@pytest.fixture(scope="module")
def stored() -> dict[str, list[dict[str, Any]]]:
    documents: dict[str, list[dict[str, Any]]] = json.loads(FILE.read_bytes())
    return documents


@pytest.fixture
def cloud(stored: dict[str, list[dict[str, Any]]]) -> Iterator[Cloud]:
    """A ledger with the documents of the fixture."""
    with emulated_cloud() as opened:
        documents = f"{opened.client._database_string}/documents/"  # noqa: SLF001 - no public name
        request = types.CommitRequest.pb()(database=opened.client._database_string)  # noqa: SLF001 - the same
        for each in (document for documents in stored.values() for document in documents):
            update = json_format.ParseDict(each, request.writes.add().update)
            update.name = documents + update.name.removeprefix("d/")
        opened.client._firestore_api.commit(types.CommitRequest.wrap(request))  # noqa: SLF001 - the same
        yield opened


def test_the_fixture_is_never_changed():
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SHA_256


def test_the_fixture_has_a_record_of_every_state_and_every_field():
    assert {record.state for record in RECORDS.values()} == set(State)
    filled = {
        field
        for field in Record.__struct_fields__
        if any(getattr(record, field) for record in RECORDS.values())
    }
    assert set(Record.__struct_fields__) - filled == {"unknown"}


@pytest.mark.skipif(FORMAT != 1, reason="a later format is written")
@pytest.mark.parametrize("task", RECORDS)
def test_this_version_writes_the_documents_of_the_fixture(stored: dict[str, list[dict[str, Any]]], task: str):
    now = written_now(task)
    assert [each["fields"] for each in now[:1]] == [each["fields"] for each in stored[task][:1]]
    assert [each["name"] for each in now] == [each["name"] for each in stored[task]]


def test_every_record_of_the_fixture_is_read(cloud: Cloud):
    assert {task: cloud.found(key_of(task)).record for task in RECORDS} == RECORDS
    assert {key.task: snapshot.record for key, snapshot in cloud.storage.scan()} == RECORDS


def test_every_dead_letter_of_the_fixture_is_read(cloud: Cloud):
    letters = {task: cloud.storage.dead_letter(key_of(task)) for task in RECORDS}
    assert letters == {task: BODY if task in DEAD_LETTERS else None for task in RECORDS}


def test_every_record_of_the_fixture_that_wants_attention_is_listed(cloud: Cloud):
    page = cloud.storage.list(set(Listed), handler="shop.charge-order")
    assert isinstance(page, Page)
    assert {entry.key.task: entry.snapshot.record for entry in page.entries} == {
        task: record for task, record in RECORDS.items() if task != "completed"
    }


CLAIM = Claim(lease_id="mine", digest="5" * 64, handler="shop.charge-order", lease=30.0, retention=3e6)
ACTS: list[tuple[str, Rule, Verdict]] = [
    ("running", Heartbeat(RUNNING.lease_id), Renewed()),
    ("running", Settle(RUNNING.lease_id, Completed()), Settled(State.COMPLETED)),
    ("waiting", CLAIM, Run()),
    ("waiting", replace(CLAIM, digest="7" * 64), Conflict()),
    ("business-key", CLAIM, Run()),
    ("reset", CLAIM, Run()),
    ("completed", CLAIM, AlreadyEnded(State.COMPLETED, on_dead_called=False)),
    ("rejected", CLAIM, AlreadyEnded(State.REJECTED, on_dead_called=False)),
    ("dead", CLAIM, AlreadyEnded(State.DEAD, on_dead_called=True)),
    ("cancelled", CLAIM, AlreadyEnded(State.CANCELLED, on_dead_called=False)),
    ("conflict", Reset("nonce"), Settled(State.WAITING)),
    ("dead", Reset("nonce"), Settled(State.WAITING)),
]


@pytest.mark.parametrize(("task", "rule", "verdict"), ACTS)
def test_every_rule_acts_on_a_record_of_the_fixture(cloud: Cloud, task: str, rule: Rule, verdict: Verdict):
    ledger = Ledger(cloud.storage, clock=time.monotonic, pause=lambda _: None)
    done = ledger.amend(key_of(task), rule, Unread(), timeout=5.0)
    assert done.verdict == verdict
    assert done.snapshot is not None
    assert cloud.found(key_of(task)).record == done.snapshot.record
