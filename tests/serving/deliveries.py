"""Tasks for a service: made by the real client and delivered by the queue, or delivered by hand."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from google.cloud import tasks_v2
from msgspec import Struct

from tests.serving.service import ACCOUNT, TIMEOUT_SECONDS, Service

OK = 200
Script = Sequence[Sequence[str]]


class Answer(Struct, frozen=True):
    """What a delivery was answered."""

    status: int
    outcome: str
    retry_after: str
    body: bytes

    @property
    def said(self) -> tuple[int, str]:
        """Status and outcome."""
        return self.status, self.outcome


def create(
    client: tasks_v2.CloudTasksClient,
    service: Service,
    task: str,
    script: Script = (),
    *,
    handler: str = "play",
) -> None:
    """Put a task into the service's queue, as a producer anywhere would."""
    request: dict[str, Any] = {
        "url": f"{service.target}/{handler}",
        "body": json.dumps(script).encode(),
        "oidc_token": {"service_account_email": ACCOUNT, "audience": service.target},
    }
    name = f"{service.queue_name}/tasks/{task}"
    made = tasks_v2.Task(name=name, http_request=request)
    client.create_task(parent=service.queue_name, task=made)


def token(service: Service) -> str:
    """A token that the service believes."""
    return service.queue.token(email=ACCOUNT, audience=service.target)


def headers(service: Service, task: str, *, retry: int = 0, bearer: str | None = None) -> dict[str, str]:
    """Those of the `retry`-th delivery of a task, with a good token unless there is another."""
    return {
        "Authorization": f"Bearer {token(service) if bearer is None else bearer}",
        "Content-Type": "application/json",
        "X-CloudTasks-QueueName": service.queue_name.rpartition("/")[2],
        "X-CloudTasks-TaskName": task,
        "X-CloudTasks-TaskRetryCount": str(retry),
        "X-CloudTasks-TaskExecutionCount": "0",
    }


def deliver(
    service: Service,
    task: str,
    script: Script = (),
    *,
    handler: str = "play",
    retry: int = 0,
    bearer: str | None = None,
) -> Answer:
    """Deliver a task by hand, on a connection of its own.

    Raises:
        http.client.HTTPException: the worker went away without an answer.
        OSError: the same.
    """
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=TIMEOUT_SECONDS)
    try:
        return post(connection, service, task, script, handler=handler, retry=retry, bearer=bearer)
    finally:
        connection.close()


def post(
    connection: http.client.HTTPConnection,
    service: Service,
    task: str,
    script: Script = (),
    *,
    handler: str = "play",
    retry: int = 0,
    bearer: str | None = None,
) -> Answer:
    """Deliver a task by hand, on a connection that may be kept."""
    sent = headers(service, task, retry=retry, bearer=bearer)
    connection.request("POST", f"/tasks/{handler}", json.dumps(script).encode(), sent)
    response = connection.getresponse()
    return Answer(
        response.status,
        response.getheader("X-TaskHandler-Outcome", ""),
        response.getheader("Retry-After", ""),
        response.read(),
    )


def redeliver(service: Service, task: str, script: Script = (), *, handler: str = "play") -> Answer:
    """Deliver a task again until that is acknowledged."""
    answers = [deliver(service, task, script, handler=handler, retry=1)]

    def acknowledged() -> bool:
        if answers[-1].status != OK:
            answers.append(deliver(service, task, script, handler=handler, retry=1 + len(answers)))
        return answers[-1].status == OK

    service.until(acknowledged)
    return answers[-1]


def begin(
    service: Service, task: str, script: Script = (), *, handler: str = "play", retry: int = 0
) -> Future[Answer]:
    """Deliver a task by hand while the test does something else."""
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(deliver(service, task, script, handler=handler, retry=retry))
        except (OSError, http.client.HTTPException) as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer
