"""The calls of the API `google.cloud.tasks.v2.CloudTasks`.

There are no generated stubs: a generic gRPC handler uses the protobuf types of google-cloud-tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.cloud.tasks_v2 import types
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

from taskhandler.devqueue import errors, names, wellformed
from taskhandler.devqueue.dispatch import Dispatcher
from taskhandler.devqueue.queue_message import read_config, read_policy, update_config, write_queue
from taskhandler.devqueue.queues import Queue, Queues
from taskhandler.devqueue.task import QueuedTask
from taskhandler.devqueue.task_message import read_task, write_task
from taskhandler.protobuf import Message
from taskhandler.text import one_line

API = "google.cloud.tasks.v2.CloudTasks"
_LARGEST_PAGE_ENTRIES = 1000
_LONGEST_DETAILS_CHARACTERS = 2000  # gRPC allows 16 KiB, encoded

OnLoop = Callable[[Callable[[], Message]], Message]


class CloudTasks:
    """The calls, one method each. All run in the dispatcher's event loop."""

    def __init__(
        self,
        queues: Queues,
        dispatcher: Dispatcher,
        *,
        now: Callable[[], float],
        system_id: Callable[[], str],
    ) -> None:
        """`now` gives seconds since 1970; `system_id` an id for a task without a name."""
        self._queues = queues
        self._dispatcher = dispatcher
        self._now = now
        self._system_id = system_id

    def create_task(self, request: Message) -> Message:
        """Create a task."""
        queue = self._queues.find(names.check_queue(request.parent))
        name = self._choose_name(request.task.name, queue)
        policy = read_policy(request.task, queue.retry)
        task = read_task(request.task, name=name, now=self._now(), policy=policy)
        queue.add(task, self._now())
        self._dispatcher.wake()
        return write_task(task, view=request.response_view)

    def get_task(self, request: Message) -> Message:
        """Return a task."""
        return write_task(self._find(request.name)[1], view=request.response_view)

    def list_tasks(self, request: Message) -> Message:
        """Return a page of a queue's tasks, by name."""
        queue = self._queues.find(names.check_queue(request.parent))
        page, token = _cut_page(sorted(queue.tasks), request)
        shown = [write_task(queue.tasks[task_id], view=request.response_view) for task_id in page]
        return types.ListTasksResponse.pb()(tasks=shown, next_page_token=token)

    def delete_task(self, request: Message) -> None:
        """Delete a task."""
        queue, task = self._find(request.name)
        queue.delete(task.id, self._now())
        self._dispatcher.wake()

    def run_task(self, request: Message) -> Message:
        """Deliver a task at once, even if it is running, the queue is paused or a limit is reached."""
        queue, task = self._find(request.name)
        self._dispatcher.force(queue, task)
        return write_task(task, view=request.response_view)

    def create_queue(self, request: Message) -> Message:
        """Create a queue."""
        names.check_location(request.parent)
        name = names.check_queue(request.queue.name)
        if not name.startswith(f"{request.parent}/queues/"):
            raise errors.invalid(f"{name} must begin with {request.parent}.")
        return write_queue(self._queues.create(name, *read_config(request.queue), self._now()))

    def get_queue(self, request: Message) -> Message:
        """Return a queue."""
        return write_queue(self._find_queue(request))

    def list_queues(self, request: Message) -> Message:
        """Return a page of a location's queues, by name."""
        if request.filter:
            raise errors.unsupported("ListQueuesRequest.filter")
        parent = f"{names.check_location(request.parent)}/queues/"
        page, token = _cut_page(
            sorted(name for name in self._queues.by_name if name.startswith(parent)), request
        )
        shown = [write_queue(self._queues.by_name[name]) for name in page]
        return types.ListQueuesResponse.pb()(queues=shown, next_page_token=token)

    def update_queue(self, request: Message) -> Message:
        """Change the configuration of a queue, or create it."""
        name = names.check_queue(request.queue.name)
        if name not in self._queues.by_name:
            return write_queue(self._queues.create(name, *read_config(request.queue), self._now()))
        queue = self._queues.find(name)
        paths = request.update_mask.paths or ("rate_limits", "retry_config")
        queue.limits, queue.retry = update_config(request.queue, paths, queue.limits, queue.retry)
        self._dispatcher.wake()
        return write_queue(queue)

    def delete_queue(self, request: Message) -> None:
        """Delete a queue with its tasks."""
        self._queues.delete(names.check_queue(request.name), self._now())
        self._dispatcher.wake()

    def pause_queue(self, request: Message) -> Message:
        """Stop dispatching."""
        return self._pause(request, paused=True)

    def resume_queue(self, request: Message) -> Message:
        """Dispatch again."""
        return self._pause(request, paused=False)

    def purge_queue(self, request: Message) -> Message:
        """Delete all tasks of a queue."""
        queue = self._find_queue(request)
        queue.purge(self._now())
        self._dispatcher.wake()
        return write_queue(queue)

    def _pause(self, request: Message, *, paused: bool) -> Message:
        queue = self._find_queue(request)
        queue.paused = paused
        self._dispatcher.wake()
        return write_queue(queue)

    def _find_queue(self, request: Message) -> Queue:
        return self._queues.find(names.check_queue(request.name))

    def _find(self, name: str) -> tuple[Queue, QueuedTask]:
        queue_name, task_id = names.split_task(name)
        queue = self._queues.find(queue_name)
        return queue, queue.find(task_id, self._now())

    def _choose_name(self, name: str, queue: Queue) -> str:
        if not name:
            return f"{queue.name}/tasks/{self._system_id()}"
        named, _ = names.split_task(name)
        if named != queue.name:
            raise errors.queues_differ(queue.name, named)
        return name


