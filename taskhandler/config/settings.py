"""The settings: read once, checked once, and wrong ones named with their value and a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import quote

from msgspec import Meta, Struct
from msgspec.structs import fields

from taskhandler.config.sources import Source
from taskhandler.errors import LEDGER_KEY, ConfigError
from taskhandler.validation import Count, Email, LeaseSeconds, find_closest, seconds

PREFIX = "TASKHANDLER_"

CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
"""Google's certificates, as {key id: X.509 PEM} (google-auth's id_token uses the same address)."""

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
"""The two spellings of Google's `iss`; the ones that `google.oauth2.id_token` accepts."""

_UNPREFIXED = {
    "project": "GCP_PROJECT_ID",
    "location": "GCP_LOCATION_ID",
    "queue": "GCP_TASK_QUEUE_ID",
    "target_url": "TASK_TARGET_URL",
    "service_account": "TASK_SERVICE_ACCOUNT_EMAIL",
    "emulator_host": "CLOUD_TASKS_EMULATOR_HOST",
}
UNPREFIXED_KEYS = tuple(_UNPREFIXED.values())
"""Settings under the names that users of google-cloud-tasks give them already."""

_DAY_SECONDS = 86400

Auth = Annotated[
    Literal["oidc", "cloud-run", "none"], Meta(description="one of 'oidc', 'cloud-run' and 'none'")
]
InFlightStatus = Annotated[Literal[429, 409], Meta(description="429 or 409")]
Text = Annotated[str, Meta(description="a string")]
Texts = Annotated[
    tuple[Annotated[str, Meta(min_length=1)], ...],
    Meta(min_length=1, description="one or more non-empty strings, as a list or separated by commas"),
]
Emails = Annotated[
    tuple[Email, ...],
    Meta(min_length=1, description="one or more e-mail addresses, as a list or separated by commas"),
]
OneEmail = Annotated[tuple[Email, ...], Meta(min_length=1, max_length=1, description="one e-mail address")]
Id = Annotated[
    str,
    Meta(
        pattern=r"\A[A-Za-z0-9.:_-]*\Z",
        description="an id alone: letters, digits and hyphens, without 'projects/' and the like",
    ),
]
Address = Annotated[
    str,
    Meta(
        pattern=r"\A(([^\s:/@]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})?\Z",
        description="host:port, as in localhost:8123",
    ),
]
Switch = Annotated[bool, Meta(description="true or false")]
Retention = Annotated[float, seconds(_DAY_SECONDS, 3650 * _DAY_SECONDS)]
InFlightWait = Annotated[float, seconds(0, 1800)]
RetryAfter = Annotated[float, seconds(1, 3600)]


def _name_key(field: str) -> str:
    return _UNPREFIXED.get(field) or PREFIX + field.upper()


class Settings(Struct, frozen=True, kw_only=True, rename=_name_key):
    """What the operator has set; docs/settings.md describes each. Durations are seconds."""

    audience: Texts = ()
    service_accounts: Emails = ()
    auth: Auth = "oidc"
    ledger: object
    namespace: Text = ""
    lease: LeaseSeconds = 30.0
    max_attempts: Count | None = None
    retention: Retention = 35.0 * _DAY_SECONDS
    in_flight_status: InFlightStatus = 429
    in_flight_wait: InFlightWait = 0.0
    queue_max_attempts: Count = 100
    retry_after: RetryAfter = 10.0
    max_body: Count = 1 << 20
    certs_url: Text = CERTS_URL
    issuers: Texts = ISSUERS
    app_engine: Switch = False
    on_cloud_run: bool
    project: Id = ""
    location: Id = ""
    queue: Id = ""
    target_url: str = ""
    service_account: str = ""
    emulator_host: Address = ""


_DERIVED = frozenset({"ledger", "on_cloud_run", "target_url", "service_account"})
_READ = [field for field in fields(Settings) if field.name not in _DERIVED]
"""Settings whose types are all that is to be checked."""

