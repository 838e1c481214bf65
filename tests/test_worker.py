"""What is known of the server's worker. Under real servers: tests/serving and tests/border."""

from __future__ import annotations

from taskhandler.worker import UNKNOWN_THREADS, gunicorn_worker, threads


def test_outside_of_gunicorn_no_worker_is_known_and_few_threads_are_assumed() -> None:
    assert gunicorn_worker() is None
    assert threads() == UNKNOWN_THREADS
