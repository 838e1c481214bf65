"""Deliveries over the SQLite ledger, fully synchronous, against bare Flask: gunicorn, 2 workers, 8 threads.

    python -m benchmarks.serving

Distinct tasks with a real token, 16 connections kept alive, in turns; the median of the ratios of the rates.
The one who asks shares the cores with the ones who answer.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AbstractContextManager
from statistics import median

from flask import Flask, request

from benchmarks.parts.client import request_bytes
from benchmarks.parts.deliveries import ACCOUNT, AUDIENCE
from benchmarks.parts.served import Server, served
from taskhandler import TaskBlueprint
from taskhandler.devqueue import LocalQueue

ROUNDS, REQUESTS, CONNECTIONS = 7, 1600, 16
BODY = b'{"id": "A7", "cents": 1200}'

tasks = TaskBlueprint("tasks", __name__)


@tasks.handler("charge-order")
def charge_order(order: dict[str, object]) -> dict[str, object]:
    """Do as good as nothing."""
    return {"receipt": order["id"]}


def ours() -> Flask:
    """Make the app that remembers."""
    app = Flask("ours")
    app.register_blueprint(tasks, url_prefix="/tasks")
    return app


def bare() -> Flask:
    """Make the app that does not."""
    app = Flask("bare")
    app.add_url_rule("/tasks/charge-order", view_func=_bare_view, methods=["POST"])
    return app


def _bare_view() -> dict[str, object]:
    return {"receipt": request.get_json()["id"]}


def main() -> None:
    """Measure and print."""
    with LocalQueue() as queue, tempfile.TemporaryDirectory() as folder:
        token = queue.token(email=ACCOUNT, audience=AUDIENCE)
        environment = {
            "TASKHANDLER_AUDIENCE": AUDIENCE,
            "TASKHANDLER_SERVICE_ACCOUNTS": ACCOUNT,
            "TASKHANDLER_CERTS_URL": queue.certs_url,
            "TASKHANDLER_LEDGER": f"sqlite:///{folder}/ledger.db",
        }
        with _served("ours", environment) as one, _served("bare", environment) as other:
            _rate(one.port, token, "warm"), _rate(other.port, token, "warm")
            pairs = [
                (_rate(one.port, token, f"o{turn}"), _rate(other.port, token, f"b{turn}"))
                for turn in range(ROUNDS)
            ]
    rates = [median(column) for column in zip(*pairs, strict=True)]
    print(f"taskhandler, SQLite  {rates[0]:7.0f} deliveries/s")
    print(f"bare Flask           {rates[1]:7.0f} requests/s")
    print(f"ratio                {median(one / other for one, other in pairs):7.2f}    (budget 0.40)")


def _served(factory: str, environment: dict[str, str]) -> AbstractContextManager[Server]:
    return served(f"benchmarks.serving:{factory}()", environment, workers=2, threads=8)


def _rate(port: int, token: str, name: str) -> float:
    began = time.perf_counter()
    asyncio.run(_ask_all(port, token, name))
    return REQUESTS / (time.perf_counter() - began)


async def _ask_all(port: int, token: str, name: str) -> None:
    each = REQUESTS // CONNECTIONS
    await asyncio.gather(*(_ask(port, token, f"{name}-{line}", each) for line in range(CONNECTIONS)))


async def _ask(port: int, token: str, name: str, requests: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(requests):
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "X-CloudTasks-QueueName": "bench",
            "X-CloudTasks-TaskName": f"{name}-{number}",
            "X-CloudTasks-TaskRetryCount": "0",
            "X-CloudTasks-TaskExecutionCount": "0",
        }
        writer.write(request_bytes("POST", "/tasks/charge-order", headers, BODY))
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        if " 200 " not in answer.splitlines()[0]:
            raise RuntimeError(answer)
        await reader.readexactly(int(answer.lower().split("content-length:")[1].split()[0]))
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    main()
