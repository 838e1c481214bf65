"""An app whose deliveries come to every outcome, and the deliveries that make it do so."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pydantic
from flask import Flask, request
from msgspec import Struct

from benchmarks.parts.deliveries import ACCOUNT, AUDIENCE, Answer, deliver, environ_of
from taskhandler import RateLimited, Reject, Retry, Task, TaskBlueprint
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.rules import Cancel
from taskhandler.lifecycle.verdict import Settled
from taskhandler.outcome import Outcome

MAX_BODY_BYTES = 100_000
HOOK = "HTTP_X_BENCH_HOOK"
"""What has a hook of the app's own answer in the place of the delivery."""

tasks = TaskBlueprint("tasks", __name__)
started, released = threading.Event(), threading.Event()


@dataclass
class Order:
    """A payload that not every body can be."""

    id: str
    cents: int


class Parcel(pydantic.BaseModel):
    """Another one, whose validator keeps what it refuses."""

    grams: list[int]


@tasks.handler("work")
def work(order: dict[str, Any]) -> dict[str, Any]:
    """Complete."""
    return {"receipt": order["id"]}


@tasks.handler("fail")
def fail(order: dict[str, Any]) -> None:
    """Fail, with the payload in the traceback's frames."""
    raise ConnectionError(f"no answer for {order['id']}")


@tasks.handler("die", max_attempts=1)
def die(order: dict[str, Any]) -> None:
    """Fail for the last time."""
    raise ConnectionError(f"no answer for {order['id']}")


@die.on_dead
def mourn(task: Task, error: Exception | None) -> None:
    """Look at a death."""


@tasks.handler("retry")
def retry(order: dict[str, Any]) -> None:
    """Ask to be called again."""
    raise Retry(f"{order['id']} is not there yet", after=1)


@tasks.handler("limit")
def limit(order: dict[str, Any]) -> None:
    """Ask the queue to slow down."""
    raise RateLimited(f"too many of {order['id']}", after=1)


@tasks.handler("reject")
def reject(order: dict[str, Any]) -> None:
    """End the task."""
    raise Reject(f"nobody knows {order['id']}")


@tasks.handler("charge")
def charge(order: Order) -> None:
    """Never be called: the payloads are not orders."""


@tasks.handler("weigh")
def weigh(parcel: Parcel) -> None:
    """Never be called: the payloads are not parcels."""


@tasks.handler("leave")
def leave() -> None:
    """End the worker."""
    raise SystemExit(1)


@tasks.handler("stay")
def stay() -> None:
    """Run until the measurement is over, so that every other delivery of this task is in flight."""
    started.set()
    released.wait()


def make_app(ledger: str, certs_url: str) -> Flask:
    """Make the app."""
    app = Flask("outcomes")
    app.config.update(
        TASKHANDLER_AUDIENCE=AUDIENCE,
        TASKHANDLER_SERVICE_ACCOUNTS=ACCOUNT,
        TASKHANDLER_CERTS_URL=certs_url,
        TASKHANDLER_LEDGER=ledger,
        TASKHANDLER_MAX_BODY=MAX_BODY_BYTES,
    )
    app.before_request(lambda: "hooked" if request.environ.get(HOOK) else None)
    app.register_blueprint(tasks, url_prefix="/tasks")
    return app


class Kind(Struct, frozen=True, kw_only=True):
    """One way for a delivery to come to an outcome.

    Attributes:
        outcome: what it comes to; `killed` if the handler's worker ends in it.
        handler: whose task it is.
        known: whether the task is one that has completed before.
        cancelled: whether the task is one that was cancelled before it came.
        drained: whether the worker claims no more tasks.
        body: instead of the usual one.
        more: of the WSGI environment; None takes a variable out.
    """

    outcome: str
    handler: str = "work"
    known: bool = False
    cancelled: bool = False
    drained: bool = False
    body: bytes | None = None
    token: str = ""
    method: str = "POST"
    more: dict[str, Any] = {}


