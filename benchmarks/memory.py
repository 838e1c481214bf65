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
from contextlib import contextmanager
from pathlib import Path

from benchmarks.parts.deliveries import ACCOUNT, AUDIENCE
from benchmarks.parts.outcomes import Round, make_app
from taskhandler.devqueue import LocalQueue

ANOTHER = "another@bench.iam.gserviceaccount.com"
ALLOWED_BYTES = 200
"""What a delivery may leave behind before the size counts as growing: a leaked body has thousands."""
TENTHS = 10


def main() -> int:
    """Measure and print; 1 if it grows."""
    asked = _parser().parse_args()
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        logging.basicConfig(stream=nowhere)  # tracebacks are made up, as for a log that somebody reads
        slopes = [_measure(ledger, asked.deliveries, asked.size) for ledger in asked.ledger]
    return int(max(slopes) > ALLOWED_BYTES)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=100_000, help="(default: %(default)s)")
    parser.add_argument("--size", type=int, default=20_000, help="bytes of a body (default: %(default)s)")
    parser.add_argument("--ledger", nargs="+", choices=["sqlite", "firestore"], default=["sqlite"])
    return parser


def _measure(ledger: str, deliveries: int, size: int) -> float:
    with _ledger(ledger) as url, LocalQueue() as queue:
        app = make_app(url, queue.certs_url)
        token, forbidden = (queue.token(email=each, audience=AUDIENCE) for each in (ACCOUNT, ANOTHER))
        play = Round(app, token=token, forbidden=forbidden, size=size)
        release = play.hold()
        try:
            sizes = list(_sizes(play, deliveries // TENTHS))
        finally:
            release()
    slope = (sizes[-1] - sizes[0]) / (deliveries * (TENTHS - 1) / TENTHS)
    mib = [size / 2**20 for size in (sizes[0], sizes[TENTHS // 2 - 1], sizes[-1])]
    print(f"{ledger}: {mib[0]:.1f} MiB at 10 %, {mib[1]:.1f} MiB at 50 %, {mib[2]:.1f} MiB at 100 %")
    print(f"{ledger}: slope {slope:.0f} bytes a delivery    (budget: flat, at most {ALLOWED_BYTES})")
    return slope


def _sizes(play: Round, deliveries: int) -> Iterator[int]:
    """The resident bytes after each tenth."""
    for tenth in range(1, TENTHS + 1):
        came: Counter[str] = Counter()
        while came.total() < deliveries:
            for kind, answer in play():
                if answer.outcome != kind.outcome:
                    raise RuntimeError(f"{kind} came to {answer}")
                came[answer.outcome] += 1
        gc.collect()  # what a collection gives back is no leak
        size = _resident_bytes()
        print(f"{tenth * came.total():8} deliveries {size / 2**20:7.1f} MiB", flush=True)
        yield size


@contextmanager
def _ledger(name: str) -> Iterator[str]:
    """The URL of an empty ledger."""
    if name == "firestore":
        if "FIRESTORE_EMULATOR_HOST" not in os.environ:
            raise SystemExit("FIRESTORE_EMULATOR_HOST must be the address of Google's emulator")
        yield f"firestore://bench-{os.urandom(6).hex()}?warm=1"
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite://{folder}/ledger.db?synchronous=normal"


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
