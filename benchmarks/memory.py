"""Does the memory of a worker grow? Resident size over many deliveries that come to every outcome.

    python -m benchmarks.memory [--deliveries 100000] [--size 20000] [--ledger sqlite firestore]

Prints the resident size after each tenth, and how much a delivery has left behind from the first tenth
to the end. Ends with status 1 if that is more than `ALLOWED_BYTES`.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.parts.deliveries import ACCOUNT, AUDIENCE
from benchmarks.parts.outcomes import Round, make_app
from examples.demo.ledgers import LEDGERS, ledger, problem
from taskhandler.devqueue import LocalQueue

ANOTHER = "another@bench.iam.gserviceaccount.com"
ALLOWED_BYTES = 500
"""What a delivery may leave behind before the size counts as growing: a leaked body has thousands."""
TENTHS = 10
OPTIONS = {"sqlite": "?synchronous=normal", "firestore": "?warm=1"}
"""Of the ledgers' URLs: neither disk nor first connection is the matter here."""


def main() -> int:
    """Measure and print; 1 if it grows."""
    asked = _parser().parse_args()
    for why in filter(None, map(problem, asked.ledger)):
        raise SystemExit(why)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        logging.basicConfig(stream=nowhere)  # tracebacks are made up, as for a log that somebody reads
        slopes = [_measure(kind, asked.deliveries, asked.size) for kind in asked.ledger]
    return int(max(slopes) > ALLOWED_BYTES)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--size", type=int, default=20_000, help="bytes of a body (default: %(default)s)")
    parser.add_argument("--ledger", nargs="+", choices=LEDGERS, default=["sqlite"])
    return parser


def _measure(kind: str, deliveries: int, size: int) -> float:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(ledger(kind, folder)) + OPTIONS[kind]
        queue = stack.enter_context(LocalQueue())
        app, drained = make_app(url, queue.certs_url), make_app("memory://", queue.certs_url)
        drained.extensions["taskhandler"].drain()
        token, forbidden = (queue.token(email=each, audience=AUDIENCE) for each in (ACCOUNT, ANOTHER))
        play = Round(app, drained, token=token, forbidden=forbidden, size=size)
        release = play.hold()
        try:
            sizes = list(_sizes(play, deliveries // TENTHS))
        finally:
            release()
    slope = (sizes[-1] - sizes[0]) / (deliveries * (TENTHS - 1) / TENTHS)
    mib = [size / 2**20 for size in (sizes[0], sizes[TENTHS // 2 - 1], sizes[-1])]
    print(f"{kind}: {mib[0]:.1f} MiB at 10 %, {mib[1]:.1f} MiB at 50 %, {mib[2]:.1f} MiB at 100 %")
    print(f"{kind}: slope {slope:.0f} bytes a delivery    (budget: flat, at most {ALLOWED_BYTES})")
    return slope


def _sizes(play: Round, deliveries: int) -> Iterator[int]:
    """The resident bytes after each tenth."""
    came: Counter[str] = Counter()
    for tenth in range(1, TENTHS + 1):
        came.clear()
        while came.total() < deliveries:
            came.update(_deliver(play))
        gc.collect()  # what a collection gives back is no leak
        size = _resident_bytes()
        print(f"{tenth * came.total():8} deliveries {size / 2**20:7.1f} MiB", flush=True)
        yield size
    print("of the last tenth:", ", ".join(f"{count} {outcome}" for outcome, count in came.items()))


def _deliver(play: Round) -> Counter[str]:
    """Deliver one of each kind; what they came to.

    Raises:
        RuntimeError: one came to something else, although the ledger could be reached.
    """
    answers = list(play())
    came = Counter(answer.outcome for _, answer in answers)
    is_disturbed = came["unavailable"] > 1  # one is meant to be; an emulator on a busy machine has pauses
    for kind, answer in answers:
        if answer.outcome != kind.outcome and not is_disturbed:
            raise RuntimeError(f"a delivery to {kind.handler}, {kind.outcome}, came to {answer}")
    return came


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
