"""Sets this process' wall clock forward and back, and prints how old a record looks meanwhile, as JSON.

Arguments: opener, URL. The clock is that of Python's `time` and `datetime`, and is replaced before the
storage is imported. Code in C and the clock of a database or of a file system are not affected: what a
storage asks them cannot be tested here.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
import time
from types import SimpleNamespace

from taskhandler.ledger.storage import Key, Storage, Written
from taskhandler.lifecycle.record import Record, Snapshot, State
from taskhandler.testing.programs.start import resolve

_UNSHIFTED = {"grpc"}
"""Packages that hand wall-clock times to code in C, whose clock is not shifted: gRPC its deadlines."""

HOUR_SECONDS = 3600.0
REST_SECONDS = 0.3
"""For which the record is left alone."""

KEY = Key("namespace", "queue", "task")
RECORD = Record(state=State.RUNNING, attempt=1, fence=1, lease_id="x", lease=30.0, digest="d", retention=9e6)

_real = SimpleNamespace(
    time=time.time, gettime=time.clock_gettime, gettime_ns=time.clock_gettime_ns, datetime=dt.datetime
)
_shift = SimpleNamespace(seconds=0.0)


def _shifted() -> float:
    return float(_real.time() + _shift.seconds)


def _time() -> float:
    caller = str(sys._getframe(1).f_globals.get("__name__"))  # noqa: SLF001 - there is no other way to know
    return float(_real.time()) if caller.partition(".")[0] in _UNSHIFTED else _shifted()


def _gettime(clock: int) -> float:
    return _shifted() if clock == time.CLOCK_REALTIME else float(_real.gettime(clock))


def _gettime_ns(clock: int) -> int:
    return int(_shifted() * 1e9) if clock == time.CLOCK_REALTIME else int(_real.gettime_ns(clock))


class _AsReal(type):
    """What is a datetime stays one."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real.datetime)


class _Datetime(dt.datetime, metaclass=_AsReal):
    """Its clock is the shifted one."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]  # not of this class
        return _real.datetime.fromtimestamp(_shifted(), tz)  # type: ignore[no-any-return]  # it is the real class

    @classmethod
    def utcnow(cls) -> dt.datetime:  # type: ignore[override]  # not of this class
        return cls.now(dt.timezone.utc).replace(tzinfo=None)

    @classmethod
    def today(cls) -> dt.datetime:  # type: ignore[override]  # not of this class
        return cls.now()


def replace_clocks() -> None:
    """Have every wall clock of Python show the shifted time."""
    time.time = _time
    time.time_ns = lambda: int(_shifted() * 1e9)
    time.clock_gettime = _gettime
    time.clock_gettime_ns = _gettime_ns
    dt.datetime = _Datetime  # type: ignore[misc]  # this is the purpose


def _age(storage: Storage, shift_seconds: float) -> float:
    """How old the record looks if the wall clock is shifted by so much."""
    _shift.seconds = shift_seconds
    seen = storage.read(KEY)
    if not isinstance(seen, Snapshot):
        raise TypeError(str(seen))
    return seen.age


def _rewrite(storage: Storage, shift_seconds: float) -> None:
    """Write the record while the wall clock is shifted by so much."""
    _shift.seconds = shift_seconds
    seen = storage.read(KEY)
    if not isinstance(seen, Snapshot) or not isinstance(storage.replace(KEY, RECORD, seen.version), Written):
        raise TypeError(str(seen))


def main(opener: str, url: str) -> None:
    """Print `rested`, `forward` and `back` (of one write), `rewritten` (of the next one), and `elapsed`."""
    replace_clocks()
    storage = resolve(opener)(url)
    begun = time.monotonic()
    created = storage.create(KEY, RECORD)
    if not isinstance(created, Written):
        raise TypeError(str(created))
    threading.Event().wait(REST_SECONDS)
    ages = {
        "rested": _age(storage, 0),
        "forward": _age(storage, HOUR_SECONDS),
        "back": _age(storage, -HOUR_SECONDS),
    }
    _rewrite(storage, -HOUR_SECONDS)
    ages["rewritten"] = _age(storage, 0)
    ages["elapsed"] = time.monotonic() - begun
    storage.close()
    sys.stdout.write(json.dumps(ages))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
