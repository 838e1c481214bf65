"""The app under test: its handlers do what the oracle says, and report to it what they do.

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
from taskhandler.web.blueprint import ensure_assembly
from tests.faults import sabotage
from tests.faults.faulty_storage import FaultyStorage, report_locks
from tests.faults.interference import interfere, interfere_within
from tests.faults.journal import HOOKED
from tests.faults.oracle_client import Reporter
from tests.faults.random_faults import RandomFaults

logging.basicConfig(level=logging.WARNING)


random_faults = RandomFaults(int(os.environ.get("BENCH_RANDOM_FAULTS", "0")))
reporter = Reporter(int(os.environ["BENCH_ORACLE"]), random_faults)
tasks = TaskBlueprint("tasks", __name__)


@dataclass
class Parcel:
    """A payload that not every body can be."""

    grams: int


def perform(task: Task) -> dict[str, int]:
    """Write to both of the oracle's resources, as far as it lets us come."""
    report = _reporter_of(task)
    _act(report("begun"), task)
    report("effect")
    report("fenced")
    _act(report("done"), task)
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
def on_dead(task: Task, error: Exception | None) -> None:
    """Tell of a death."""
    said = "" if error is None else type(error).__name__
    _act(reporter.report("on_dead", task.id, attempt=task.attempt, fence=task.fence, said=said), task)


if os.environ.get("BENCH_REVISION") == "2":
    tasks.handler("newcomer")(perform)

if os.environ.get("BENCH_MODELS"):
    tasks.handler("ship")(importlib.import_module("tests.faults.models").ship)


def _reporter_of(task: Task) -> Callable[[str], str]:
    return lambda what: reporter.report(what, task.id, attempt=task.attempt, fence=task.fence)


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
    reporter.report("outcome", event.task, attempt=event.attempt, said=outcome)


for signal in dict.fromkeys(OF_OUTCOME.values()):
    signal.connect(note)

sabotage.apply(os.environ.get("SABOTAGE", ""))
app = Flask(__name__)
if os.environ.get("BENCH_INTERFERENCE"):
    interfere_within(app, tasks, reporter, random_faults.begin)
app.register_blueprint(tasks, url_prefix="/tasks")
if os.environ.get("BENCH_LOCKS"):
    report_locks(reporter)
ledger = ensure_assembly(app).receiver.ledger
ledger.storage.read(Key("", "", "nobody"))  # connects; what a first connection costs is not the plays' matter
ledger.storage = FaultyStorage(ledger.storage, reporter)


@app.before_request
def hook() -> tuple[str, int] | None:
    """Answer in the place of the delivery, as apps do that do not know what is a task."""
    random_faults.begin(int(request.headers.get("X-CloudTasks-TaskRetryCount", "0")))
    answer = request.headers.get(HOOKED)
    return ("hooked", int(answer)) if answer else None


if os.environ.get("BENCH_INTERFERENCE"):
    interfere(app, reporter)


@app.get("/")
def home() -> str:
    """Say that this revision is up."""
    return os.environ.get("BENCH_REVISION", "1")


reporter.report("up")
