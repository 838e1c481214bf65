"""Where the task blueprints of one app are mounted, and which URLs their handlers have.

`TASK_TARGET_URL` says where one of them is mounted, as the queue sees it. Without that mount it is the
service's root, including a proxy's prefix, from which the other blueprints are found::

    https://shop.example/api/billing - /billing = https://shop.example/api
    https://shop.example/api         + /mail/run = the handler `run` of the blueprint at /mail
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from taskhandler.errors import ConfigError, UsageError
from taskhandler.handlers.handler import Handler

LOGGER = logging.getLogger("taskhandler")

KEY = "TASK_TARGET_URL"


class Place(NamedTuple):
    """Where a blueprint is mounted: the host that it answers under, empty if under any, and a prefix."""

    host: str
    prefix: str


class Mounts:
    """The mounts of one app.

    Args:
        target_url: where one blueprint is mounted; empty if it is not set.
    """

    def __init__(self, target_url: str) -> None:
        self._target_url = target_url
        self._places: list[Place] = []
        self._places_of: dict[Handler[Any, Any], list[Place]] = {}
        self._blueprint_at: dict[Place, str] = {}

    def add(
        self,
        blueprint: str,
        prefix: str,
        handlers: Iterable[Handler[Any, Any]],
        *,
        host: str = "",
        endpoints: Mapping[str, str],
    ) -> None:
        """Mount a blueprint.

        Args:
            blueprint: its name, for people.
            prefix: begins with a slash and does not end with one.
            handlers: the blueprint's.
            host: the host that it answers under, if not under any.
            endpoints: those that already answer a POST under that host, by path.

        Raises:
            UsageError: a handler has the URL of another one, or of another route of the app.
            ConfigError: no blueprint can ever be where `TASK_TARGET_URL` says.
        """
        added = list(handlers)
        for handler in added:
            self._refuse_second(blueprint, Place(host, f"{prefix}/{handler.name}"), endpoints)
        for handler in added:
            self._blueprint_at[Place(host, f"{prefix}/{handler.name}")] = blueprint
            self._places_of.setdefault(handler, []).append(Place(host, prefix))
        self._places.append(Place(host, prefix))
        self._check_target()

    def url_of(self, handler: Handler[Any, Any]) -> str:
        """The URL of the handler's tasks.

        Raises:
            UsageError: the handler is not mounted in this app, or at several places, or under another
                host than `TASK_TARGET_URL` has.
            ConfigError: `TASK_TARGET_URL` is not set, or is where no blueprint is mounted.
        """
        places = self._places_of.get(handler)
        if places is None:
            problem = (
                f"{handler!r} is not mounted in this app, and where it is mounted decides its tasks' URL"
            )
            raise UsageError(f"{problem}. Register its blueprint here, too")
        named = self._find_named()
        if named in places:
            return f"{self._target_url}/{handler.name}"
        prefixes = [place.prefix for place in places if place.host == named.host]
        if len(prefixes) == 1:
            return f"{self._find_root(named)}{quote(prefixes[0])}/{handler.name}"
        if not prefixes:
            hosts = ", ".join(place.host for place in places)
            problem = f"{handler!r} answers under {hosts}, and {KEY} has the host {named.host}"
            raise UsageError(f"{problem}. Mount it there, or in an app of its own")
        problem = f"{handler!r} is mounted at {', '.join(prefixes)}: which of its URLs should the task have?"
        raise UsageError(f"{problem} Set {KEY} to one of them, or register the blueprint once")

    def _refuse_second(self, blueprint: str, place: Place, endpoints: Mapping[str, str]) -> None:
        first, path = self._blueprint_at.get(place), place.prefix
        other = endpoints.get(path, endpoints.get(f"{path}/"))
        if first is None and other is None:
            return
        owner = f"the endpoint {other!r}" if first is None else f"a handler of blueprint {first!r}"
        problem = f"blueprint {blueprint!r}: {path} is already the URL of {owner}"
        raise UsageError(f"{problem}. Give the handler another name, or the blueprint another url_prefix")

    def _check_target(self) -> None:
        """Report a wrong target as soon as it is known: as a warning if a later mount may correct it."""
        if not self._target_url or any(map(self._is_named, self._places)):
            return
        if not urlsplit(self._target_url).path:
            raise self._wrong_target("it is the root of a service, where no task blueprint can be mounted")
        LOGGER.warning("%s", self._wrong_target("no task blueprint is mounted there yet"))

    def _find_named(self) -> Place:
        """The mount that `TASK_TARGET_URL` names; of several, the longest."""
        if not self._target_url:
            raise self._wrong_target("tasks cannot be created without it")
        named = list(filter(self._is_named, self._places))
        if not named:
            raise self._wrong_target("no task blueprint is mounted there")
        return max(named, key=lambda place: len(place.prefix))

    def _is_named(self, place: Place) -> bool:
        url, mount = urlsplit(self._target_url), place.prefix.split("/")[1:]
        last = url.path.split("/")[1:][-len(mount) :]
        return [unquote(part) for part in last] == mount and self._is_host(place.host, url.netloc.lower())

    def _is_host(self, host: str, named: str) -> bool:
        """Whether `named` may be this host: through a proxy it may have any name, if the app has only one."""
        alone = len({place.host for place in self._places}) == 1
        return alone or host.lower() in (named, named.rpartition(":")[0])

    def _find_root(self, named: Place) -> str:
        return self._target_url.rsplit("/", named.prefix.count("/"))[0].rstrip("/")

    def _wrong_target(self, problem: str) -> ConfigError:
        mounts = ", ".join(dict.fromkeys(f"{place.host}{place.prefix}" for place in self._places))
        remedy = f"Set it to the service's URL and one of its mounts: {mounts}"
        return ConfigError(KEY, self._target_url or None, problem, remedy=remedy)
