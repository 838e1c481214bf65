"""Deliveries over the SQLite ledger, fully synchronous, against bare Flask: gunicorn, 2 workers, 8 threads.

    python benchmarks/serving.py

Distinct tasks with a real token, 16 connections kept alive, in turns; the median of the ratios of the rates.
The one who asks shares the cores with the ones who answer.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from flask import Flask, request

sys.path.insert(0, str(Path(__file__).parents[1]))

from taskhandler import TaskBlueprint
from taskhandler.devqueue import LocalQueue

ROOT = Path(__file__).parents[1]
ROUNDS, REQUESTS, CONNECTIONS = 7, 1600, 16
ACCOUNT, AUDIENCE = "queue@bench.iam.gserviceaccount.com", "https://bench.example.com/tasks"
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
        with _served("ours", environment) as our_port, _served("bare", environment) as bare_port:
            _rate(our_port, token, "warm"), _rate(bare_port, token, "warm")
            pairs = [
                (_rate(our_port, token, f"o{turn}"), _rate(bare_port, token, f"b{turn}"))
                for turn in range(ROUNDS)
            ]
    rates = [median(column) for column in zip(*pairs, strict=True)]
    print(f"taskhandler, SQLite  {rates[0]:7.0f} deliveries/s")
    print(f"bare Flask           {rates[1]:7.0f} requests/s")
    print(f"ratio                {median(one / other for one, other in pairs):7.2f}    (budget 0.40)")


@contextmanager
def _served(factory: str, environment: dict[str, str]) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            f"benchmarks.serving:{factory}()",
            "--log-level",
            "error",
        ]
        size = ["--worker-class", "gthread", "--workers", "2", "--threads", "8", "--keep-alive", "60"]
        server = subprocess.Popen(
            [*command, *size, "--bind", f"fd://{listener.fileno()}", "--no-control-socket"],
            cwd=ROOT,
            env={**os.environ, **environment},
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            yield listener.getsockname()[1]
        finally:
            server.terminate()
            server.wait(30)


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
        head = (
            f"POST /tasks/charge-order HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n"
            f"X-CloudTasks-QueueName: bench\r\nX-CloudTasks-TaskName: {name}-{number}\r\n"
            "X-CloudTasks-TaskRetryCount: 0\r\nX-CloudTasks-TaskExecutionCount: 0\r\n\r\n"
        )
        writer.write(head.encode() + BODY)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        if " 200 " not in answer.splitlines()[0]:
            raise RuntimeError(answer)
        await reader.readexactly(int(answer.lower().split("content-length:")[1].split()[0]))
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    main()
