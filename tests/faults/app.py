"""The app under test: its handlers do what the oracle says, and tell it what they do.

gunicorn tests.faults.app:app
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, request

from taskhandler import RateLimited, Reject, Retry, Task, TaskBlueprint, TaskEvent
from taskhandler.ledger.storage import Key
from taskhandler.signals import OF_OUTCOME
from taskhandler.web.blueprint import assembly_of
from tests.faults import sabotage
from tests.faults.haunted import HauntedStorage, tell_of_locks
from tests.faults.interference import interfere, interfere_within
from tests.faults.journal import HOOKED
from tests.faults.whims import Whims
from tests.faults.witness import Witness

logging.basicConfig(level=logging.WARNING)


whims = Whims(int(os.environ.get("BENCH_WHIMS", "0")))
witness = Witness(int(os.environ["BENCH_ORACLE"]), whims)
tasks = TaskBlueprint("tasks", __name__)


@dataclass
class Parcel:
    """A payload that not every body can be."""

    grams: int


def perform(task: Task) -> dict[str, int]:
    """Write to both of the oracle's resources, as far as it lets us come."""
    tell = _teller(task)
    _act(tell("begun"), task)
    tell("effect")
    tell("fenced")
    _act(tell("done"), task)
    return {"attempt": task.attempt}


@tasks.handler("work")
def work(task: Task) -> dict[str, int]:
    """Work without a limit of attempts."""
    return perform(task)


@tasks.handler("frail", max_attempts=3)
def frail(task: Task) -> dict[str, int]:
    """Work that is given up after three attempts."""
    return perform(task)


@tasks.handler("single", max_attempts=1)
def single(task: Task) -> dict[str, int]:
    """Work that is given up after one attempt."""
    return perform(task)


@tasks.handler("weigh")
def weigh(parcel: Parcel, task: Task) -> dict[str, int]:
    """Work with a payload that may be wrong."""
    return {"grams": parcel.grams, **perform(task)}


@frail.on_dead
@single.on_dead
def mourn(task: Task, error: Exception | None) -> None:
    """Tell of a death."""
    said = "" if error is None else type(error).__name__
    _act(witness.tell("mourned", task.id, attempt=task.attempt, fence=task.fence, said=said), task)


if os.environ.get("BENCH_REVISION") == "2":
    tasks.handler("newcomer")(perform)

if os.environ.get("BENCH_MODELS"):
    tasks.handler("ship")(importlib.import_module("tests.faults.models").ship)


def _teller(task: Task) -> Callable[[str], str]:
    return lambda what: witness.tell(what, task.id, attempt=task.attempt, fence=task.fence)


def _act(act: str, task: Task) -> None:
    match act:
        case "fail":
            raise ConnectionError("the bench says so")
        case "reject":
            raise Reject("the bench says so")
        case "retry":
            raise Retry("the bench says so", after=0.1)
        case "limit":
            raise RateLimited("the bench says so", after=0.1)
        case "exit":
            sys.exit(1)
        case "linger":
            _linger(task)
        case _:
            pass


def _linger(task: Task) -> None:
    """Work that can be stopped, for ten seconds."""
    for _ in range(500):
        task.checkpoint()
        threading.Event().wait(0.02)


def note(_: Flask, event: TaskEvent) -> None:
    """Tell what a delivery came to, before it is answered."""
    outcome = "" if event.outcome is None else event.outcome.value
    witness.tell("outcome", event.task, attempt=event.attempt, said=outcome)


for signal in dict.fromkeys(OF_OUTCOME.values()):
    signal.connect(note)

sabotage.apply(os.environ.get("SABOTAGE", ""))
app = Flask(__name__)
if os.environ.get("BENCH_INTERFERENCE"):
    interfere_within(app, tasks, witness, whims.begin)
app.register_blueprint(tasks, url_prefix="/tasks")
if os.environ.get("BENCH_LOCKS"):
    tell_of_locks(witness)
ledger = assembly_of(app).receiver.ledger
ledger.storage.read(Key("", "", "nobody"))  # connects; what a first connection costs is not the plays' matter
ledger.storage = HauntedStorage(ledger.storage, witness)


@app.before_request
def hook() -> tuple[str, int] | None:
    """Answer in the place of the delivery, as apps do that do not know what is a task."""
    whims.begin(int(request.headers.get("X-CloudTasks-TaskRetryCount", "0")))
    answer = request.headers.get(HOOKED)
    return ("hooked", int(answer)) if answer else None


if os.environ.get("BENCH_INTERFERENCE"):
    interfere(app, witness)


@app.get("/")
def home() -> str:
    """Say that this revision is up."""
    return os.environ.get("BENCH_REVISION", "1")


witness.tell("up")
