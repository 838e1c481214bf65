"""Load: endless failures, storms of requests, compressed bombs, and deliveries that wait."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.faults.play import Play, UnmetError
from tests.faults.scenario import scenario
from tests.faults.stage import ACCOUNT, Setup

ALONE = Setup(workers=1)
THREADS = 8
STORMED = Setup(workers=1, threads=THREADS, certificates=True)
MIB = 2**20
TIMEOUT_SECONDS = 10.0


@scenario(ALONE)
def a_task_that_always_fails(play: Play) -> None:
    """Failures leave nothing behind in the worker's memory, however large the body."""
    task = play.expect(runs=(0, 999), body=b"x" * 500_000)
    for number, act in enumerate(("fail", "retry", "limit") * 100):
        play.order(task, "begun", act, attempt=number + 1)
    grown = _growth(play, lambda: play.post(task, number=1), warm=60, times=240)
    play.claim(grown < 30 * MIB, f"MEMORY: 240 failed deliveries of 0.5 MB left {grown / MIB:.0f} MiB behind")
    play.calm()
    play.send(task)


@scenario(ALONE)
def hundreds_of_payloads_that_cannot_be_read(play: Play) -> None:
    """Nor do payloads that cannot be decoded."""
    tasks = (
        play.expect(handler="weigh", body=_wrong(number), end="rejected", runs=(0, 0))
        for number in range(300)
    )
    grown = _growth(play, lambda: play.post(next(tasks)), warm=60, times=240)
    play.claim(grown < 30 * MIB, f"MEMORY: 240 payloads of 0.5 MB left {grown / MIB:.0f} MiB behind")


@scenario(Setup(workers=1, threads=THREADS))
def the_last_deliveries_wait_and_the_others_are_served(play: Play) -> None:
    """Of two hundred last deliveries of a task that runs some wait, the others are answered 429 at once.

    The health check is answered meanwhile, and another task runs.
    """
    task, other = play.expect(), play.expect()
    play.order(task, "begun", "park")
    play.send(task)
    play.see(task, "begun")
    answers = play.post_many(task, 200, number=99)
    play.until(lambda: sum(answer.done() for answer in answers) >= 200 - THREADS, "THREADS: all of them wait")
    play.claim(_is_up(play), "THREADS: the health check was not answered")
    play.claim(play.post(other) == 200, "THREADS: another task did not run")
    play.release(task, "begun")
    statuses = [answer.result(60) for answer in answers]
    play.claim(set(statuses) <= {200, 429}, f"answered {sorted(set(statuses))}")
    play.claim(statuses.count(200) >= 1, "none of them waited")


@scenario(STORMED)
def tokens_of_unknown_keys_while_the_certificates_hang(play: Play) -> None:
    """They are refused, 401, before the fetch of the certificates is given up, and others are served."""
    first, task = play.expect(), play.expect()
    play.claim(play.post(first) == 200, "the certificates were not fetched")
    publisher = play.stage.certificates
    if publisher is None:
        raise UnmetError("the certificates of this stage cannot hang")
    logged = len(play.stage.server.lines())
    publisher.open.clear()
    try:
        with ThreadPoolExecutor(2 * THREADS) as storm:
            statuses = set(storm.map(lambda _: play.post(task, headers=_unknown(play)), range(10 * THREADS)))
        play.claim(statuses == {401}, f"THREADS: tokens of unknown keys were answered {sorted(statuses)}")
        play.claim(play.post(task) == 200, "THREADS: a valid token was not served")
        said = [line for line in play.stage.server.lines()[logged:] if "could not fetch certificates" in line]
        play.claim(not said, "THREADS: they waited until the fetch was given up")
        play.claim(publisher.asked > 1, "nobody tried to fetch the certificates")
    finally:
        publisher.open.set()


