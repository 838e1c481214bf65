"""The settings: read once, checked once, and wrong ones named with their value and a remedy."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct

from taskhandler.config.sources import Source
from taskhandler.errors import ConfigError

PREFIX = "TASKHANDLER_"
PLAIN = (
    "GCP_PROJECT_ID",
    "GCP_LOCATION_ID",
    "GCP_TASK_QUEUE_ID",
    "TASK_TARGET_URL",
    "TASK_SERVICE_ACCOUNT_EMAIL",
    "CLOUD_TASKS_EMULATOR_HOST",
)
"""Settings under the names that users of google-cloud-tasks give them already."""

CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
"""Google's certificates, as {key id: X.509 PEM} (google-auth's id_token uses the same address)."""

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
"""The two spellings of Google's `iss`; the ones that `google.oauth2.id_token` accepts."""


class Settings(Struct, frozen=True, kw_only=True):
    """What the operator has set; docs/settings.md tells each one. Durations are seconds."""

    audience: tuple[str, ...]
    service_accounts: tuple[str, ...]
    auth: str
    ledger: object
    namespace: str
    lease: float
    max_attempts: int | None
    retention: float
    in_flight_status: int
    in_flight_wait: float
    queue_max_attempts: int
    retry_after: float
    max_body: int
    certs_url: str
    issuers: tuple[str, ...]
    app_engine: bool
    on_cloud_run: bool
    project: str
    location: str
    queue: str
    target_url: str
    service_account: str
    emulator_host: str


_OURS = Settings.__struct_fields__[: Settings.__struct_fields__.index("on_cloud_run")]

KEYS = frozenset(map(str.upper, _OURS))
"""Settings under our own prefix: the fields above up to `on_cloud_run`, which is not set but found out."""


def read_settings(
    configured: Mapping[str, object], environ: Mapping[str, str], *, instance: str, debug: bool
) -> Settings:
    """Read and check the settings.

    Args:
        configured: the app's configuration, which goes before the environment.
        environ: the environment.
        instance: the folder for what belongs to this installation.
        debug: whether the app runs for a developer or a test.

    Raises:
        ConfigError: a setting is missing or wrong.
    """
    source = Source(configured, environ)
    _refuse_strangers(source)
    settings = _settings(source, instance=instance)
    _check_auth(settings, debug=debug)
    _check_authority(settings)
    return settings


def _refuse_strangers(source: Source) -> None:
    """Refuse a setting that is none: it is misspelt, and would be without effect."""
    for key, value in source.strangers(PREFIX, KEYS):
        near = difflib.get_close_matches(key.removeprefix(PREFIX), KEYS, n=1)
        remedy = f"Did you mean {PREFIX}{near[0]}?" if near else "docs/settings.md tells all there are"
        raise ConfigError(key, value, "there is no such setting", remedy=remedy)


def _settings(source: Source, *, instance: str) -> Settings:
    target = source.url("TASK_TARGET_URL")
    project, location = source.name("GCP_PROJECT_ID"), source.name("GCP_LOCATION_ID")
    account = source.emails("TASK_SERVICE_ACCOUNT_EMAIL", most=1)
    known = f"{project}/{location}" if project and location else ""
    return Settings(
        audience=source.texts("TASKHANDLER_AUDIENCE") or ((target,) if target else ()),
        service_accounts=source.emails("TASKHANDLER_SERVICE_ACCOUNTS") or account,
        auth=source.choice("TASKHANDLER_AUTH", "oidc", "cloud-run", "none"),
        ledger=source.text_or("TASKHANDLER_LEDGER", "create")
        or f"sqlite:///{quote(instance)}/taskhandler.db",
        namespace=source.text("TASKHANDLER_NAMESPACE") or known,
        lease=source.seconds("TASKHANDLER_LEASE", 30.0, least=1, most=1800),
        max_attempts=source.count("TASKHANDLER_MAX_ATTEMPTS", None),
        retention=source.seconds("TASKHANDLER_RETENTION", 35 * 86400.0, least=86400, most=3650 * 86400),
        in_flight_status=int(source.choice("TASKHANDLER_IN_FLIGHT_STATUS", "429", "409")),
        in_flight_wait=source.seconds("TASKHANDLER_IN_FLIGHT_WAIT", 0.0, least=0, most=1800),
        queue_max_attempts=source.count("TASKHANDLER_QUEUE_MAX_ATTEMPTS", 100) or 100,
        retry_after=source.seconds("TASKHANDLER_RETRY_AFTER", 10.0, least=1, most=3600),
        max_body=source.count("TASKHANDLER_MAX_BODY", 1 << 20) or 1 << 20,
        certs_url=source.text("TASKHANDLER_CERTS_URL") or CERTS_URL,
        issuers=source.texts("TASKHANDLER_ISSUERS") or ISSUERS,
        app_engine=source.switch("TASKHANDLER_APP_ENGINE"),
        on_cloud_run=source.on_cloud_run,
        project=project,
        location=location,
        queue=source.name("GCP_TASK_QUEUE_ID"),
        target_url=target,
        service_account="".join(account),
        emulator_host=source.address("CLOUD_TASKS_EMULATOR_HOST"),
    )


def _check_auth(settings: Settings, *, debug: bool) -> None:
    if settings.auth == "none":
        if not debug or settings.on_cloud_run:
            problem = "anybody could run the handlers; allowed only in debug or testing mode"
            raise ConfigError("TASKHANDLER_AUTH", settings.auth, problem, remedy="Leave it at 'oidc'")
        return
    if settings.auth == "cloud-run" and not settings.on_cloud_run:
        problem = "this is not Cloud Run (K_SERVICE is not set), so nobody has checked the token"
        raise ConfigError("TASKHANDLER_AUTH", settings.auth, problem, remedy="Leave it at 'oidc'")
    if not settings.audience:
        remedy = "Set it, or TASK_TARGET_URL, to the audience of the tasks' OIDC tokens"
        raise ConfigError("TASKHANDLER_AUDIENCE", None, "any token would do", remedy=remedy)
    if not settings.service_accounts:
        remedy = "Set it, or TASK_SERVICE_ACCOUNT_EMAIL, to the accounts that may deliver tasks"
        raise ConfigError("TASKHANDLER_SERVICE_ACCOUNTS", None, "any Google account would do", remedy=remedy)


def _check_authority(settings: Settings) -> None:
    if not settings.on_cloud_run:
        return
    if settings.certs_url != CERTS_URL:
        problem = "in production only Google's certificates are believed"
        raise ConfigError("TASKHANDLER_CERTS_URL", settings.certs_url, problem, remedy="Leave it unset")
    if set(settings.issuers) - set(ISSUERS):
        problem = "in production only Google's tokens are believed"
        raise ConfigError("TASKHANDLER_ISSUERS", settings.issuers, problem, remedy="Leave it unset")
