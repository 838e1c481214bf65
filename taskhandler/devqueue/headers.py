"""The headers of a delivery, as recorded from the real Cloud Tasks by aertje/cloud-tasks-emulator."""

from __future__ import annotations

from taskhandler.devqueue.names import short_id
from taskhandler.devqueue.task import Delivery, QueuedTask, Target

USER_AGENT = "Google-Cloud-Tasks"
# no producer can set these (google-cloud-tasks 2.26.0, HttpRequest.headers; v2beta3 for X-CloudTasks-*)
_RESERVED = {"host", "content-length", "user-agent"}
_RESERVED_PREFIXES = ("x-google-", "x-appengine-", "x-cloudtasks-")
# these belong to the connection, which is ours
_HOP_BY_HOP = {"connection", "keep-alive", "trailer", "transfer-encoding", "upgrade"}


def build_headers(
    queue: str, task: QueuedTask, delivery: Delivery, authorization: str | None
) -> tuple[tuple[str, str], ...]:
    """Return all headers except those of the connection (Host, Content-Length).

    `authorization` replaces the producer's own header; None keeps it.
    """
    own = [
        ("User-Agent", USER_AGENT),
        ("X-CloudTasks-QueueName", short_id(queue)),
        ("X-CloudTasks-TaskName", task.id),
        ("X-CloudTasks-TaskRetryCount", str(delivery.number)),
        ("X-CloudTasks-TaskExecutionCount", str(delivery.execution_count)),
        ("X-CloudTasks-TaskETA", f"{delivery.eta:.6f}"),
    ]
    if delivery.previous is not None:
        own.append(("X-CloudTasks-TaskPreviousResponse", str(delivery.previous)))
        own.append(("X-CloudTasks-TaskRetryReason", ""))
    if authorization is not None:
        own.append(("Authorization", authorization))
    return (*own, *_filter_headers(task.target, replaced=authorization is not None))


def _filter_headers(target: Target, *, replaced: bool) -> list[tuple[str, str]]:
    refused = _RESERVED | _HOP_BY_HOP | ({"authorization"} if replaced else set())
    return [
        (key, value)
        for key, value in target.headers.items()
        if key.lower() not in refused and not key.lower().startswith(_RESERVED_PREFIXES)
    ]
