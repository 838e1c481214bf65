"""What is known of the server's worker. Under real servers: tests/serving and tests/border."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from taskhandler.web.worker import UNKNOWN_THREADS, count_threads, find_gunicorn_worker


def test_outside_of_gunicorn_no_worker_is_known_and_few_threads_are_assumed() -> None:
    assert find_gunicorn_worker() is None
    assert count_threads() == UNKNOWN_THREADS


@pytest.mark.parametrize(("options", "known"), [({}, 1), ({"threads": b"8"}, 8), ({"threads": True}, 1)])
def test_uwsgi_says_how_many_threads_its_workers_have(
    options: dict[str, object], known: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(opt=options))
    assert count_threads() == known
