"""The clock of a machine: it goes on in its sleep, and starts anew with it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from taskhandler.ledger.bootclock import REBOOTED_SECONDS, ServerClock, Stamp, boot_id, now_ns
from tests.ledger.filed import SECOND, Hands

LONG_AGO = 1_000_000_000.0
"""By the wall clock."""


def test_it_never_goes_back():
    readings = [now_ns() for _ in range(1000)]
    assert readings == sorted(readings)


def test_it_counts_from_the_start_of_the_machine():
    assert now_ns() >= time.monotonic_ns() - SECOND


def test_every_look_shows_the_same_start_of_the_machine():
    assert boot_id() == boot_id()


def test_the_start_is_what_the_machine_says(tmp_path: Path):
    file = tmp_path / "boot_id"
    file.write_text("6f9619ff-8b86-d011\n")
    assert boot_id(file) == "6f9619ff-8b86-d011"


def test_a_machine_that_does_not_say_which_start_it_is_leaves_it_open(tmp_path: Path):
    assert boot_id(tmp_path / "missing", platform="gvisor") == ""


def test_a_machine_that_has_no_such_program_leaves_it_open(tmp_path: Path):
    assert boot_id(tmp_path / "missing", platform="darwin", sysctl=str(tmp_path / "sysctl")) == ""


def test_a_mac_tells_its_boot_session(tmp_path: Path):
    sysctl = tmp_path / "sysctl"
    sysctl.write_text('#!/bin/sh\n[ "$*" = "-n kern.bootsessionuuid" ] && echo 5D3A1F0E\n')
    sysctl.chmod(0o755)
    assert boot_id(tmp_path / "missing", platform="darwin", sysctl=str(sysctl)) == "5D3A1F0E"


def test_a_stamp_says_when_for_people_too(hands: Hands):
    assert hands.clock().stamp() == Stamp("boot-1", 1000 * SECOND, 1_700_000_000.0)


@pytest.mark.parametrize("start", ["boot-1", ""])
def test_age_is_what_the_clock_has_gone_on_by(hands: Hands, start: str):
    clock = hands.clock(start)
    stamp = Stamp(start, hands.boot, LONG_AGO)
    assert clock.age(stamp, now=hands.boot + 7 * SECOND) == 7.0


def test_another_start_is_a_reboot(hands: Hands):
    stamp = Stamp("boot-0", hands.boot, hands.clock().stamp().wall)
    assert hands.clock().age(stamp, now=hands.boot + SECOND) == REBOOTED_SECONDS
    assert hands.clock().age(replace(stamp, wall=LONG_AGO), now=hands.boot) == hands.wall - LONG_AGO


def test_where_the_start_is_unknown_a_clock_that_went_back_is_a_reboot(hands: Hands):
    stamp = Stamp("", hands.boot, hands.clock().stamp().wall)
    assert hands.clock("").age(stamp, now=hands.boot - SECOND) == REBOOTED_SECONDS


def test_where_the_start_is_known_nothing_is_of_the_future(hands: Hands):
    stamp = Stamp("boot-1", hands.boot, LONG_AGO)
    assert hands.clock().age(stamp, now=hands.boot - SECOND) == 0.0


def test_the_clock_is_taken_from_the_system(hands: Hands):
    clock = ServerClock(now_ns, boot_id(), time.time)
    assert clock.age(clock.stamp(), now=clock.now()) < 60
    assert hands.clock().now() == hands.boot
