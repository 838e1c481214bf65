"""Deliveries as Cloud Tasks makes them, handed to a WSGI app in this process."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from flask import Flask
from msgspec import Struct

ACCOUNT, AUDIENCE = "queue@bench.iam.gserviceaccount.com", "https://bench.example.com/tasks"

_NOWHERE = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives


class Answer(Struct, frozen=True):
    """What the app answered: its status code, and the outcome where it is an answer of taskhandler's.

    A handler that ends its worker is answered nothing: 0 and `killed`.
    """

    status: int
    outcome: str


def environ_of(
    handler: str, *, task: str, token: str, body: bytes, retry: int = 0, method: str = "POST", **more: object
) -> dict[str, Any]:
    """A WSGI environment as a server makes it; `more` is put over it, and None takes a variable out."""
    usual = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/tasks/{handler}",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "bench.example.com",
        "HTTP_USER_AGENT": "Google-Cloud-Tasks",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_X_CLOUDTASKS_QUEUENAME": "bench",
        "HTTP_X_CLOUDTASKS_TASKNAME": task,
        "HTTP_X_CLOUDTASKS_TASKRETRYCOUNT": str(retry),
        "HTTP_X_CLOUDTASKS_TASKEXECUTIONCOUNT": "0",
        "HTTP_X_CLOUDTASKS_TASKETA": "1666670855.3296249",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": _NOWHERE,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def deliver(app: Flask, environ: dict[str, Any]) -> Answer:
    """Call the app as a server does, to the end of the answer's body."""
    said: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:  # noqa: ANN401 - PEP 3333's write
        said.append((status, headers))
        return lambda _: None

    try:
        body = app(environ, start_response)
    except SystemExit:  # gunicorn's own way to end a worker in the middle of a request
        return Answer(0, "killed")
    for _ in body:
        pass
    if hasattr(body, "close"):
        body.close()
    status, headers = said[-1]
    return Answer(int(status[:3]), dict(headers).get("X-TaskHandler-Outcome", ""))
