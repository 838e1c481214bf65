"""What hostile storms cost, against a bare Flask view that says 401 to the same requests.

    python -m benchmarks.storms [--only NAME] [--rounds 3] [--seconds 2]

One gunicorn worker with 8 threads serves both. For each storm, in turns:

* as fast as it is answered: processor time of the worker for a request, ours and the bare view's;
* at a steady pace beside valid deliveries (SQLite ledger, a remembered token, 4 connections): how many of
  them are answered a second, and how late, without a storm, while it meets the bare view, and ours.

Medians of the rounds; the times of all rounds together. The client shares the cores with the worker.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection
from statistics import median

from benchmarks.parts.certificates import Certificates, published
from benchmarks.parts.client import Sample, ask
from benchmarks.parts.deliveries import ACCOUNT, AUDIENCE
from benchmarks.parts.hostile import Storm, sequence, storms, valid
from benchmarks.parts.served import Server, served
from taskhandler.devqueue import LocalQueue

OURS = b"/tasks/"
CONNECTIONS = 4
STORM_CONNECTIONS = 16
"""More than the worker has threads."""
MARGIN_SECONDS = 0.2
"""What a storm lasts longer than the deliveries beside it."""

HEADS = (
    f"{'':32} {'us of CPU a request':>27}   {'valid deliveries/s':>23}   {'p50 ms':>23}   {'p99 ms':>23}",
    f"{'storm':32} {'ours':>7} {'401 view':>10} {'ratio':>8}" + f"   {'calm':>7} {'401':>7} {'ours':>7}" * 3,
)


def main() -> int:
    """Measure and print; 1 if anything was answered what it must not be."""
    asked = _parser().parse_args()
    with LocalQueue() as queue, _server(queue) as server:
        deliver = valid(queue.token(email=ACCOUNT, audience=AUDIENCE))
        comparison = Comparison(server, deliver, asked.rounds, asked.seconds)
        print(*HEADS, sep="\n")
        for storm in storms(queue):
            if asked.only in {"", storm.name}:
                print(comparison.line(storm), flush=True)
    print(*comparison.wrong, sep="\n")
    return int(bool(comparison.wrong))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storms", description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME", help="the storm of this name")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each sample (default: %(default)s)")
    return parser


class Comparison:
    """Measures storms at one server.

    Args:
        server: that is up.
        deliver: a valid delivery.
        rounds: of which the medians count.
        seconds: of each sample.

    Attributes:
        wrong: what was answered what it must not be, a line each.
    """

    def __init__(self, server: Server, deliver: tuple[bytes, ...], rounds: int, seconds: float) -> None:
        self.wrong: list[str] = []
        self._server, self._deliver = server, deliver
        self._rounds, self._seconds = rounds, seconds

    def line(self, storm: Storm) -> str:
        """Measure a storm; its line of the table."""
        costs = [(self._cpu(storm, OURS), self._cpu(storm, storm.bare)) for _ in range(self._rounds)]
        ours, bare = (median(column) for column in zip(*costs, strict=True))
        ratio = median(one / other for one, other in costs)
        paths = (b"", storm.bare, OURS)
        rounds = [[self._beside(storm, path) for path in paths] for _ in range(self._rounds)]
        whole = [_together(column) for column in zip(*rounds, strict=True)]
        rates = [median(sample.rate for sample in column) for column in zip(*rounds, strict=True)]
        columns = (rates, *([sample.percentile(percent) for sample in whole] for percent in (50, 99)))
        return f"{storm.name:32} {ours:7.0f} {bare:10.0f} {ratio:8.2f}   " + "   ".join(map(_row, columns))

    def _cpu(self, storm: Storm, path: bytes) -> float:
        """Microseconds of the worker's processor time that a request takes."""
        before = self._server.cpu_seconds()
        sample = self._ask(sequence(storm.requests, path))
        self._check(storm, path, sample.statuses)
        return (self._server.cpu_seconds() - before) / len(sample.seconds) * 1e6

    def _beside(self, storm: Storm, path: bytes) -> Sample:
        """Valid deliveries while the storm meets the view at `path`; without a storm if that is empty."""
        with self._storm(storm, path) if path else nullcontext():
            sample = self._ask(sequence(self._deliver))
        if sample.statuses.keys() != {200}:
            self.wrong.append(f"beside {storm.name!r} valid deliveries were answered {sample.statuses}")
        return sample

    def _ask(self, make: Callable[[], bytes]) -> Sample:
        return asyncio.run(ask(self._server.port, make, connections=CONNECTIONS, lasts=self._seconds))

    @contextmanager
    def _storm(self, storm: Storm, path: bytes) -> Iterator[None]:
        """In a process of its own, so that it does not slow down those who are measured."""
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        lasts = self._seconds + MARGIN_SECONDS
        process = context.Process(target=_send_storm, args=(there, self._server.port, storm, path, lasts))
        process.start()
        here.recv()
        yield
        self._check(storm, path, here.recv())
        process.join()

    def _check(self, storm: Storm, path: bytes, statuses: Counter[int]) -> None:
        if statuses.keys() != {storm.status if path == OURS else 401}:
            self.wrong.append(f"{storm.name!r} at {path.decode()} was answered {statuses}")


def _send_storm(parent: Connection, port: int, storm: Storm, path: bytes, lasts: float) -> None:
    parent.send("started")
    make = sequence(storm.requests, path)
    sample = asyncio.run(ask(port, make, connections=STORM_CONNECTIONS, lasts=lasts, pace=storm.pace))
    parent.send(sample.statuses)


def _row(numbers: list[float]) -> str:
    return " ".join(f"{each:7.1f}" for each in numbers)


def _together(samples: Iterable[Sample]) -> Sample:
    """All of them as one."""
    samples = list(samples)
    whole = Sample([each for sample in samples for each in sample.seconds], Counter())
    whole.lasted = sum(sample.lasted for sample in samples)
    return whole


@contextmanager
def _server(queue: LocalQueue) -> Iterator[Server]:
    """The server; the address of its certificates hangs once it has fetched them."""
    with urllib.request.urlopen(queue.certs_url) as answer:  # noqa: S310 - our own address
        certificates = Certificates(answer.read())
    with tempfile.TemporaryDirectory() as folder, published(certificates) as certs_url:
        environment = {
            "TASKHANDLER_AUDIENCE": AUDIENCE,
            "TASKHANDLER_SERVICE_ACCOUNTS": ACCOUNT,
            "TASKHANDLER_CERTS_URL": certs_url,
            "TASKHANDLER_LEDGER": f"sqlite:///{folder}/ledger.db",
        }
        app = "benchmarks.parts.storm_app:make_app()"
        with served(app, environment, workers=1, threads=8) as server:
            deliver = valid(queue.token(email=ACCOUNT, audience=AUDIENCE))
            asyncio.run(ask(server.port, sequence(deliver), connections=1, lasts=0.1))
            certificates.hanging = True
            yield server


if __name__ == "__main__":
    sys.exit(main())
