"""Where settings come from, and what can be made of their values: texts, durations, counts, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from taskhandler.duration import must_be, seconds_of
from taskhandler.errors import ConfigError


class Source:
    """Where settings come from: the app's configuration, else the environment."""

    def __init__(self, configured: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._configured = configured
        self._environ = environ

    @property
    def on_cloud_run(self) -> bool:
        """Whether this runs on Cloud Run, which sets K_SERVICE."""
        return bool(self._environ.get("K_SERVICE"))

    def strangers(self, prefix: str, known: frozenset[str]) -> Iterator[tuple[str, object]]:
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

    def text(self, key: str) -> str:
        """A string, stripped; empty if it is not set."""
        value = self.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ConfigError(key, value, "must be a string")
        return value.strip()

    def text_or(self, key: str, act: str) -> object:
        """A string, or something made by the app already, which can do `act`."""
        value = self.get(key)
        return value if callable(getattr(value, act, None)) else self.text(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, or a string with commas."""
        value = self.get(key)
        parts: object = value.split(",") if isinstance(value, str) else value
        if parts is None:
            return ()
        if not isinstance(parts, Iterable) or isinstance(parts, bytes | Mapping):
            raise ConfigError(key, value, "must be a string or a list of strings")
        texts = tuple(part.strip() if isinstance(part, str) else "" for part in parts)
        if not texts or not all(texts):
            raise ConfigError(key, value, "must be one or more non-empty strings")
        return texts

    def emails(self, key: str, *, most: int | None = None) -> tuple[str, ...]:
        """A list of e-mail addresses, of at most so many."""
        texts = self.texts(key)
        for text in texts:
            if not re.fullmatch(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+", text):
                raise ConfigError(key, self.get(key), f"{text!r} is not an e-mail address")
        if most is not None and len(texts) > most:
            raise ConfigError(key, self.get(key), f"must be no more than {most}")
        return texts

    def name(self, key: str) -> str:
        """An id without the folders that it is in."""
        text = self.text(key)
        if text and not re.fullmatch(r"[A-Za-z0-9.:_-]+", text):
            raise ConfigError(key, self.get(key), "must be an id alone: letters, digits and hyphens")
        return text

    def address(self, key: str) -> str:
        """A host and a port."""
        text = self.text(key)
        if text and not re.fullmatch(r"([^\s:/@]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}", text):
            raise ConfigError(key, self.get(key), "must be host:port, as in localhost:8123")
        return text

    def choice(self, key: str, *choices: str) -> str:
        """One of `choices`, the first of which is the default."""
        value = self.get(key)
        if value is None:
            return choices[0]
        if str(value) not in choices:
            raise ConfigError(key, value, f"must be one of {', '.join(choices)}")
        return str(value)

    def switch(self, key: str) -> bool:
        """On or off; off if it is not set."""
        value = self.get(key)
        word = "" if value is None else str(value).strip().lower()
        if word not in _SWITCH:
            raise ConfigError(key, value, "must be true or false")
        return _SWITCH[word]

    def seconds(self, key: str, default: float, *, least: float, most: float) -> float:
        """A duration: a number of seconds, as text too, or a timedelta."""
        value = self.get(key)
        if value is None:
            return default
        number = _number(value, float) if isinstance(value, str) else value
        seconds = seconds_of(number, least=least, most=most)
        if seconds is None:
            raise ConfigError(key, value, must_be(least=least, most=most))
        return seconds

    def count(self, key: str, default: int | None) -> int | None:
        """An integer of at least 1."""
        value = self.get(key)
        if value is None:
            return default
        number = _number(value, int)
        if number is None or number < 1:
            raise ConfigError(key, value, "must be an integer of at least 1")
        return int(number)

    def url(self, key: str) -> str:
        """An https URL without user, query or trailing slash; plain http only for this machine."""
        text = self.text(key)
        if text and not _fetchable(text):
            example = "https://service.run.app/tasks"
            raise ConfigError(key, self.get(key), f"must be an https URL, as in {example}")
        if "?" in text or "#" in text:
            raise ConfigError(key, self.get(key), "must be a URL without query and fragment")
        if text and "@" in urlsplit(text).netloc:
            raise ConfigError(key, self.get(key), "must be a URL without user and password")
        return text.rstrip("/")


_KUBERNETES = re.compile(r".*_(SERVICE_(HOST|PORT)|PORT)(_.*)?")
"""Variables that Kubernetes sets in its pods for a Service that is called as we are (its docs: Service)."""

_SWITCH = {
    "": False,
    **dict.fromkeys(("0", "false", "no", "off"), False),
    **dict.fromkeys(("1", "true", "yes", "on"), True),
}


def _is_ours(variable: str) -> bool:
    return _KUBERNETES.fullmatch(variable) is None


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
