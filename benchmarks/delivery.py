"""A whole delivery against a bare Flask view that parses the same JSON, and the ledger calls it makes.

    python -m benchmarks.delivery

Both are called as WSGI apps, in turns in one process: memory ledger, a real token that has been seen before.
CPU time of the process; the median of the ratios, turn by turn.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from statistics import median
from typing import Any

from flask import Flask, request

from benchmarks.parts.deliveries import ACCOUNT, AUDIENCE, deliver, environ_of
from taskhandler import Retry, Task, TaskBlueprint
from taskhandler.devqueue import LocalQueue
from taskhandler.ledger.ledger import Ledger
from taskhandler.web.assembly import Assembly

ROUNDS, BATCH = 60, 150
BODY = json.dumps({"id": "A7", "cents": 1200, "lines": [{"sku": "x", "count": 2}] * 3}).encode()

tasks = TaskBlueprint("tasks", __name__)


@tasks.handler("charge-order")
def charge_order(order: dict[str, Any]) -> dict[str, str]:
    """Do as good as nothing."""
    return {"receipt": order["id"]}


@tasks.handler("fail-once")
def fail_once(task: Task) -> None:
    """Fail, then do nothing."""
    if task.attempt == 1:
        raise Retry


def main() -> None:
    """Measure and print."""
    with LocalQueue() as queue:
        app, bare = _app(queue.certs_url), _bare()
        token = queue.token(email=ACCOUNT, audience=AUDIENCE)
        _seconds(app, token, "warm-app")
        _seconds(bare, token, "warm-bare")
        pairs = [
            (_seconds(app, token, f"app-{turn}"), _seconds(bare, token, f"bare-{turn}"))
            for turn in range(ROUNDS)
        ]
        ours, theirs = (median(times) * 1e6 for times in zip(*pairs, strict=True))
        ratio = median(one / other for one, other in pairs)
        print(f"a delivery     {ours:7.1f} us")
        print(f"a bare view    {theirs:7.1f} us")
        print(f"ratio          {ratio:7.2f}    (budget 1.25)")
        _count_calls(app, token)


def _app(certs_url: str) -> Flask:
    app = Flask("app")
    app.config.update(
        TASKHANDLER_AUDIENCE=AUDIENCE,
        TASKHANDLER_SERVICE_ACCOUNTS=ACCOUNT,
        TASKHANDLER_CERTS_URL=certs_url,
        TASKHANDLER_LEDGER="memory://",
    )
    app.register_blueprint(tasks, url_prefix="/tasks")
    return app


def _bare() -> Flask:
    app = Flask("bare")

    @app.post("/tasks/charge-order")
    def charge_order() -> dict[str, str]:
        order = request.get_json()
        return {"receipt": order["id"]}

    return app


def _environ(token: str, name: str, *, handler: str = "charge-order", retry: int = 0) -> dict[str, Any]:
    return environ_of(handler, task=name, token=token, body=BODY, retry=retry)


def _seconds(app: Flask, token: str, name: str) -> float:
    environs = [_environ(token, f"{name}-{number}") for number in range(BATCH)]
    began = time.process_time()
    for environ in environs:
        _call(app, environ)
    return (time.process_time() - began) / BATCH


def _call(app: Flask, environ: dict[str, Any]) -> None:
    answer = deliver(app, environ)
    if answer.status not in {200, 503}:
        raise RuntimeError(answer)


class _Counting:
    """A storage that counts what is asked of it."""

    def __init__(self, storage: Any) -> None:  # noqa: ANN401 - any storage
        self.storage = storage
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the storage has
        self.calls["read" if name == "read" else "write"] += 1
        return getattr(self.storage, name)


def _count_calls(app: Flask, token: str) -> None:
    assembly = app.extensions["taskhandler"]
    if not isinstance(assembly, Assembly):
        raise TypeError(assembly)
    ledger: Ledger = assembly.receiver.ledger
    counting = _Counting(ledger.storage)
    ledger.storage = counting
    for what, name, handler, retry in (
        ("a first delivery", "one", "charge-order", 0),
        ("a duplicate", "one", "charge-order", 0),
        ("a later duplicate", "one", "charge-order", 1),
        ("a failure", "two", "fail-once", 0),
        ("a retry", "two", "fail-once", 1),
    ):
        counting.calls.clear()
        _call(app, _environ(token, name, handler=handler, retry=retry))
        print(f"{what:20} {counting.calls['read']} reads, {counting.calls['write']} writes")


if __name__ == "__main__":
    main()
