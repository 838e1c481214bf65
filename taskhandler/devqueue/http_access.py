"""Which requests the HTTP side answers: those of programs, not those that a web page has a browser send.

A page anywhere can have a developer's browser send requests to the developer's own machine. These headers
tell such requests from a program's:

* `Host`. By DNS rebinding a page's own name comes to point at this machine, and the browser then takes the
  queue for the page's own server. `Host` still has the page's name, so only names of this machine and allowed
  ones are answered.
* `Origin` and `Sec-Fetch-Site`. Browsers say with them that a page of another origin is asking; programs send
  neither.
* `Content-Type`. A page may send `text/plain` and forms anywhere unasked; for `application/json` the browser
  asks first (a CORS preflight), and is refused here. Every request that changes something must have it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from http import HTTPStatus

from taskhandler.devqueue.http_message import Head, HttpError
from taskhandler.errors import UsageError
from taskhandler.text import one_line

JSON = "application/json"
_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?"
_HOST = re.compile(rf"(?P<name>{_NAME}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{0,5}})?")
_OWN_SITES = {"same-origin", "none"}
_SHOWN_CHARACTERS = 200


class Access:
    """The names under which the queue may be called, beside those of the loopback interface.

    Args:
        host: the address that it listens on.
        allowed: more host names or addresses, without ports.

    Raises:
        UsageError: one of `allowed` is not a host name.
    """

    def __init__(self, host: str, allowed: Iterable[str] = ()) -> None:
        self._hosts = {_canonical(host), *(_checked(name) for name in allowed)}

    def check(self, head: Head) -> None:
        """Raise HttpError for a request that is not to be answered."""
        host = self._check_host(head.values("host"))
        if any(origin.lower() != f"http://{host}" for origin in head.values("origin")):
            raise _forbidden("a web page of another origin cannot use the local queue: see the Origin header")
        if set(head.values("sec-fetch-site")) - _OWN_SITES:
            raise _forbidden("a web page of another site cannot use the local queue: see Sec-Fetch-Site")

    def _check_host(self, hosts: list[str]) -> str:
        if len(hosts) != 1:
            raise HttpError(HTTPStatus.BAD_REQUEST, "there must be one Host header")
        read = _HOST.fullmatch(hosts[0])
        if read is None:
            raise HttpError(
                HTTPStatus.BAD_REQUEST, "the Host header must be a host name, with or without a port"
            )
        name = _canonical(read["name"].strip("[]"))
        if name not in self._hosts and not is_loopback(name):
            shown = one_line(name, limit=_SHOWN_CHARACTERS)
            raise _forbidden(f"the local queue is not called {shown!r}; to allow it: --allow-host {shown}")
        return hosts[0].lower()


def check_json(head: Head) -> None:
    """Raise HttpError unless the request says that its body is JSON, which no page can say unasked."""
    kinds = [value.partition(";")[0].strip().lower() for value in head.values("content-type")]
    if kinds != [JSON]:
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the Content-Type header must be {JSON}")


def is_loopback(host: str) -> bool:
    """Whether a host name or an address means this machine alone."""
    address = _address(host)
    if address is not None:
        return address.is_loopback
    name = _canonical(host)
    return name == "localhost" or name.endswith(".localhost")  # RFC 6761, 6.3


def _canonical(host: str) -> str:
    address = _address(host)
    return host.lower().removesuffix(".") if address is None else str(address)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _checked(name: str) -> str:
    bare = name.removeprefix("[").removesuffix("]")
    if not re.fullmatch(_NAME, name) and _address(bare) is None:
        raise UsageError(
            f"{one_line(name, limit=_SHOWN_CHARACTERS)!r} is not a host name; name it without a port"
        )
    return _canonical(bare)


def _forbidden(text: str) -> HttpError:
    return HttpError(HTTPStatus.FORBIDDEN, text)
