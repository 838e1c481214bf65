"""Sample tasks, created with the real client."""

from __future__ import annotations

from typing import Any

from google.cloud import tasks_v2

from .target import Target

EMAIL = "tasks@shop.iam.gserviceaccount.com"


def http_task(url: str, *, name: str = "", **request: Any) -> tasks_v2.Task:  # noqa: ANN401 - fields of HttpRequest
    """Return a task with the URL as its target."""
    return tasks_v2.Task(name=name, http_request={"url": url, **request})


def create(
    client: tasks_v2.CloudTasksClient,
    queue: str,
    target: Target,
    task_id: str = "",
    **request: Any,  # noqa: ANN401 - fields of HttpRequest
) -> str:
    """Create a task for the target and return its full name."""
    name = f"{queue}/tasks/{task_id}" if task_id else ""
    task = http_task(**({"url": target.url, "name": name, "body": b"{}"} | request))
    return client.create_task(parent=queue, task=task).name
