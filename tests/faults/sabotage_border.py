"""What stands between an app and the answer to a delivery, and what bounds its load."""

from __future__ import annotations

from collections.abc import Callable

from taskhandler import log_throttle
from taskhandler.auth import certificates as certs
from taskhandler.delivery import wait_limit
from taskhandler.handlers import payload_model
from taskhandler.web import body, guard, task_routes
from tests.faults import weakened_border as parts
from tests.faults.weakened_parts import put

BORDER: tuple[tuple[str, Callable[[], None], str, str], ...] = (
    (
        "the app's hooks are not guarded against",
        put(guard.Guard, __call__=parts.unguarded),
        "S3",
        "an-app-answers-in-the-place-of-a-delivery",
    ),
    (
        "an error page answers for a failure",
        put(guard.Guard, __call__=parts.unguarded),
        "S3",
        "an-after-request-fails-after-every-failure",
    ),
    (
        "a page answers before the delivery",
        put(guard.Guard, _refuse_undecided=parts.believing_the_app(guard.Guard._refuse_undecided)),  # noqa: SLF001 - it is weakened
        "S3",
        "a-before-request-answers",
    ),
    (
        "what the app raises takes the answer away",
        put(guard.Guard, _send_decided=parts.failing_with_the_app(guard.Guard._send_decided)),  # noqa: SLF001 - the same
        "[200] is expected",
        "a-teardown-fails-after-the-completion",
    ),
    (
        "only the paths of handlers are guarded",
        put(task_routes.TaskRoutes, is_task=parts.only_handlers),
        "S3",
        "a-page-at-the-prefix",
    ),
    ("failures are kept in memory", parts.leaking, "MEMORY", "a-task-that-always-fails"),
    (
        "any number of deliveries may wait",
        put(wait_limit.WaitLimit, reserve_slot=parts.always_free),
        "THREADS",
        "the-last-deliveries-wait-and-the-others-are-served",
    ),
    (
        "unknown keys are waited for",
        put(certs.CertificateKeeper, _wait=parts.waiting_for_the_fetch),
        "THREADS",
        "tokens-of-unknown-keys-while-the-certificates-hang",
    ),
    ("compressed bodies have no limit", put(body, inflate=parts.inflated_whole), "BOMB", "a-gzip-bomb"),
    (
        "every delivery has a line in the log",
        put(log_throttle.LogThrottle, count_left_out=parts.never_left_out),
        "LOG",
        "a-handler-that-always-asks-for-a-retry",
    ),
    (
        "every error of a payload is listed",
        put(payload_model, LARGE_BYTES=parts.ENDLESS, MOST_ERRORS=parts.ENDLESS),
        "MEMORY",
        "a-payload-that-is-wrong-in-every-place",
    ),
)
