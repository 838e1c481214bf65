"""The time of one machine, from its start: what a ledger on that machine calls server time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

REBOOTED_SECONDS = 3600.0
"""The least age of a record from before a reboot. No lease is that long, so no such record is held."""

SECONDS_PER_NANOSECOND = 1e-9
_NANOSECONDS_PER_SECOND = 10**9  # for division: multiplying by 1e-9 makes whole seconds a little longer
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SYSCTL = "/usr/sbin/sysctl"
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now_ns() -> int:
    """Nanoseconds since the machine started, those it slept included.

    `CLOCK_BOOTTIME` on Linux; on macOS `CLOCK_MONOTONIC` counts sleep too (clock_gettime(3) of Darwin).
    """
    return time.clock_gettime_ns(_BOOT_CLOCK)


def boot_id(file: Path = _BOOT_ID, *, platform: str = sys.platform, sysctl: str = _SYSCTL) -> str:
    """Identifies this start of the machine; empty where the machine does not say.

    From /proc on Linux (random(4)), `kern.bootsessionuuid` on macOS (sysctl(8)).
    """
    if file.exists():
        return file.read_text("ascii").strip()
    return _read_boot_session(sysctl) if platform == "darwin" and Path(sysctl).exists() else ""


class Stamp(Struct, frozen=True, gc=False):
    """When something was written.

    Attributes:
        boot_id: of the start of the machine.
        boot_ns: nanoseconds from that start.
        wall: seconds since 1970 by the wall clock: for people, and for the age after a reboot.
    """

    boot_id: str
    boot_ns: Annotated[int, Meta(ge=0)]
    wall: float


class ServerClock(Struct, frozen=True):
    """The clock that stamps records.

    Attributes:
        now: nanoseconds since the machine started.
        boot_id: of this start; empty if unknown.
        wall: seconds since 1970. It decides nothing for as long as the machine runs.
    """

    now: Callable[[], int]
    boot_id: str
    wall: Callable[[], float]

    def seconds(self) -> float:
        """Seconds since the machine started."""
        return self.now() / _NANOSECONDS_PER_SECOND

    def stamp(self) -> Stamp:
        """Now."""
        return Stamp(self.boot_id, self.now(), self.wall())

    def age(self, stamp: Stamp, *, now: int) -> float:
        """Seconds from `stamp` to `now`, a reading of this clock.

        Where the machine does not say which start it is, a clock that went back shows a reboot. A clock that
        has not yet reached its earlier reading makes a record look younger than it is, which only delays a
        take-over.
        """
        same_start = stamp.boot_id == self.boot_id
        if same_start and (now >= stamp.boot_ns or self.boot_id):
            return max(0, now - stamp.boot_ns) * SECONDS_PER_NANOSECOND
        return max(self.wall() - stamp.wall, REBOOTED_SECONDS)


def machine_clock() -> ServerClock:
    """The clock of this machine, for a storage that is on it."""
    return ServerClock(now_ns, boot_id(), time.time)


def _read_boot_session(sysctl: str) -> str:
    import subprocess  # noqa: PLC0415 - not at start-up, and not where there is /proc

    command = [sysctl, "-n", "kern.bootsessionuuid"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout.strip()
