"""Which requests the HTTP side answers: those of programs, not those of web pages in a browser.

Any web page can make a developer's browser send requests to the developer's own machine. These headers tell
such requests from a program's:

* `Host`. With DNS rebinding a page's host name resolves to this machine, and the browser takes the queue for
  the page's own server. `Host` still has the page's name, so only names of this machine and allowed ones are
  accepted.
* `Origin` and `Sec-Fetch-Site`. Browsers send them with the requests of a page; programs send neither.
* `Content-Type`. A page can send `text/plain` and forms to any origin. Before `application/json` the browser
  sends a CORS preflight, which is refused here. Every request that changes something must have that type.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from http import HTTPStatus

from taskhandler.devqueue.http_message import Head, HttpError
from taskhandler.errors import UsageError
from taskhandler.text import one_line

JSON_TYPE = "application/json"
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?"
_HOST = re.compile(rf"(?P<name>{_NAME}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{0,5}})?")
_OWN_SITES = {"same-origin", "none"}
_SHOWN_CHARACTERS = 200


class Access:
    """The host names that requests may use, in addition to those of the loopback interface.

    Args:
        host: the address that the queue listens on.
        allowed: further host names or addresses, without ports.

    Raises:
        UsageError: one of `allowed` is not a host name.
    """

    def __init__(self, host: str, allowed: Iterable[str] = ()) -> None:
        self._hosts = {_canonicalize(host), *(_check_name(name) for name in allowed)}

    def check(self, head: Head) -> None:
        """Raise HttpError for a request of a web page, or to another host."""
        host = self._check_host(head.values("host"))
        if any(origin.lower() != f"http://{host}" for origin in head.values("origin")):
            raise _forbidden("a web page of another origin cannot use the local queue: see the Origin header")
        if set(head.values("sec-fetch-site")) - _OWN_SITES:
            raise _forbidden("a web page of another site cannot use the local queue: see Sec-Fetch-Site")

    def _check_host(self, hosts: list[str]) -> str:
        if len(hosts) != 1:
            raise HttpError(HTTPStatus.BAD_REQUEST, "there must be exactly one Host header")
        read = _HOST.fullmatch(hosts[0])
        if read is None:
            raise HttpError(
                HTTPStatus.BAD_REQUEST, "the Host header must be a host name, with or without a port"
            )
        name = _canonicalize(read["name"].strip("[]"))
        if name not in self._hosts and not is_loopback(name):
            shown = one_line(name, limit=_SHOWN_CHARACTERS)
            raise _forbidden(
                f"{shown!r} is not a host name of the local queue; to allow it: --allow-host {shown}"
            )
        return hosts[0].lower()


def check_json(head: Head) -> None:
    """Raise HttpError unless the content type is JSON, which no page can send without a CORS preflight."""
    kinds = [value.partition(";")[0].strip().lower() for value in head.values("content-type")]
    if kinds != [JSON_TYPE]:
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the Content-Type header must be {JSON_TYPE}")


def is_loopback(host: str) -> bool:
    """Return whether a host name or an address means this machine only."""
    address = _parse_address(host)
    if address is not None:
        return address.is_loopback
    name = _canonicalize(host)
    return name == "localhost" or name.endswith(".localhost")  # RFC 6761, 6.3


def _canonicalize(host: str) -> str:
    address = _parse_address(host)
    return host.lower().removesuffix(".") if address is None else str(address)


def _parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _check_name(name: str) -> str:
    bare = name.removeprefix("[").removesuffix("]")
    if not re.fullmatch(_NAME, name) and _parse_address(bare) is None:
        raise UsageError(
            f"{one_line(name, limit=_SHOWN_CHARACTERS)!r} is not a host name; leave out the port"
        )
    return _canonicalize(bare)


def _forbidden(text: str) -> HttpError:
    return HttpError(HTTPStatus.FORBIDDEN, text)
