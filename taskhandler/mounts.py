"""Where the task blueprints of one app are mounted, and which URLs their handlers have.

`TASK_TARGET_URL` says where one of them is mounted, as the queue sees it. What is left of it without that
mount is the service's root, a proxy's prefix included, and the other blueprints are found from there::

    https://shop.example/api/billing - /billing = https://shop.example/api
    https://shop.example/api         + /mail/run = the handler `run` of the blueprint at /mail
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from taskhandler.errors import ConfigError, UsageError
from taskhandler.handlers import Handler

LOGGER = logging.getLogger("taskhandler")

KEY = "TASK_TARGET_URL"


class Mounts:
    """The mounts of one app.

    Args:
        target_url: where one blueprint is mounted; empty if it is not set.
    """

    def __init__(self, target_url: str) -> None:
        self._target_url = target_url
        self._prefixes: list[str] = []
        self._prefixes_of: dict[Handler[Any, Any], list[str]] = {}
        self._blueprint_at: dict[tuple[str, str], str] = {}

    def add(
        self,
        blueprint: str,
        prefix: str,
        handlers: Iterable[Handler[Any, Any]],
        *,
        subdomain: str = "",
        endpoints: Mapping[str, str],
    ) -> None:
        """Mount a blueprint.

        Args:
            blueprint: its name, for people.
            prefix: begins with a slash and does not end with one.
            handlers: the blueprint's.
            subdomain: where it answers, if not everywhere.
            endpoints: what answers a POST there already, by path.

        Raises:
            UsageError: a handler has the URL of another one, or of another route of the app.
            ConfigError: no blueprint can ever be where `TASK_TARGET_URL` says.
        """
        added = list(handlers)
        for handler in added:
            self._refuse_second(blueprint, subdomain, f"{prefix}/{handler.name}", endpoints)
        for handler in added:
            self._blueprint_at[subdomain, f"{prefix}/{handler.name}"] = blueprint
            self._prefixes_of.setdefault(handler, []).append(prefix)
        self._prefixes.append(prefix)
        self._check_target()

    def url_of(self, handler: Handler[Any, Any]) -> str:
        """The URL of the handler's tasks.

        Raises:
            UsageError: the handler is not mounted in this app, or at several places.
            ConfigError: `TASK_TARGET_URL` is not set, or is where no blueprint is mounted.
        """
        prefixes = self._prefixes_of.get(handler)
        if prefixes is None:
            problem = (
                f"{handler!r} is not mounted in this app, and where it is mounted decides its tasks' URL"
            )
            raise UsageError(f"{problem}. Register its blueprint here, too")
        named = self._named()
        if len(prefixes) == 1:
            return self._url(prefixes[0], named, handler.name)
        if named in prefixes:
            return self._url(named, named, handler.name)
        problem = f"{handler!r} is mounted at {', '.join(prefixes)}: which of its URLs should the task have?"
        raise UsageError(f"{problem} Let {KEY} name one of them, or register the blueprint once")

    def _refuse_second(self, blueprint: str, subdomain: str, path: str, endpoints: Mapping[str, str]) -> None:
        first = self._blueprint_at.get((subdomain, path))
        other = endpoints.get(path, endpoints.get(f"{path}/"))
        if first is None and other is None:
            return
        owner = f"the endpoint {other!r}" if first is None else f"a handler of blueprint {first!r}"
        problem = f"blueprint {blueprint!r}: {path} is the URL of {owner} already"
        raise UsageError(f"{problem}. Give the handler another name, or the blueprint another url_prefix")

    def _check_target(self) -> None:
        """Say what is wrong with the target, as soon as it is known; another mount may still come."""
        if not self._target_url or any(self._is_named(prefix) for prefix in self._prefixes):
            return
        if not urlsplit(self._target_url).path:
            raise self._wrong_target("it is the root of a service, where no task blueprint can be mounted")
        LOGGER.warning("%s", self._wrong_target("no task blueprint is mounted there so far"))

    def _named(self) -> str:
        """The mount that `TASK_TARGET_URL` names; of several, the longest."""
        if not self._target_url:
            raise ConfigError(KEY, None, "tasks cannot be created without it")
        named = [prefix for prefix in self._prefixes if self._is_named(prefix)]
        if not named:
            raise self._wrong_target("no task blueprint is mounted there")
        return max(named, key=len)

    def _is_named(self, prefix: str) -> bool:
        mount, target = prefix.split("/")[1:], urlsplit(self._target_url).path.split("/")[1:]
        return [unquote(part) for part in target[-len(mount) :]] == mount

    def _url(self, prefix: str, named: str, name: str) -> str:
        if prefix == named:
            return f"{self._target_url}/{name}"
        root = self._target_url.rsplit("/", named.count("/"))[0].rstrip("/")
        return f"{root}{quote(prefix)}/{name}"

    def _wrong_target(self, problem: str) -> ConfigError:
        mounts = ", ".join(dict.fromkeys(self._prefixes))
        remedy = f"Set it to the service's URL and one of its mounts: {mounts}"
        return ConfigError(KEY, self._target_url, problem, remedy=remedy)
