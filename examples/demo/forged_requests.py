"""Requests with forged tokens or tokens of others, and with headers like those of Cloud Tasks."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial

from examples.demo.stage import ACCOUNT, Stage
from taskhandler.devqueue.faults import TokenFault


def send_forged_requests(stage: Stage) -> Iterator[tuple[str, int, int]]:
    """Try to have an order charged: what was tried, the expected status, and the status that came."""
    token = partial(stage.queue.token, email=ACCOUNT, audience=stage.target)
    tokens = {
        "no token": (401, None),
        "no Bearer token": (401, "open-sesame"),
        "a token for another audience": (401, token(audience="https://else.where")),
        "a token of another account": (403, token(email="mallory@elsewhere.com")),
        "an unverified e-mail": (401, token(email_verified=False)),
        "an unknown key": (401, token(fault=TokenFault.UNKNOWN_KEY)),
        "an expired token": (401, token(fault=TokenFault.EXPIRED)),
        "a token of another issuer": (401, token(fault=TokenFault.WRONG_ISS)),
        "a wrong signature": (401, token(fault=TokenFault.BAD_SIGNATURE)),
    }
    for number, (what, (answer, sent)) in enumerate(tokens.items()):
        yield what, answer, _post(stage, f"forged-{number}", sent)


def _post(stage: Stage, name: str, token: str | None) -> int:
    headers = {
        "X-CloudTasks-QueueName": "shop",
        "X-CloudTasks-TaskName": name,
        "X-CloudTasks-TaskRetryCount": "0",
        "X-CloudTasks-TaskExecutionCount": "0",
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    body = b'{"id": "forged", "cents": 1000000}'
    request = urllib.request.Request(f"{stage.target}/charge-order", body, headers)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
