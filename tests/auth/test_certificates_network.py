from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice

import pytest

from taskhandler.auth.certificates import CertificateKeeper, NoSuchKey, Unreachable
from taskhandler.auth.fetch_response import Certificate
from taskhandler.config.settings import CERTS_URL
from tests.auth import issuer


@pytest.fixture
def published() -> Iterator[issuer.Publisher]:
    with issuer.Publisher() as publisher:
        yield publisher


def test_sixteen_threads_starting_cold_share_one_fetch(published: issuer.Publisher) -> None:
    keeper = CertificateKeeper(published.url, clock=time.monotonic)
    ready = threading.Barrier(16)

    def find(_: int) -> bool:
        ready.wait()
        return isinstance(keeper.find(issuer.KID), Certificate)

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(find, range(16)))
    assert published.asked == 1


def test_sixteen_callers_with_a_new_key_share_one_fetch_and_one_finds_the_key(
    published: issuer.Publisher,
) -> None:
    keeper = CertificateKeeper(published.url, clock=issuer.Clock(), starter_wait=60)
    assert isinstance(keeper.find(issuer.KID), Certificate)
    published.body = issuer.certificates("new")
    published.open.clear()
    with ThreadPoolExecutor(16) as threads:
        answers = [threads.submit(keeper.find, "new") for _ in range(16)]
        refused = list(islice(as_completed(answers, timeout=60), 15))
        published.open.set()
    assert {type(answer.result()) for answer in refused} == {NoSuchKey}
    assert sum(isinstance(answer.result(), Certificate) for answer in answers) == 1
    assert isinstance(keeper.find("new"), Certificate)
    assert published.asked == 2


def test_an_address_that_hangs_at_a_cold_start_delays_a_caller_for_the_shared_wait_only(
    published: issuer.Publisher,
) -> None:
    published.open.clear()
    keeper = CertificateKeeper(published.url, clock=time.monotonic, shared_wait=0.1)
    assert isinstance(keeper.find(issuer.KID), Unreachable)  # while the publisher still holds its answer back


def test_an_address_at_which_nothing_listens_makes_the_keys_unreachable(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with issuer.Publisher() as gone:
        url = gone.url
    keeper = CertificateKeeper(url, clock=time.monotonic)
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    # Another test's keeper, on a thread of its own, may complain here too.
    warning = f"could not fetch certificates from {url}: ConnectionRefusedError"
    assert any(message.startswith(warning) for message in caplog.messages)


def test_an_answer_nested_too_deeply_to_be_read_makes_the_keys_unreachable(
    published: issuer.Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    published.body = b"[" * 200_000
    keeper = CertificateKeeper(published.url, clock=time.monotonic)
    assert isinstance(keeper.find(issuer.KID), Unreachable)
    assert len([message for message in caplog.messages if published.url in message]) == 1


def test_the_hook_for_forks_does_not_keep_a_keeper_alive() -> None:
    keeper = CertificateKeeper(CERTS_URL, clock=time.monotonic)
    alive = weakref.ref(keeper)
    del keeper
    gc.collect()
    assert alive() is None


FORK = """
import os, threading
from taskhandler.auth.certificates import Certificate, CertificateKeeper, Fetched
from taskhandler.config.settings import CERTS_URL
from tests.auth import issuer

parent, begun, forked = os.getpid(), threading.Event(), threading.Event()

def spawn(act):  # with the keeper's lock held; in the parent until after the fork
    if os.getpid() == parent:
        begun.set()
        forked.wait(60)
    act()

fetch = lambda *_: Fetched(issuer.certificates())
keeper = CertificateKeeper(CERTS_URL, clock=lambda: 1.0, fetch=fetch, spawn=spawn)
gone = CertificateKeeper(CERTS_URL, clock=lambda: 1.0)
del gone
thread = threading.Thread(target=keeper.find, args=[issuer.KID])
thread.start()
assert begun.wait(60)
child = os.fork()
if child == 0:
    os._exit(0 if isinstance(keeper.find(issuer.KID), Certificate) else 1)
status = os.waitpid(child, 0)[1]
forked.set()
thread.join()
assert isinstance(keeper.find(issuer.KID), Certificate)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


def test_a_child_forked_while_the_lock_is_held_finds_its_keys() -> None:
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], timeout=30, check=False)
    assert ended.returncode == 0


HEAVY = "google.auth", "urllib.request", "cryptography", "asyncio"
LIGHT = f"""
import sys
import taskhandler.auth.verifier, taskhandler.auth.certificates
raise SystemExit([name for name in {HEAVY} if name in sys.modules])
"""


def test_importing_the_verifier_imports_no_heavy_library() -> None:
    ended = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, timeout=30, check=False)
    assert (ended.stderr.decode().strip(), ended.returncode) == ("[]", 1)
