"""Deliveries that the bench makes itself, with the headers and the token that the queue would give them."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import Future

from tests.faults.history import Entry, Expectation
from tests.faults.stage import ACCOUNT, Stage

TIMEOUT_SECONDS = 30.0


def deliver(
    stage: Stage,
    task: Expectation,
    *,
    number: int,
    body: bytes | None,
    path: str | None,
    headers: Mapping[str, str],
) -> Entry:
    """Deliver the task for the `number`-th time.

    Args:
        stage: where.
        task: which one.
        number: its retry count.
        body: another one than its own.
        path: another one, under the prefix, than its handler's.
        headers: put over the usual ones.
    """
    usual = {
        "Authorization": f"Bearer {stage.queue.token(email=ACCOUNT, audience=stage.target)}",
        "Content-Type": "application/octet-stream",
        "X-CloudTasks-QueueName": task.queue.rpartition("/")[2],
        "X-CloudTasks-TaskName": task.id,
        "X-CloudTasks-TaskRetryCount": str(number),
        "X-CloudTasks-TaskExecutionCount": "0",
    }
    url = stage.target + (f"/{task.handler}" if path is None else path)
    request = urllib.request.Request(url, task.body if body is None else body, {**usual, **headers})  # noqa: S310 - our own address
    sent = time.time()
    status = _status(request)
    return Entry(
        task=task.id, kind="direct", number=number, sent=sent, ended=time.time(), status=status or None
    )


def at_once(act: Callable[[], int], times: int) -> list[Future[int]]:
    """Do it so often, all at the same moment, each in a thread of its own."""
    barrier = threading.Barrier(times)
    answers: list[Future[int]] = [Future() for _ in range(times)]

    def answer(future: Future[int]) -> None:
        barrier.wait(TIMEOUT_SECONDS)
        future.set_result(act())

    for future in answers:
        threading.Thread(target=answer, args=(future,), daemon=True).start()
    return answers


def _status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except OSError:
        return 0  # the worker died, or did not answer in time
