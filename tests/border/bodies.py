"""The request's body, read in every way: by handlers, and by hooks before and after them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from taskhandler import Task, TaskBlueprint
from tests.border.customization import CUSTOMIZATIONS, Customization, Install, customization
from tests.serving import effects

JSON = ("application/json", b'{"order": "A7", "cents": 950}')
FORM = ("application/x-www-form-urlencoded", b"order=A7&cents=950")
PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="order"\r\n\r\nA7\r\n',
    b'--b\r\nContent-Disposition: form-data; name="scan"; filename="s.txt"\r\n\r\nhello\r\n--b--\r\n',
)
FILES = ("multipart/form-data; boundary=b", b"".join(PARTS))
TEXT = ("text/plain", b"order A7")
BODIES = {"json": JSON, "form": FORM, "files": FILES, "text": TEXT}
"""Bodies, with their types."""


def _form() -> dict[str, str]:
    return request.form.to_dict()


def _files() -> dict[str, str]:
    found = {name: file.read().decode() for name, file in request.files.items()}
    for file in request.files.values():
        file.seek(0)  # those after us want to read it too
    return found


WAYS: dict[str, Callable[[], Any]] = {
    "get_json": lambda: request.get_json(silent=True),
    "form": _form,
    "files": _files,
    "data": lambda: str(request.data, "utf-8"),
    "get_data": lambda: request.get_data(as_text=True),
    "get_data uncached": lambda: request.get_data(cache=False, as_text=True),
    "stream": lambda: request.stream.read().decode(),
    "stream in lines": lambda: b"".join(request.stream).decode(),
    "values": lambda: dict(request.values.items()),
    "wsgi.input": lambda: request.environ["wsgi.input"].read(_length()).decode(),
}
"""How a view reads the body."""


def _length() -> int:
    return request.content_length or 0


def reading_handler(tasks: TaskBlueprint) -> None:
    """Add the handler that reads the request in the way that its header asks for."""

    @tasks.handler("read")
    def read(payload: bytes, task: Task) -> dict[str, Any]:
        return {"payload": payload.decode(), "seen": WAYS[task.headers.get("X-Way") or ""]()}


def reading_view(app: Flask) -> None:
    """Add a view that does the same: what it sees is what a handler must see."""

    @app.post("/view")
    def view() -> dict[str, Any]:
        return {"seen": WAYS[request.headers["X-Way"]]()}


def _reads_first(way: str) -> Install:
    def install(app: Flask, _: TaskBlueprint) -> None:
        app.before_request(lambda: (WAYS[way](), None)[1])

    return install


for _way in WAYS:
    CUSTOMIZATIONS[f"reads {_way} first"] = Customization(install=_reads_first(_way), placements=("early",))


@customization(placements=("early",))
def reads_after_the_handler(app: Flask, _: TaskBlueprint) -> None:
    """Write down what a hook after the handler reads."""

    def read(response: Response) -> Response:
        way, task = request.headers.get("X-Way"), request.headers["X-CloudTasks-TaskName"]
        if way:
            path = Path(app.config["BORDER_FOLDER"], f"{task}.effects")
            effects.write(str(path), "read", task, 0, json.dumps(WAYS[way]()))
        return response

    app.after_request(read)


@customization(placements=("early",))
def closes_the_stream_first(app: Flask, _: TaskBlueprint) -> None:
    """End the body's stream, as some extensions do with what they have done with."""

    def close() -> None:
        request.environ["wsgi.input"].close()

    app.before_request(close)
