"""Where settings come from, and what their text says: lists, numbers, switches, URLs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

from taskhandler.errors import ConfigError
from taskhandler.validation import check


class Source:
    """Where settings come from: the app's configuration, else the environment."""

    def __init__(self, configured: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._configured = configured
        self._environ = environ

    @property
    def on_cloud_run(self) -> bool:
        """Whether this runs on Cloud Run, which sets K_SERVICE."""
        return bool(self._environ.get("K_SERVICE"))

    def find_unknown(self, prefix: str, known: frozenset[str]) -> Iterator[tuple[str, object]]:
        """The settings that begin with `prefix` and are not `known`: key and value."""
        for key in (*self._configured, *filter(_is_ours, self._environ)):
            if key.startswith(prefix) and key.removeprefix(prefix) not in known:
                yield key, self._configured.get(key, self._environ.get(key))

    def get(self, key: str) -> object:
        """The value as it was set; None if it is not, or is the empty string."""
        value = self._configured.get(key)
        if value is None:
            value = self._environ.get(key)
        return None if value == "" else value

    def read(self, key: str, kind: Any, default: object) -> Any:  # noqa: ANN401 - as for `check`
        """The value as one of the type `kind`, or of that or None; `default` if it is not set.

        Raises:
            ConfigError: it is not one.
        """
        value = self.get(key)
        if value is None:
            return default
        plain = (kind if hasattr(kind, "__metadata__") else get_args(kind)[0]).__origin__
        try:
            return check(_parse(value, plain), kind)
        except ValueError as error:
            raise ConfigError(key, value, str(error)) from None

    def read_url(self, key: str) -> str:
        """An https URL without user, query or trailing slash; plain http only for this machine.

        Raises:
            ConfigError: it is not one.
        """
        value = self.get(key)
        url = value.strip() if isinstance(value, str) else value
        problem = _find_url_problem(url) if url else None
        if problem is not None:
            raise ConfigError(key, value, problem)
        return str(url or "").rstrip("/")


_KUBERNETES = re.compile(r".*_(SERVICE_(HOST|PORT)|PORT)(_.*)?")
"""Variables that Kubernetes sets in its pods for a Service that is called as we are (its docs: Service)."""

_SWITCH = {
    "": False,
    **dict.fromkeys(("0", "false", "no", "off"), False),
    **dict.fromkeys(("1", "true", "yes", "on"), True),
}


def _is_ours(variable: str) -> bool:
    return _KUBERNETES.fullmatch(variable) is None


def _parse(value: object, plain: Any) -> object:  # noqa: ANN401 - a type
    """What a value says, if it is written as environment variables must be; else the value."""
    if get_origin(plain) is tuple:
        return _split_list(value)
    if plain is bool:
        return _SWITCH.get(str(value).strip().lower(), value)
    if not isinstance(value, str):
        return value
    choices = get_args(plain)
    to: Callable[[str], object] = type(choices[0]) if choices else plain
    try:
        return to(value.strip())
    except ValueError:
        return value


def _split_list(value: object) -> object:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, Iterable) or isinstance(parts, bytes | Mapping):
        return value
    return tuple(part.strip() if isinstance(part, str) else part for part in parts)


def _find_url_problem(url: object) -> str | None:
    if not isinstance(url, str) or not _is_fetchable(url):
        return "must be an https URL, as in https://service.run.app/tasks"
    if "?" in url or "#" in url:
        return "must be a URL without a query or a fragment"
    return "must be a URL without a user or a password" if "@" in urlsplit(url).netloc else None


def _is_fetchable(url: str) -> bool:
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        return False
    plain = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    named = bool(parts.hostname) and port != 0 and not re.search(r"\s", url)
    return named and (parts.scheme == "https" or plain)
