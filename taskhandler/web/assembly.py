"""Puts together what an app needs to receive tasks: the one place where clocks and chance come in."""

from __future__ import annotations

import logging
import os
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, timezone
from functools import partial

from msgspec import Struct

from taskhandler.auth.certificates import CertificateKeeper
from taskhandler.auth.verifier import NoVerifier, OIDCVerifier, PlatformVerifier, TokenPolicy, Verifier
from taskhandler.config.settings import CERTS_URL, ISSUERS, Settings, read_settings
from taskhandler.delivery.notify import Notifier
from taskhandler.delivery.receiver import Receiver
from taskhandler.delivery.wait_limit import WaitLimit
from taskhandler.enqueue.enqueuer import Enqueuer
from taskhandler.errors import LEDGER_KEY, ConfigError
from taskhandler.ledger.heartbeat_scheduler import Heartbeats
from taskhandler.ledger.ledger import Ledger
from taskhandler.ledger.opening import list_lacking, open_storage
from taskhandler.ledger.storage import Storage
from taskhandler.web.drain import Drain
from taskhandler.web.mounts import Mounts
from taskhandler.web.worker import count_threads

LOGGER = logging.getLogger("taskhandler")


REST_SECONDS = 1.0
"""Seconds that `close` waits for idle threads to end."""

_scheduler: dict[str, Heartbeats] = {}
"""The one scheduler of heartbeats in this process; made with the first app, after gevent's patches."""


class Assembly(Struct, frozen=True, eq=False, weakref=True):
    """What all task blueprints of one app share: it is `app.extensions["taskhandler"]`.

    An app that is dropped leaves nothing behind, with or without `close`: each part gives back what it
    holds when it is collected, and the threads for heartbeats end with the last app.
    """

    receiver: Receiver
    enqueuer: Enqueuer
    mounts: Mounts
    draining: Drain
    keeper: CertificateKeeper | None

    def drain(self) -> None:
        """Claim no more tasks: for servers other than gunicorn, to be called when the worker must stop."""
        self.draining.drain()

    def close(self) -> None:
        """Close the connections to the ledger and to Cloud Tasks, fetch no certificates, end idle threads.

        Idempotent. Deliveries are answered 503 from now on; those that still run record their end, for
        which the ledger is opened again. To be called when a server has stopped, or a test has ended.
        """
        self.drain()
        with ExitStack() as parts:  # one that raises keeps none of the others from being closed
            parts.callback(self.receiver.heartbeats.rest_and_wait, REST_SECONDS)
            parts.callback(self.enqueuer.close)
            parts.callback(self.receiver.ledger.storage.close)
            if self.keeper is not None:
                parts.callback(self.keeper.close)


def assemble(configured: Mapping[str, object], *, instance: str, debug: bool, sender: object) -> Assembly:
    """Make what the settings ask for.

    Args:
        configured: the app's configuration.
        instance: the folder for what belongs to this installation.
        debug: whether the app runs for a developer or a test.
        sender: of the signals.

    Raises:
        ConfigError: a setting is missing or wrong, or the ledger cannot be opened.
    """
    settings = read_settings(configured, os.environ, instance=instance, debug=debug)
    clock, pause = _choose_boot_clock(), time.sleep  # noqa: TID251 - waiting comes in here
    draining, keeper = Drain(), _make_keeper(settings)
    heartbeats = _scheduler.setdefault("heartbeats", Heartbeats(clock=clock))
    receiver = Receiver(
        settings=settings,
        verifier=_make_verifier(settings, keeper),
        ledger=Ledger(_make_storage(settings), clock=time.monotonic, pause=pause),
        heartbeats=heartbeats,
        draining=draining,
        notifier=Notifier(sender, clock=time.monotonic),
        nonce=lambda: os.urandom(12).hex(),
        clock=clock,
        pause=pause,
        waiting=WaitLimit(threads=count_threads),
    )
    enqueuer = Enqueuer(settings, now=_read_utc, clock=time.monotonic)
    assembly = Assembly(receiver, enqueuer, Mounts(settings.target_url), draining, keeper)
    weakref.finalize(assembly, heartbeats.rest).atexit = False
    return assembly


def _read_utc() -> datetime:
    return datetime.fromtimestamp(time.time(), timezone.utc)


def _choose_boot_clock() -> Callable[[], float]:
    """Seconds since the machine started, its sleep included where the system counts it."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if boot is None else partial(time.clock_gettime, boot)


def _make_keeper(settings: Settings) -> CertificateKeeper | None:
    if settings.auth != "oidc":
        return None
    return CertificateKeeper(settings.certs_url, clock=time.monotonic)


def _make_verifier(settings: Settings, keeper: CertificateKeeper | None) -> Verifier:
    if settings.auth == "none":
        LOGGER.warning("TASKHANDLER_AUTH is 'none': anyone can run the handlers")
        return NoVerifier()
    policy = TokenPolicy(
        audiences=frozenset(settings.audience),
        accounts=frozenset(settings.service_accounts),
        issuers=frozenset(settings.issuers),
    )
    if keeper is None:
        return PlatformVerifier(policy, now=time.time)
    if settings.certs_url != CERTS_URL or set(settings.issuers) - set(ISSUERS):
        LOGGER.warning(
            "tokens that Google has not signed are accepted: TASKHANDLER_CERTS_URL is %r, issuers %r",
            settings.certs_url,
            settings.issuers,
        )
    return OIDCVerifier(policy, keeper, now=time.time)


def _make_storage(settings: Settings) -> Storage:
    storage = open_storage(settings.ledger) if isinstance(settings.ledger, str) else settings.ledger
    if not isinstance(storage, Storage):
        problem = f"must be a URL, or a Storage; this value lacks {list_lacking(storage)}"
        raise ConfigError(LEDGER_KEY, storage, problem)
    if settings.on_cloud_run and not storage.shared:
        problem = "instances of Cloud Run do not share it: a task would run once in each"
        remedy = "Use firestore://[project]/[database]/[collection]"
        raise ConfigError(LEDGER_KEY, settings.ledger, problem, remedy=remedy)
    return storage