@scenario(ALONE)
def a_gzip_bomb(play: Play) -> None:
    """It is refused, 413, before it is inflated, and never reaches the ledger; what is small is read."""
    task = play.expect(handler="weigh", body=b'{"grams": 7}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    bomb = gzip.compress(b" " * 400 * MIB, 9)
    took = _peak(
        play, lambda: play.claim(play.post(task, body=bomb, headers=headers) == 413, "BOMB: not refused")
    )
    play.claim(took < 50 * MIB, f"BOMB: it took {took / MIB:.0f} MiB")
    play.claim(not play.count(task, "claim.sent"), "BOMB: the ledger heard of it")
    play.claim(play.post(task, body=gzip.compress(task.body), headers=headers) == 200, "it was not read")
    play.claim(play.post(task) == 200, "BOMB: what was inflated is another body than the same one as it is")


@scenario(ALONE)
def a_handler_that_always_asks_for_a_retry(play: Play) -> None:
    """The log says so now and then, with a count, and not for each of three hundred deliveries."""
    task = play.expect(runs=(301, 301))
    play.order(task, "begun", "limit", times=300)
    lines = len(play.stage.server.lines())
    statuses = {play.post(task, number=1) for _ in range(300)}
    play.claim(statuses == {429}, f"answered {sorted(statuses)}")
    lines = len(play.stage.server.lines()) - lines
    play.claim(lines <= 30, f"LOG: there are {lines} lines for 300 deliveries that came to the same")
    play.claim(lines >= 1, "the log does not say it at all")
    play.send(task)


@scenario(Setup(workers=1, settings=(("BENCH_MODELS", "1"),)))
def a_payload_that_is_wrong_in_every_place(play: Play) -> None:
    """It is rejected in a few words, in the record and in the log, and takes no memory for each of them."""
    body = b'{"items":[%s{}]}' % (b"{}," * 300_000)
    tasks = [play.expect(handler="ship", body=body, end="rejected", runs=(0, 0)) for _ in range(4)]
    took = _peak(play, lambda: [play.post(task) for task in tasks])
    play.claim(took < 100 * MIB, f"MEMORY: payloads of 0.9 MB took {took / MIB:.0f} MiB")
    written = sum(map(len, play.stage.server.lines()))
    play.claim(written < 20_000, f"LOG: four refusals wrote {written} characters")
    reasons = [len(found.record.reason) for task in tasks if (found := play.found(task))]
    play.claim(
        reasons and max(reasons) <= 2000, f"a reason of {max(reasons, default=0)} characters is recorded"
    )


def _growth(play: Play, act: Callable[[], object], *, warm: int, times: int) -> int:
    """The bytes that the worker grows by while `act` is done so often, after it was done `warm` times."""
    for _ in range(warm):
        act()
    before = play.stage.server.resident_bytes()
    for _ in range(times):
        act()
    return play.stage.server.resident_bytes() - before


def _peak(play: Play, act: Callable[[], object]) -> int:
    """The bytes by which the worker has more, at most, while `act` is done."""
    before = play.stage.server.resident_bytes()
    play.stage.server.forget_peak()
    act()
    return play.stage.server.peak_bytes() - before


def _wrong(number: int) -> bytes:
    return b'{"grams": "%s"}' % (b"%d" % number * 100_000)


def _unknown(play: Play) -> dict[str, str]:
    """A token that is as it should be, but for its key, which nobody has published."""
    token = play.stage.queue.token(email=ACCOUNT, audience=play.stage.target)
    header = json.dumps({"alg": "RS256", "kid": secrets.token_hex(20), "typ": "JWT"}).encode()
    named = base64.urlsafe_b64encode(header).decode().rstrip("=")
    return {"Authorization": f"Bearer {named}.{token.partition('.')[2]}"}


def _is_up(play: Play) -> bool:
    """Whether the app's own page is answered."""
    try:
        with urllib.request.urlopen(play.stage.target.removesuffix("/tasks"), timeout=TIMEOUT_SECONDS):  # noqa: S310 - our own address
            return True
    except OSError:
        return False
