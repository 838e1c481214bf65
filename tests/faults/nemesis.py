"""Faults of whole processes and connections, at moments that a seed decides."""

from __future__ import annotations

import random
import signal
import threading
from types import TracebackType

from tests.faults.stage import Stage

BETWEEN = (0.5, 2.0)
"""Seconds from one fault to the next."""

STOPPED = (0.2, 4.0)
"""Seconds that a worker stays stopped: some are shorter than its leases, some are longer."""


class Nemesis:
    """At work while the `with` block lasts.

    Args:
        stage: whose workers and connections are at risk.
        seed: decides what happens when.
    """

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._chance = random.Random(seed)  # noqa: S311 - chance that repeats, nothing secret
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def __enter__(self) -> Nemesis:  # noqa: PYI034 - Self is not in Python 3.10
        """Begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, with no worker left stopped."""
        self._over.set()
        self._thread.join()

    def _live(self) -> None:
        while not self._over.wait(self._chance.uniform(*BETWEEN)):
            strike = self._chance.choices(
                (self._kill, self._stop, self._reload, self._cut_off), weights=(4, 5, 1, 4)
            )[0]
            strike()

    def _worker(self) -> int:
        return self._chance.choice(self._stage.workers() or [0])

    def _kill(self) -> None:
        self._stage.signal(self._worker(), signal.SIGKILL)

    def _stop(self) -> None:
        pid = self._worker()
        if self._stage.signal(pid, signal.SIGSTOP):
            self._over.wait(self._chance.uniform(*STOPPED))
            self._stage.signal(pid, signal.SIGCONT)

    def _reload(self) -> None:
        self._stage.note("reload")
        self._stage.server.reload()

    def _cut_off(self) -> None:
        """All connections to the ledger break, or none gets through for a while."""
        proxy = self._stage.site.proxy
        if proxy is None:
            return
        self._stage.note("proxy")
        proxy.cut()
        if self._chance.random() < 0.3:
            proxy.refuse()
            self._over.wait(self._chance.uniform(*STOPPED))
            proxy.heal()