def kinds(size: int, *, forbidden: str) -> tuple[Kind, ...]:
    """All of them, with bodies of about `size` bytes; `forbidden` is a token of another account."""
    text = "x" * size
    return (
        Kind(outcome="completed"),
        Kind(outcome="duplicate", known=True),
        Kind(outcome="conflict", known=True, body=json.dumps({"id": "B", "text": text}).encode()),
        Kind(outcome="cancelled", cancelled=True),
        Kind(outcome="in-flight", handler="stay"),
        Kind(outcome="retry", handler="fail"),
        Kind(outcome="retry", handler="retry"),
        Kind(outcome="rate-limited", handler="limit"),
        Kind(outcome="rejected", handler="reject"),
        Kind(outcome="rejected", handler="charge"),
        Kind(outcome="rejected", handler="weigh", body=json.dumps({"grams": [text]}).encode()),
        Kind(outcome="rejected", handler="work", body=b"[" * size),
        Kind(outcome="dead", handler="die"),
        Kind(outcome="killed", handler="leave"),
        Kind(outcome="unauthenticated", token="not.a.token"),  # noqa: S106 - as it says
        Kind(outcome="forbidden", token=forbidden),
        Kind(outcome="unauthenticated", more={"HTTP_AUTHORIZATION": None}, method="PUT"),
        Kind(outcome="malformed", more={"HTTP_X_CLOUDTASKS_TASKRETRYCOUNT": "many"}),
        Kind(outcome="malformed", more={"CONTENT_LENGTH": str(size // 2)}, body=b"{"),
        Kind(outcome="too-large", body=b"x" * (MAX_BODY_BYTES + 1)),
        Kind(outcome="wrong-method", method="PUT"),
        Kind(outcome="unknown-handler", handler="nobody"),
        Kind(outcome="intercepted", more={HOOK: "1"}),
        Kind(outcome="unavailable", drained=True),
    )


class Round:
    """Delivers one of each kind at a time.

    Args:
        app: where to.
        drained: another one, whose worker is to stop.
        token: of the account that may.
        forbidden: of another account.
        size: bytes of the usual body.
    """

    def __init__(self, app: Flask, drained: Flask, *, token: str, forbidden: str, size: int) -> None:
        self._app, self._drained, self._token = app, drained, token
        self._kinds = kinds(size, forbidden=forbidden)
        missing = {outcome.value for outcome in Outcome} - {kind.outcome for kind in self._kinds}
        if missing:
            raise RuntimeError(f"no delivery comes to {missing}")
        self._body = json.dumps({"id": "A", "text": "x" * size}).encode()
        self._turns = itertools.count()
        _cancel(app, "cancelled")

    def __len__(self) -> int:
        """How many deliveries a round has."""
        return len(self._kinds)

    def __call__(self) -> Iterator[tuple[Kind, Answer]]:
        """Deliver; each kind with what it was answered."""
        turn = next(self._turns)
        for number, kind in enumerate(self._kinds):
            app = self._drained if kind.drained else self._app
            yield kind, deliver(app, self._environ(kind, turn, number))

    def hold(self) -> Callable[[], None]:
        """Have one task run until what is returned is called."""
        started.clear()
        released.clear()
        environ = environ_of("stay", task="stay", token=self._token, body=self._body)
        thread = threading.Thread(target=deliver, args=(self._app, environ))
        thread.start()
        started.wait(30)

        def release() -> None:
            released.set()
            thread.join()

        return release

    def _environ(self, kind: Kind, turn: int, number: int) -> dict[str, Any]:
        task = "stay" if kind.handler == "stay" else f"t{turn}-{0 if kind.known else number}"
        task = "cancelled" if kind.cancelled else task
        return environ_of(
            kind.handler,
            task=task,
            token=kind.token or self._token,
            body=self._body if kind.body is None else kind.body,
            method=kind.method,
            **kind.more,
        )


def _cancel(app: Flask, task: str) -> None:
    cancel = Cancel(nonce=task, reason="changed their mind", handler="work", retention=35 * 86400.0)
    ledger = app.extensions["taskhandler"].receiver.ledger
    verdict = ledger.amend(Key("", "bench", task), cancel, None, timeout=5.0).verdict
    if not isinstance(verdict, Settled):
        raise TypeError(f"{task} cannot be cancelled: {verdict}")