def make_handlers(calls: CloudTasks, on_loop: OnLoop) -> grpc.GenericRpcHandler:
    """Return the gRPC handler of all calls; `on_loop` runs a call in the event loop and waits for it."""
    requests: dict[str, tuple[Any, Callable[[Message], Message]]] = {
        "CreateTask": (types.CreateTaskRequest, calls.create_task),
        "GetTask": (types.GetTaskRequest, calls.get_task),
        "ListTasks": (types.ListTasksRequest, calls.list_tasks),
        "DeleteTask": (types.DeleteTaskRequest, calls.delete_task),
        "RunTask": (types.RunTaskRequest, calls.run_task),
        "CreateQueue": (types.CreateQueueRequest, calls.create_queue),
        "GetQueue": (types.GetQueueRequest, calls.get_queue),
        "ListQueues": (types.ListQueuesRequest, calls.list_queues),
        "UpdateQueue": (types.UpdateQueueRequest, calls.update_queue),
        "DeleteQueue": (types.DeleteQueueRequest, calls.delete_queue),
        "PauseQueue": (types.PauseQueueRequest, calls.pause_queue),
        "ResumeQueue": (types.ResumeQueueRequest, calls.resume_queue),
        "PurgeQueue": (types.PurgeQueueRequest, calls.purge_queue),
    }
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(
            _answer(request.pb(), call, on_loop),  # without a deserializer, whose errors gRPC would log
            response_serializer=_serialize,
        )
        for method, (request, call) in requests.items()
    }
    return grpc.method_handlers_generic_handler(API, handlers)


def _answer(
    kind: Message, call: Callable[[Message], Message], on_loop: OnLoop
) -> Callable[[bytes, Any], Message]:
    def answer(raw: bytes, context: Any) -> Message:  # noqa: ANN401 - grpcio ships no types
        try:
            request = _read(kind, raw)
            return on_loop(lambda: call(request))
        except errors.ApiError as error:
            details = one_line(error.message, limit=_LONGEST_DETAILS_CHARACTERS)
            context.abort(grpc.StatusCode[error.code], details)

    return answer


def _read(kind: Message, raw: bytes) -> Message:
    try:
        request = kind.FromString(raw)
    except DecodeError as error:
        raise errors.invalid(f"Not a {kind.DESCRIPTOR.name}: {error}") from error
    wellformed.check(request)
    return request


def _serialize(message: Message) -> bytes:
    # google.protobuf.Empty, the answer of the deleting calls, has no bytes
    return b"" if message is None else bytes(message.SerializeToString())


def _cut_page(ordered: Sequence[str], request: Message) -> tuple[Sequence[str], str]:
    if request.page_size < 0:
        raise errors.invalid("The page size cannot be negative.")
    size = min(request.page_size or _LARGEST_PAGE_ENTRIES, _LARGEST_PAGE_ENTRIES)
    rest = [name for name in ordered if name > request.page_token]
    return rest[:size], rest[size - 1] if len(rest) > size else ""