KEYS = frozenset(map(str.upper, Settings.__struct_fields__)) - {"ON_CLOUD_RUN", *map(str.upper, _UNPREFIXED)}
"""Settings under our own prefix, without it."""


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
    _refuse_unknown(source)
    settings = _read_all(source, instance=instance)
    _check_auth(settings, debug=debug)
    _check_authority(settings)
    return settings


def _refuse_unknown(source: Source) -> None:
    """Refuse a setting that does not exist: it is misspelt, and would be without effect."""
    for key, value in source.find_unknown(PREFIX, KEYS):
        near = find_closest(key.removeprefix(PREFIX), sorted(KEYS))
        remedy = f"Did you mean {PREFIX}{near}?" if near else "docs/settings.md lists all settings"
        raise ConfigError(key, value, "there is no such setting", remedy=remedy)


def _read_all(source: Source, *, instance: str) -> Settings:
    read = {field.name: source.read(field.encode_name, field.type, field.default) for field in _READ}
    target = source.read_url("TASK_TARGET_URL")
    place = f"{read['project']}/{read['location']}" if read["project"] and read["location"] else ""
    account = source.read("TASK_SERVICE_ACCOUNT_EMAIL", OneEmail, ())
    derived = {
        "audience": read["audience"] or ((target,) if target else ()),
        "service_accounts": read["service_accounts"] or account,
        "namespace": read["namespace"] or place,
        "certs_url": read["certs_url"] or CERTS_URL,
        "ledger": _read_ledger(source) or f"sqlite:///{quote(instance)}/taskhandler.db",
        "target_url": target,
        "service_account": "".join(account),
        "on_cloud_run": source.on_cloud_run,
    }
    return Settings(**read | derived)


def _read_ledger(source: Source) -> object:
    """A URL, or a storage that the app has made."""
    value = source.get(LEDGER_KEY)
    is_storage = callable(getattr(value, "create", None))
    return value if is_storage else source.read(LEDGER_KEY, Text, "")


def _check_auth(settings: Settings, *, debug: bool) -> None:
    if settings.auth == "none":
        if not debug or settings.on_cloud_run:
            problem = (
                "anyone could run the handlers; allowed only in debug and testing mode, not on Cloud Run"
            )
            raise ConfigError("TASKHANDLER_AUTH", settings.auth, problem, remedy="Use 'oidc'")
        return
    if settings.auth == "cloud-run" and not settings.on_cloud_run:
        problem = "this is not Cloud Run (K_SERVICE is not set), so nobody has checked the token"
        raise ConfigError("TASKHANDLER_AUTH", settings.auth, problem, remedy="Use 'oidc'")
    if not settings.audience:
        remedy = "Set it, or TASK_TARGET_URL, to the audience of the tasks' OIDC tokens"
        raise ConfigError(
            "TASKHANDLER_AUDIENCE", None, "tokens for any service would be accepted", remedy=remedy
        )
    if not settings.service_accounts:
        remedy = "Set it, or TASK_SERVICE_ACCOUNT_EMAIL, to the accounts that may deliver tasks"
        problem = "tokens of any Google account would be accepted"
        raise ConfigError("TASKHANDLER_SERVICE_ACCOUNTS", None, problem, remedy=remedy)


def _check_authority(settings: Settings) -> None:
    if not settings.on_cloud_run:
        return
    if settings.certs_url != CERTS_URL:
        problem = "on Cloud Run only Google's certificates are accepted"
        raise ConfigError("TASKHANDLER_CERTS_URL", settings.certs_url, problem, remedy="Leave it unset")
    if set(settings.issuers) - set(ISSUERS):
        problem = "on Cloud Run only Google's tokens are accepted"
        raise ConfigError("TASKHANDLER_ISSUERS", settings.issuers, problem, remedy="Leave it unset")
