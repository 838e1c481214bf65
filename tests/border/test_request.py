"""`flask.request` has its body: in handlers, in hooks after them, and whichever hook has read it before."""

from __future__ import annotations

import itertools
import json
from functools import cache

import pytest
from flask import Flask

from taskhandler.lifecycle.record import State
from tests.border.bodies import BODIES, WAYS, reading_view
from tests.border.conftest import Serve
from tests.border.served import Served
from tests.border.servers import Server, chosen

TASKS = itertools.count()
ON_EACH_SERVER = pytest.mark.parametrize("server", chosen())
READERS = [f"reads {way} first/early" for way in WAYS]


@cache
def seen_by_a_view(kind: str, way: str) -> object:
    """What a view of a bare app sees that reads such a body in this way."""
    content_type, body = BODIES[kind]
    bare = Flask(__name__)
    reading_view(bare)
    answer = bare.test_client().post("/view", data=body, content_type=content_type, headers={"X-Way": way})
    return json.loads(answer.text)["seen"]


def read_in_a_handler(served: Served, kind: str, way: str, customization: str = "nothing") -> object:
    """What a handler sees; its payload is the whole body, whatever reads it."""
    (content_type, body), task = BODIES[kind], f"r{next(TASKS)}"
    said = served.deliver(
        task, body, handler="read", customization=customization, X_Way=way, Content_Type=content_type
    )
    assert (said.status, said.outcome) == (200, "completed")
    record = served.record(task)
    assert record is not None
    result = json.loads(record.result or "")
    assert result["payload"].encode() == body
    return result["seen"]


@ON_EACH_SERVER
@pytest.mark.parametrize("kind", BODIES)
def test_a_handler_sees_the_body_that_a_view_sees(running: Serve, server: Server, kind: str):
    served = running(server)
    for way in WAYS:
        assert (way, read_in_a_handler(served, kind, way)) == (way, seen_by_a_view(kind, way))


@pytest.mark.parametrize("server", chosen(core=["test client"]))
@pytest.mark.parametrize("reader", READERS)
def test_a_hook_that_reads_the_body_first_leaves_it_to_the_handler(
    running: Serve, server: Server, reader: str
):
    served = running(server)
    for kind, way in itertools.product(BODIES, WAYS):
        seen = read_in_a_handler(served, kind, way, reader)
        assert (kind, way, seen) == (kind, way, seen_by_a_view(kind, way))


@ON_EACH_SERVER
@pytest.mark.parametrize("kind", BODIES)
def test_a_hook_after_the_handler_sees_the_body(running: Serve, server: Server, kind: str):
    served = running(server)
    for way in WAYS:
        (content_type, body), task = BODIES[kind], f"r{next(TASKS)}"
        customization = "reads_after_the_handler/early"
        said = served.deliver(task, body, customization=customization, X_Way=way, Content_Type=content_type)
        assert (said.status, said.outcome) == (200, "completed")
        (read,) = served.effects("read", task)
        assert (way, json.loads(read.detail)) == (way, seen_by_a_view(kind, way))


@ON_EACH_SERVER
def test_a_task_whose_stream_a_hook_closed_is_completed_with_its_body(running: Serve, server: Server):
    served, task = running(server), f"r{next(TASKS)}"
    said = served.deliver(task, BODIES["json"][1], customization="closes_the_stream_first/early")
    assert (said.status, said.outcome, served.state(task)) == (200, "completed", State.COMPLETED)
    customization = "closes_the_stream_first/early"
    assert read_in_a_handler(served, "json", "data", customization) == seen_by_a_view("json", "data")
