from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from taskhandler.certs import LARGEST, Certificate, CertificateKeeper, Fetched, Unreachable, fetch_over_http
from taskhandler.config import CERTS_URL
from tests import mint


@pytest.fixture
def published() -> Iterator[mint.Publisher]:
    with mint.Publisher() as publisher:
        yield publisher


def test_sixteen_threads_starting_cold_share_one_fetch(published: mint.Publisher) -> None:
    keeper = CertificateKeeper(published.url, clock=time.monotonic)
    ready = threading.Barrier(16)

    def find(_: int) -> bool:
        ready.wait()
        return isinstance(keeper.find(mint.KID), Certificate)

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(find, range(16)))
    assert published.asked == 1


def test_sixteen_strangers_at_once_share_one_fetch(published: mint.Publisher) -> None:
    keeper = CertificateKeeper(published.url, clock=time.monotonic)
    assert isinstance(keeper.find(mint.KID), Certificate)
    published.body = mint.certificates("new")
    ready = threading.Barrier(16)

    def find(_: int) -> bool:
        ready.wait()
        return isinstance(keeper.find("new"), Certificate)

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(find, range(16)))
    assert published.asked == 2


def test_an_address_that_stalls_does_not_hold_up_those_who_have_certificates(
    published: mint.Publisher,
) -> None:
    clock = mint.Clock()
    keeper = CertificateKeeper(published.url, clock=clock)
    assert isinstance(keeper.find(mint.KID), Certificate)
    published.open.clear()
    clock.now += 100_000
    begun = time.monotonic()
    with ThreadPoolExecutor(16) as threads:
        assert all(isinstance(found, Certificate) for found in threads.map(keeper.find, [mint.KID] * 64))
    assert time.monotonic() - begun < 2  # the fetch would take 4


def test_an_address_that_stalls_holds_up_the_others_for_so_long_only(published: mint.Publisher) -> None:
    published.open.clear()
    keeper = CertificateKeeper(published.url, clock=time.monotonic, patience=0.1)
    begun = time.monotonic()
    assert isinstance(keeper.find(mint.KID), Unreachable)
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    ("control", "max_age"),
    [
        ("public, max-age=21000, must-revalidate, no-transform", 21000),
        ("max-age=0", 0),
        ('private,MAX-AGE="60"', 60),
        ("s-maxage=60", None),
        ("x-max-age=60", None),
        ("max-age=soon", None),
        ("max-age=-1", None),
        ("no-store", None),
        ("", None),
    ],
)
def test_the_max_age_is_read(published: mint.Publisher, control: str, max_age: float | None) -> None:
    published.headers = {"Cache-Control": control}
    assert fetch_over_http(published.url, 4) == Fetched(published.body, max_age)


def test_an_answer_without_cache_control_is_read(published: mint.Publisher) -> None:
    published.headers = {}
    assert fetch_over_http(published.url, 4).max_age is None


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 404, 429, 500, 503])
def test_anything_but_a_success_is_a_failure_and_redirects_are_not_followed(
    published: mint.Publisher, status: int
) -> None:
    published.status, published.headers = status, {"Location": published.url}
    with pytest.raises(OSError, match=str(status)):
        fetch_over_http(published.url, 4)
    assert published.asked == 1


def test_an_endless_answer_is_a_failure(published: mint.Publisher) -> None:
    published.body = b"x" * (LARGEST + 1)
    with pytest.raises(ValueError, match="longer"):
        fetch_over_http(published.url, 4)
    published.body = b"x" * LARGEST
    assert fetch_over_http(published.url, 4).body == published.body


def test_an_answer_that_is_not_http_is_a_failure(published: mint.Publisher) -> None:
    published.headers = {f"X-{number}": "too many headers" for number in range(101)}
    with pytest.raises(OSError, match="HTTP"):
        fetch_over_http(published.url, 4)


def test_a_fetch_has_a_time_out(published: mint.Publisher) -> None:
    published.open.clear()
    with pytest.raises(OSError, match="timed out"):
        fetch_over_http(published.url, 0.1)


def test_a_proxy_of_the_environment_is_not_asked_about_this_machine(
    published: mint.Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert fetch_over_http(published.url, 4).body == published.body


def test_nobody_listening_makes_google_unreachable_quickly(caplog: pytest.LogCaptureFixture) -> None:
    with mint.Publisher() as gone:
        url = gone.url
    keeper = CertificateKeeper(url, clock=time.monotonic)
    assert isinstance(keeper.find(mint.KID), Unreachable)
    # Another test's keeper, on a thread of its own, may complain here too.
    complaint = f"certificates could not be had from {url}: URLError"
    assert any(message.startswith(complaint) for message in caplog.messages)


def test_an_answer_nested_too_deeply_to_be_read_is_a_failure_like_any_other(
    published: mint.Publisher, caplog: pytest.LogCaptureFixture
) -> None:
    published.body = b"[" * 200_000
    keeper = CertificateKeeper(published.url, clock=time.monotonic)
    assert isinstance(keeper.find(mint.KID), Unreachable)
    assert len([message for message in caplog.messages if published.url in message]) == 1


def test_the_hook_for_forks_does_not_keep_a_keeper_alive() -> None:
    keeper = CertificateKeeper(CERTS_URL, clock=time.monotonic)
    alive = weakref.ref(keeper)
    del keeper
    gc.collect()
    assert alive() is None


FORK = """
import os, threading
from taskhandler.certs import Certificate, CertificateKeeper, Fetched
from taskhandler.config import CERTS_URL
from tests import mint

parent, begun, forked = os.getpid(), threading.Event(), threading.Event()

def spawn(act):  # with the keeper's lock held; in the parent until after the fork
    if os.getpid() == parent:
        begun.set()
        forked.wait(60)
    act()

fetch = lambda *_: Fetched(mint.certificates())
keeper = CertificateKeeper(CERTS_URL, clock=lambda: 1.0, fetch=fetch, spawn=spawn)
gone = CertificateKeeper(CERTS_URL, clock=lambda: 1.0)
del gone
thread = threading.Thread(target=keeper.find, args=[mint.KID])
thread.start()
assert begun.wait(60)
child = os.fork()
if child == 0:
    os._exit(0 if isinstance(keeper.find(mint.KID), Certificate) else 1)
status = os.waitpid(child, 0)[1]
forked.set()
thread.join()
assert isinstance(keeper.find(mint.KID), Certificate)
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


def test_a_child_forked_while_the_lock_is_held_finds_its_keys() -> None:
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], timeout=30, check=False)
    assert ended.returncode == 0


HEAVY = "google.auth", "urllib.request", "cryptography", "asyncio"
LIGHT = f"""
import sys
import taskhandler.auth, taskhandler.certs
raise SystemExit([name for name in {HEAVY} if name in sys.modules])
"""


def test_importing_costs_nothing_heavy() -> None:
    ended = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, timeout=30, check=False)
    assert (ended.stderr.decode().strip(), ended.returncode) == ("[]", 1)
