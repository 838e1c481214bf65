"""Deliveries that are made by hand, with the headers and the token that the queue would give them."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from tests.faults.history import Entry, Want
from tests.faults.journal import HOOKED
from tests.faults.stage import ACCOUNT, Stage

PATIENCE = 30.0


def deliver(stage: Stage, want: Want, *, number: int, body: bytes | None, hooked: int) -> Entry:
    """Deliver the task for the `number`-th time, with its own body or another one.

    `hooked` has the app answer it in the place of the delivery, with this status.
    """
    headers = {
        "Authorization": f"Bearer {stage.queue.token(email=ACCOUNT, audience=stage.target)}",
        "Content-Type": "application/octet-stream",
        "X-CloudTasks-QueueName": want.queue.rpartition("/")[2],
        "X-CloudTasks-TaskName": want.task,
        "X-CloudTasks-TaskRetryCount": str(number),
        "X-CloudTasks-TaskExecutionCount": "0",
    }
    if hooked:
        headers[HOOKED] = str(hooked)
    url = f"{stage.target}/{want.handler}"
    request = urllib.request.Request(url, want.body if body is None else body, headers)  # noqa: S310 - our own address
    sent = time.time()
    status = _status(request)
    return Entry(task=want.task, kind="by hand", number=number, sent=sent, ended=time.time(), status=status)


def _status(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
