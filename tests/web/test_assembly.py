"""What an app gets for its settings."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from taskhandler.auth.certificates import Unreachable
from taskhandler.auth.verifier import NoVerifier, OIDCVerifier, PlatformVerifier
from taskhandler.errors import ConfigError
from taskhandler.ledger.bootclock import now_ns
from taskhandler.ledger.memory import MemoryStorage
from taskhandler.ledger.sqlite.storage import SQLiteStorage
from taskhandler.outcome import Outcome
from taskhandler.signals import TaskEvent, task_dead
from taskhandler.web.assembly import Assembly, assemble

ENOUGH = {
    "TASKHANDLER_LEDGER": "memory://",
    "TASK_TARGET_URL": "https://shop.run.app/tasks",
    "TASK_SERVICE_ACCOUNT_EMAIL": "queue@shop.example",
}
APP = object()


def assembled(
    settings: dict[str, str] | None = None, *, debug: bool = False, instance: str = "/nowhere", **more: object
) -> Assembly:
    configured = {**ENOUGH, **(settings or {}), **more}
    return assemble(configured, instance=instance, debug=debug, sender=APP)


def test_tokens_are_verified_by_default(caplog: pytest.LogCaptureFixture):
    assert isinstance(assembled().receiver.verifier, OIDCVerifier)
    assert caplog.records == []


def test_with_auth_cloud_run_the_platforms_check_is_trusted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("K_SERVICE", "shop")
    ledger = {"TASKHANDLER_LEDGER": "firestore://shop"}
    assert isinstance(assembled(ledger, TASKHANDLER_AUTH="cloud-run").receiver.verifier, PlatformVerifier)
    assert isinstance(assembled(ledger).receiver.verifier, OIDCVerifier)


def test_auth_none_is_logged_as_a_warning(caplog: pytest.LogCaptureFixture):
    assert isinstance(assembled(debug=True, TASKHANDLER_AUTH="none").receiver.verifier, NoVerifier)
    assert caplog.messages == ["TASKHANDLER_AUTH is 'none': anyone can run the handlers"]


ELSEWHERE = [
    ("TASKHANDLER_CERTS_URL", "http://localhost:1/certs"),
    ("TASKHANDLER_ISSUERS", "https://issuer.local"),
]


@pytest.mark.parametrize(("key", "value"), ELSEWHERE)
def test_other_issuers_and_certificates_than_googles_are_logged_as_a_warning(
    key: str, value: str, caplog: pytest.LogCaptureFixture
):
    assert isinstance(assembled({key: value}).receiver.verifier, OIDCVerifier)
    (line,) = caplog.records
    assert line.levelno == logging.WARNING
    assert value in line.getMessage()


def test_a_certificates_url_without_https_is_refused():
    with pytest.raises(ConfigError, match="TASKHANDLER_CERTS_URL"):
        assembled(TASKHANDLER_CERTS_URL="http://certs.example/")


@pytest.mark.parametrize("ledger", ["memory://", ""])
def test_a_ledger_that_instances_do_not_share_is_refused_on_cloud_run(
    ledger: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("K_SERVICE", "shop")
    with pytest.raises(ConfigError, match="a task would run once in each") as refused:
        assembled(TASKHANDLER_LEDGER=ledger, instance=str(tmp_path))
    assert refused.value.key == "TASKHANDLER_LEDGER"


def test_the_default_ledger_is_a_file_of_the_instance_and_made_at_once(tmp_path: Path):
    folder = tmp_path / "an instance %41?#"
    assembly = assembled(TASKHANDLER_LEDGER="", instance=str(folder))
    storage = assembly.receiver.ledger.storage
    assert isinstance(storage, SQLiteStorage)
    assert (folder / "taskhandler.db").is_file()
    storage.close()


def test_a_ledger_that_cannot_be_opened_fails_at_registration(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be opened"):
        assembled(TASKHANDLER_LEDGER=f"sqlite://{tmp_path}")


def test_a_setting_of_the_environment_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TASKHANDLER_LEASE", "12")
    assert assembled().receiver.settings.lease == 12.0


def test_drain_makes_its_own_app_drain_and_no_other():
    assembly = assembled()
    assert not assembly.receiver.draining()
    assembly.drain()
    assert assembly.receiver.draining()
    assert not assembled().receiver.draining()


@pytest.mark.parametrize("auth", ["oidc", "none"])
def test_an_app_that_is_closed_drains_and_fetches_no_certificates(auth: str):
    assembly = assembled(debug=True, TASKHANDLER_AUTH=auth)
    assembly.close()
    assembly.close()
    assert assembly.receiver.draining()
    if assembly.keeper is not None:
        assert isinstance(assembly.keeper.find("a key"), Unreachable)
    assert (assembly.keeper is None) == (auth == "none")


def test_close_closes_every_part_even_if_one_raises():
    class Failing(MemoryStorage):
        def close(self) -> None:
            raise OSError("a storage of the user")

    assembly = assembled(TASKHANDLER_LEDGER=Failing(clock=now_ns))
    with pytest.raises(OSError, match="of the user"):
        assembly.close()
    assert assembly.keeper is not None
    assert isinstance(assembly.keeper.find("a key"), Unreachable)


def test_each_nonce_is_different():
    nonce = assembled().receiver.nonce
    assert len({nonce() for _ in range(1000)}) == 1000
    assert len(nonce()) == 24


def test_a_lease_is_measured_by_a_clock_that_never_goes_back():
    clock = assembled().receiver.clock
    assert time.monotonic() <= clock() <= clock()


def test_signals_are_sent_by_the_app():
    sent: list[object] = []

    def listen(sender: object, *, event: TaskEvent) -> None:
        sent.extend([sender, event])

    event = TaskEvent(outcome=Outcome.DEAD)
    with task_dead.connected_to(listen):
        assembled().receiver.notifier.announce_end(event)
    assert sent == [APP, event]


def test_all_parts_of_an_app_share_its_settings_and_ledger():
    assembly = assembled()
    assert isinstance(assembly.receiver.ledger.storage, MemoryStorage)
    assert assembly.receiver.settings is assembly.enqueuer._settings  # noqa: SLF001 - nothing else shows it


def test_a_storage_object_is_accepted_as_the_ledger():
    storage = MemoryStorage(clock=now_ns)
    assert assembled(TASKHANDLER_LEDGER=storage).receiver.ledger.storage is storage


def test_an_object_that_lacks_methods_of_a_storage_is_refused():
    lacks = "must be a URL, or a Storage; this value lacks close, dead_letter, list"
    with pytest.raises(ConfigError, match=lacks):
        assembled(TASKHANDLER_LEDGER=Halfway())


class Halfway:
    def create(self): ...
