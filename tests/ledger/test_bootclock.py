"""The clock of a machine: it goes on in its sleep, and starts anew with it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.bootclock import REBOOTED_SECONDS, ServerClock, Stamp, boot_id, now_ns
from tests.ledger.sqlite.local_storage import SECOND, Clocks

LONG_AGO = 1_000_000_000.0
"""By the wall clock."""


def test_the_boot_clock_never_goes_back():
    readings = [now_ns() for _ in range(1000)]
    assert readings == sorted(readings)


def test_the_boot_clock_counts_from_the_boot_of_the_machine():
    assert now_ns() >= time.monotonic_ns() - SECOND


def test_the_boot_id_is_the_same_at_every_read():
    assert boot_id() == boot_id()


def test_the_boot_id_is_what_the_machine_says(tmp_path: Path):
    file = tmp_path / "boot_id"
    file.write_text("6f9619ff-8b86-d011\n")
    assert boot_id(file) == "6f9619ff-8b86-d011"


def test_a_machine_without_a_boot_id_has_an_empty_one(tmp_path: Path):
    assert boot_id(tmp_path / "missing", platform="gvisor") == ""


def test_a_machine_without_sysctl_has_an_empty_boot_id(tmp_path: Path):
    assert boot_id(tmp_path / "missing", platform="darwin", sysctl=str(tmp_path / "sysctl")) == ""


def test_on_macos_the_boot_session_identifies_the_boot(tmp_path: Path):
    sysctl = tmp_path / "sysctl"
    sysctl.write_text('#!/bin/sh\n[ "$*" = "-n kern.bootsessionuuid" ] && echo 5D3A1F0E\n')
    sysctl.chmod(0o755)
    assert boot_id(tmp_path / "missing", platform="darwin", sysctl=str(sysctl)) == "5D3A1F0E"


def test_a_stamp_holds_the_wall_time_for_people(clocks: Clocks):
    assert clocks.clock().stamp() == Stamp("boot-1", 1000 * SECOND, 1_700_000_000.0)


@pytest.mark.parametrize("start", ["boot-1", ""])
def test_the_age_of_a_stamp_is_the_time_on_the_boot_clock_since(clocks: Clocks, start: str):
    clock = clocks.clock(start)
    stamp = Stamp(start, clocks.boot, LONG_AGO)
    assert clock.age(stamp, now=clocks.boot + 7 * SECOND) == 7.0


def test_a_stamp_of_another_boot_is_as_old_as_the_wall_clock_says(clocks: Clocks):
    stamp = Stamp("boot-0", clocks.boot, clocks.clock().stamp().wall)
    assert clocks.clock().age(stamp, now=clocks.boot + SECOND) == REBOOTED_SECONDS
    assert clocks.clock().age(replace(stamp, wall=LONG_AGO), now=clocks.boot) == clocks.wall - LONG_AGO


def test_with_an_unknown_boot_a_clock_that_went_back_is_a_reboot(clocks: Clocks):
    stamp = Stamp("", clocks.boot, clocks.clock().stamp().wall)
    assert clocks.clock("").age(stamp, now=clocks.boot - SECOND) == REBOOTED_SECONDS


def test_with_a_known_boot_a_stamp_of_the_future_has_age_zero(clocks: Clocks):
    stamp = Stamp("boot-1", clocks.boot, LONG_AGO)
    assert clocks.clock().age(stamp, now=clocks.boot - SECOND) == 0.0


def test_the_default_clocks_are_those_of_the_system(clocks: Clocks):
    clock = ServerClock(now_ns, boot_id(), time.time)
    assert clock.age(clock.stamp(), now=clock.now()) < 60
    assert clocks.clock().now() == clocks.boot
