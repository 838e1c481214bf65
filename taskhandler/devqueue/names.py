"""Resource names: checked, and taken apart."""

from __future__ import annotations

import re

from taskhandler.devqueue import errors

_LOCATION = re.compile(r"projects/[A-Za-z0-9.:_-]+/locations/[A-Za-z0-9-]+")
_QUEUE = re.compile(_LOCATION.pattern + r"/queues/[A-Za-z0-9-]{1,100}")
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,500}")


def check_location(name: str) -> str:
    """Return `name` if it is `projects/P/locations/L`; raises ApiError."""
    if not _LOCATION.fullmatch(name):
        project = name.removeprefix("projects/").split("/")[0]
        raise errors.ApiError("PERMISSION_DENIED", f"Permission denied on resource project {project}.")
    return name


def check_queue(name: str) -> str:
    """Return `name` if it is a queue's full name (id `[A-Za-z0-9-]{1,100}`); raises ApiError."""
    if not _QUEUE.fullmatch(name):
        raise errors.queue_name_malformed()
    return name


def split_task(name: str) -> tuple[str, str]:
    """Return the queue's full name and the task's id (`[A-Za-z0-9_-]{1,500}`); raises ApiError."""
    queue, slash, task_id = name.partition("/tasks/")
    if not slash or not _QUEUE.fullmatch(queue):
        raise errors.task_name_malformed()
    if not _TASK_ID.fullmatch(task_id):
        raise errors.task_id_malformed(task_id)
    return queue, task_id


def short_id(name: str) -> str:
    """Return the last segment, as the headers of a delivery have it."""
    return name.rpartition("/")[2]
