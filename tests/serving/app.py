"""The app that the tests serve: its tasks carry a script of what each of their attempts is to do.

A body is a list: the acts of the first attempt, of the second one, and so on; an attempt that is not
in it has nothing to do, and so completes.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from flask import Flask

from taskhandler import Task, TaskBlueprint, TaskEvent, current_task, signals
from tests.serving import effects
from tests.serving.acts import ACTS, Asked

logging.basicConfig(level="INFO")

FOLDER = Path(os.environ["SERVING_FOLDER"])
EFFECTS = str(FOLDER / "effects")
SIGNALS = (
    "started",
    "completed",
    "retried",
    "rejected",
    "dead",
    "duplicate",
    "in_flight",
    "fenced",
    "refused",
)

tasks = TaskBlueprint("tasks", __name__)


def play(script: list[list[str]], task: Task) -> dict[str, int]:
    """Do what the script wants of this attempt."""
    assert current_task.id == task.id  # each thread knows its own
    note("begun", task)
    for line in next(iter(script[task.attempt - 1 : task.attempt]), []):
        act, _, argument = line.partition(" ")
        ACTS[act](Asked(task, argument, FOLDER))
        note("acted", task, act)
    note("done", task)
    return {"attempt": task.attempt}


def note(what: str, task: Task, detail: str = "") -> None:
    """Write an effect down."""
    effects.write(EFFECTS, what, task.id, task.attempt, detail)


tasks.handler("play")(play)
mortal = tasks.handler("mortal", max_attempts=3)(play)


@mortal.on_dead
def alert(task: Task, error: Exception | None) -> None:
    """Note a call of `on_dead`."""
    note("on_dead", task, repr(error))


@tasks.handler("parent")
def parent(task: Task) -> str:
    """Make another task."""
    note("begun", task)
    return tasks.handlers["play"].enqueue([], name=f"{task.id}-child").name


@tasks.handler("raw")
def raw(body: bytes, task: Task) -> int:
    """Tell how large the body is."""
    note("begun", task, str(len(body)))
    return len(body)


def _told(name: str) -> None:
    def tell(_: Flask, event: TaskEvent) -> None:
        outcome = "" if event.outcome is None else event.outcome.value
        effects.write(EFFECTS, f"task_{name}", event.task, event.attempt, outcome)

    getattr(signals, f"task_{name}").connect(tell, weak=False)


for signal in SIGNALS:
    _told(signal)

app = Flask(__name__)
app.config["TESTING"] = "SERVING_UNCHECKED" in os.environ
app.register_blueprint(tasks, url_prefix="/tasks")


@app.get("/")
def home() -> str:
    """Say who answers."""
    return str(os.getpid())


def before_the_fork(number: int) -> None:
    """Serve some deliveries where this is imported: with --preload, in the master."""
    headers = {
        "Authorization": os.environ["SERVING_AUTHORIZATION"],
        "X-CloudTasks-QueueName": os.environ["GCP_TASK_QUEUE_ID"],
        "X-CloudTasks-TaskRetryCount": "0",
        "X-CloudTasks-TaskExecutionCount": "0",
    }
    for each in range(number):
        named = headers | {"X-CloudTasks-TaskName": f"early-{each}"}
        app.test_client().post("/tasks/parent", headers=named)


before_the_fork(int(os.environ.get("SERVING_AT_IMPORT", "0")))
