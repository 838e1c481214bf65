"""Whatever clocks and reboots do, the sweep deletes nothing that the state machine would still count."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.ledger.sqlite.sweep import GRACE_NS, REST_NS
from taskhandler.ledger.storage import Key
from taskhandler.lifecycle.record import Snapshot
from tests.ledger.sqlite.local_storage import SECOND, Clocks, open_local
from tests.ledger.sqlite.sweeping import A_DAY, A_MINUTE, A_YEAR, SHORT, pass_by, put, tasks


def rebooted(path: Path, clocks: Clocks, boot_id: str, *, after: float = 0.0) -> SQLiteStorage:
    """The ledger after a reboot; the wall clock went on for so many seconds meanwhile."""
    clocks.boot = SECOND
    clocks.wall += after
    return open_local(path, clocks.clock(boot_id), chance=itertools.count(hash(boot_id) % 2**40).__next__)


@pytest.mark.parametrize("jump", [-60 * A_YEAR, -A_DAY, A_DAY, 60 * A_YEAR, 1e30, -1e30])
def test_a_wall_clock_that_jumps_deletes_nothing_and_keeps_nothing(
    path: Path, local: SQLiteStorage, clocks: Clocks, jump: float
):
    put(local, "old")
    clocks.wall += jump
    clocks.boot += A_MINUTE * SECOND // 2
    pass_by(local, 3)
    assert tasks(path) == {"old"}
    clocks.boot += A_MINUTE * SECOND // 2 + GRACE_NS
    pass_by(local, 1, name="passing later")
    assert tasks(path) == set()


def test_a_wall_clock_that_is_wrong_after_a_reboot_deletes_nothing(
    path: Path, local: SQLiteStorage, clocks: Clocks
):
    put(local, "old", replace(SHORT, retention=float(A_DAY)))
    storage = rebooted(path, clocks, "boot-2", after=10 * A_YEAR)
    pass_by(storage, 3)
    assert tasks(path) == {"old"}
    clocks.wall -= 10 * A_YEAR
    found = storage.read(Key("", "queue", "old"))
    assert isinstance(found, Snapshot)
    assert not found.has_expired
    storage.close()


def test_a_record_of_an_earlier_boot_is_deleted_after_its_retention_of_uptime(
    path: Path, local: SQLiteStorage, clocks: Clocks
):
    put(local, "old", replace(SHORT, retention=2 * 3600.0))
    clocks.boot += 3600 * SECOND
    pass_by(local, 1)  # notes the uptime
    storage = rebooted(path, clocks, "boot-2", after=A_DAY)
    clocks.boot = 3600 * SECOND + GRACE_NS - 1
    pass_by(storage, 3, name="passing later")
    assert tasks(path) == {"old"}
    clocks.boot += REST_NS
    pass_by(storage, 1, name="passing last")
    assert tasks(path) == set()
    storage.close()


def test_a_wall_clock_that_went_back_during_a_reboot_keeps_the_records_of_before(
    path: Path, local: SQLiteStorage, clocks: Clocks
):
    put(local, "old", replace(SHORT, retention=2 * 3600.0))
    storage = rebooted(path, clocks, "boot-2", after=-A_YEAR)
    clocks.boot = A_DAY * SECOND
    put(storage, "young")
    clocks.boot += A_MINUTE * SECOND + GRACE_NS
    pass_by(storage, 3)
    assert tasks(path) == {"old"}  # which is passed by: what has expired after it is deleted
    clocks.wall += A_YEAR + A_DAY
    clocks.boot += REST_NS
    pass_by(storage, 2, name="passing later")
    assert tasks(path) == set()
    storage.close()


MOMENTS = st.tuples(
    st.sampled_from(["write", "boot", "reboot", "wall"]), st.integers(0, 3 * A_MINUTE), st.booleans()
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MOMENTS, max_size=25))
def test_no_record_is_deleted_before_its_retention_whatever_clocks_and_reboots_do(
    tmp_path_factory: pytest.TempPathFactory, moments: list[tuple[str, int, bool]]
):
    path = tmp_path_factory.mktemp("sweep") / "ledger.db"
    clocks, now, born = Clocks(), 0, dict[str, int]()
    storage = open_local(path, clocks.clock("boot-0"), synchronous="NORMAL")
    for number, (event, seconds, is_forward) in enumerate(moments):
        if event == "wall":
            clocks.wall += seconds * A_DAY if is_forward else -seconds * A_DAY
        elif event == "write":
            born[str(number)] = now
            put(storage, str(number))
        else:
            now += seconds
            clocks.wall += seconds
            clocks.boot += seconds * SECOND
        if event == "reboot":
            storage.close()
            storage = rebooted(path, clocks, f"boot-{number}")
        assert {task for task, at in born.items() if now - at < A_MINUTE} <= tasks(path)
    storage.close()
