"""A body that is framed or encoded in any way arrives whole, or is refused with the reason: nothing else."""

from __future__ import annotations

import hashlib
import itertools
import json

import pytest

from taskhandler.lifecycle.record import State
from tests.border.conftest import Serve
from tests.border.framing import BODY, BYTE_ORDER_MARK, FRAMINGS, GZIP, Framing
from tests.border.served import lines
from tests.border.servers import Server, chosen
from tests.serving.raw_http import request

TASKS = itertools.count()
ON_EACH_SERVER = pytest.mark.parametrize("server", chosen())


@ON_EACH_SERVER
@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
def test_a_body_arrives_whole_or_is_refused(running: Serve, server: Server, framing: Framing):
    served, task = running(server), f"f{next(TASKS)}"
    sent = request(
        lines(task, **framing.headers), framing.sent, path="/tasks/note", unframed=framing.unframed
    )
    answers = served.exchange(sent, hang_up=framing.cut)
    said = [(answer.status, answer.outcome) for answer in answers]
    assert said in framing.answers_under(server)
    record = served.record(task)
    if said != [(200, "completed")]:
        assert record is None
        return
    assert record is not None
    assert (record.state, record.result) == (
        State.COMPLETED,
        json.dumps(hashlib.sha256(framing.claims).hexdigest()),
    )


@ON_EACH_SERVER
def test_the_same_body_with_another_content_encoding_is_the_same_task(running: Serve, server: Server):
    served, task = running(server), f"f{next(TASKS)}"
    first = served.deliver(task, FRAMINGS["gzip"].sent, **GZIP)
    second = served.deliver(task, BODY, X_CloudTasks_TaskRetryCount="1")
    assert [first.outcome, second.outcome] == ["completed", "duplicate"]


@ON_EACH_SERVER
def test_json_may_begin_with_a_byte_order_mark(running: Serve, server: Server):
    served, task = running(server), f"f{next(TASKS)}"
    said = served.deliver(task, BYTE_ORDER_MARK + BODY, handler="decode", Content_Type="application/json")
    assert (said.status, said.outcome) == (200, "completed")
    record = served.record(task)
    assert record is not None
    assert json.loads(record.result or "") == {"order": "A7"}


@ON_EACH_SERVER
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_refused_and_allow_is_sent_to_authenticated_callers_only(
    running: Serve, server: Server, method: str
):
    served, task = running(server), f"f{next(TASKS)}"
    said = served.deliver(task, b"", method=method)
    assert (said.status, said.outcome, served.record(task)) == (405, "wrong-method", None)
    assert not said.body if method == "HEAD" else said.body
    for handler in ("note", "nobody"):
        said = served.deliver(task, b"", method=method, handler=handler, Authorization=None)
        assert (said.status, said.outcome, served.record(task)) == (401, "unauthenticated", None)


@ON_EACH_SERVER
def test_ten_thousand_bytes_of_headers_run_no_handler_without_a_record(running: Serve, server: Server):
    served = running(server)
    for long in ({"X_Long": "x" * 10_000}, {"Authorization": "Bearer " + "x" * 10_000}):
        task = f"f{next(TASKS)}"
        answers = served.exchange(request(lines(task, **long), BODY, path="/tasks/note"))
        acknowledged = [answer for answer in answers if 200 <= answer.status < 300]
        assert bool(acknowledged) == (served.state(task) is State.COMPLETED)


@pytest.mark.parametrize("server", chosen(processes=True))
def test_a_client_that_hangs_up_in_the_middle_of_the_body_leaves_no_record(running: Serve, server: Server):
    served, task = running(server), f"f{next(TASKS)}"
    for framing in (FRAMINGS["shorter than announced"], FRAMINGS["a chunk that stops"]):
        served.send_and_leave(request(lines(task, **framing.headers), framing.sent, path="/tasks/note"))
    assert served.deliver(f"{task}-next").outcome == "completed"
    assert served.record(task) is None
