"""The settings: read once, checked once, and wrong ones named with their value and a remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from urllib.parse import quote, urlsplit

from msgspec import Struct

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
    ledger: str
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
    source = _Source(configured, environ)
    source.refuse_strangers()
    settings = _settings(source, instance=instance)
    _check_auth(settings, debug=debug)
    _check_authority(settings)
    return settings


def _settings(source: _Source, *, instance: str) -> Settings:
    target = source.url("TASK_TARGET_URL")
    project, location = source.name("GCP_PROJECT_ID"), source.name("GCP_LOCATION_ID")
    account = source.emails("TASK_SERVICE_ACCOUNT_EMAIL", most=1)
    known = f"{project}/{location}" if project and location else ""
    return Settings(
        audience=source.texts("TASKHANDLER_AUDIENCE") or ((target,) if target else ()),
        service_accounts=source.emails("TASKHANDLER_SERVICE_ACCOUNTS") or account,
        auth=source.choice("TASKHANDLER_AUTH", "oidc", "cloud-run", "none"),
        ledger=source.text("TASKHANDLER_LEDGER") or f"sqlite:///{quote(instance)}/taskhandler.db",
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


class _Source:
    """Where settings come from: the app's configuration, else the environment."""

    def __init__(self, configured: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._configured = configured
        self._environ = environ

    @property
    def on_cloud_run(self) -> bool:
        """Whether this runs on Cloud Run, which sets K_SERVICE."""
        return bool(self._environ.get("K_SERVICE"))

    def refuse_strangers(self) -> None:
        """Refuse a setting that is none: it is misspelt, and would be without effect."""
        for key in (*self._configured, *self._environ):
            if key.startswith(PREFIX) and key.removeprefix(PREFIX) not in KEYS:
                near = difflib.get_close_matches(key.removeprefix(PREFIX), KEYS, n=1)
                remedy = (
                    f"Did you mean {PREFIX}{near[0]}?" if near else "docs/settings.md tells all there are"
                )
                value = self._configured.get(key, self._environ.get(key))
                raise ConfigError(key, value, "there is no such setting", remedy=remedy)

    def get(self, key: str) -> object:
        """The value as it was set; None if it is not, or is the empty string."""
        value = self._configured.get(key)
        if value is None:
            value = self._environ.get(key)
        return None if value == "" else value

    def text(self, key: str) -> str:
        """A string, stripped; empty if it is not set."""
        value = self.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ConfigError(key, value, "a string is wanted")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, or a string with commas."""
        value = self.get(key)
        parts: object = value.split(",") if isinstance(value, str) else value
        if parts is None:
            return ()
        if not isinstance(parts, Iterable) or isinstance(parts, bytes | Mapping):
            raise ConfigError(key, value, "a string or a list of strings is wanted")
        texts = tuple(part.strip() if isinstance(part, str) else "" for part in parts)
        if not texts or not all(texts):
            raise ConfigError(key, value, "strings that are not empty are wanted, at least one")
        return texts

    def emails(self, key: str, *, most: int | None = None) -> tuple[str, ...]:
        """A list of e-mail addresses, of at most so many."""
        texts = self.texts(key)
        for text in texts:
            if not re.fullmatch(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+", text):
                raise ConfigError(key, self.get(key), f"{text!r} is no e-mail address")
        if most is not None and len(texts) > most:
            raise ConfigError(key, self.get(key), f"no more than {most} is wanted")
        return texts

    def name(self, key: str) -> str:
        """An id without the folders that it is in."""
        text = self.text(key)
        if text and not re.fullmatch(r"[A-Za-z0-9.:_-]+", text):
            raise ConfigError(key, self.get(key), "an id alone is wanted: letters, digits and hyphens")
        return text

    def address(self, key: str) -> str:
        """A host and a port."""
        text = self.text(key)
        if text and not re.fullmatch(r"([^\s:/@]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}", text):
            raise ConfigError(key, self.get(key), "host:port is wanted, as in localhost:8123")
        return text

    def choice(self, key: str, *choices: str) -> str:
        """One of `choices`, the first of which is the default."""
        value = self.get(key)
        if value is None:
            return choices[0]
        if str(value) not in choices:
            raise ConfigError(key, value, f"one of {', '.join(choices)} is wanted")
        return str(value)

    def switch(self, key: str) -> bool:
        """On or off; off if it is not set."""
        value = self.get(key)
        word = "" if value is None else str(value).strip().lower()
        if word not in _SWITCH:
            raise ConfigError(key, value, "true or false is wanted")
        return _SWITCH[word]

    def seconds(self, key: str, default: float, *, least: float, most: float) -> float:
        """A duration: a number of seconds, or a timedelta."""
        value = self.get(key)
        if value is None:
            return default
        number = value.total_seconds() if isinstance(value, timedelta) else _number(value, float)
        if number is None or not least <= number <= most:
            raise ConfigError(key, value, f"seconds from {least:g} to {most:g} are wanted")
        return number

    def count(self, key: str, default: int | None) -> int | None:
        """A whole number from 1 up."""
        value = self.get(key)
        if value is None:
            return default
        number = _number(value, int)
        if number is None or number < 1:
            raise ConfigError(key, value, "a whole number from 1 up is wanted")
        return int(number)

    def url(self, key: str) -> str:
        """An https URL without query or trailing slash; plain http only for this machine."""
        text = self.text(key)
        if text and not _fetchable(text):
            example = "https://service.run.app/tasks"
            raise ConfigError(key, self.get(key), f"an https URL is wanted, as in {example}")
        if "?" in text or "#" in text:
            raise ConfigError(key, self.get(key), "a URL without query and fragment is wanted")
        return text.rstrip("/")


_SWITCH = {
    "": False,
    **dict.fromkeys(("0", "false", "no", "off"), False),
    **dict.fromkeys(("1", "true", "yes", "on"), True),
}


def _fetchable(url: str) -> bool:
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        return False
    plain = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    named = bool(parts.hostname) and port != 0 and not re.search(r"\s", url)
    return named and (parts.scheme == "https" or plain)


def _number(value: object, convert: Callable[[str], float]) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if convert is int and isinstance(value, float):
        return None
    try:
        return convert(str(value))
    except ValueError:
        return None
