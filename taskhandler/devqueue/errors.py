"""The API's errors, with the gRPC codes and texts of the real Cloud Tasks.

Unless a comment says otherwise the texts were recorded from the real service by aertje/cloud-tasks-emulator
(test/conformance/golden/errors.json, MIT).
"""

from __future__ import annotations

from taskhandler.errors import TaskHandlerError


class ApiError(TaskHandlerError):
    """A call of the API failed.

    Attributes:
        code: the name of a gRPC status code.
        message: the text that the caller gets with it.
    """

    def __init__(self, code: str, message: str) -> None:
        """See the class."""
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")


def queue_missing() -> ApiError:
    """The queue does not exist."""
    return ApiError(
        "NOT_FOUND",
        "Queue does not exist. If you just created the queue, wait at least a minute for the queue to "
        "initialize.",
    )


def entity_missing() -> ApiError:
    """The task does not exist (also said by DeleteQueue of a queue)."""
    return ApiError("NOT_FOUND", "Requested entity was not found.")


def task_recently_gone() -> ApiError:
    """The task is completed, exhausted or deleted, and its name is not free yet."""
    return ApiError(
        "NOT_FOUND",
        "The task no longer exists, though a task with this name existed recently. The task either "
        "successfully completed or was deleted.",
    )


def task_exists() -> ApiError:
    """A task of that name is in the queue."""
    return ApiError("ALREADY_EXISTS", "Requested entity already exists")


def task_existed() -> ApiError:
    """The name was used recently. Text: quoted in stackkit/laravel-google-cloud-tasks-queue #104 and #130."""
    return ApiError(
        "ALREADY_EXISTS",
        "The task cannot be created because a task with this name existed too recently. For more information "
        "about task de-duplication see https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations."
        "queues.tasks/create#body.request_body.FIELDS.task.",
    )


def queue_exists() -> ApiError:
    """A queue of that name exists."""
    return ApiError("ALREADY_EXISTS", "Queue already exists")


def queue_existed() -> ApiError:
    """A queue of that name was deleted within the last week."""
    return ApiError(
        "FAILED_PRECONDITION",
        "The queue cannot be created because a queue with this name existed too recently.",
    )


def queue_name_malformed() -> ApiError:
    """Not a queue's full name."""
    return invalid(
        'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".'
    )


def task_name_malformed() -> ApiError:
    """Not a task's full name. Text: aertje's server code, not a recording."""
    return invalid(
        'Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>'
        '/tasks/<TASK_ID>"'
    )


def task_id_malformed(task_id: str) -> ApiError:
    """The task's id has a character or a length that is not allowed."""
    return invalid(
        f'Task ID "{task_id}" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or '
        "underscores (_). Task ID must between 1 and 500 characters."
    )


def queues_differ(parent: str, named: str) -> ApiError:
    """The task's name belongs to another queue than the one of the request."""
    return invalid(
        f"The queue name from request ('{parent}') must be the same as the queue name in the named task "
        f"('{named}')."
    )


def unsupported(what: str) -> ApiError:
    """The real service has it, the local queue does not. Text: ours."""
    return ApiError("UNIMPLEMENTED", f"The local queue does not support {what}.")


def invalid(message: str) -> ApiError:
    """INVALID_ARGUMENT with this text."""
    return ApiError("INVALID_ARGUMENT", message)
