"""Where the queue listens: how that is written as an address, and a warning if others can reach it."""

from __future__ import annotations

import ipaddress
import logging

from taskhandler.devqueue.http_access import is_loopback

_log = logging.getLogger("taskhandler.devqueue")


def joined(host: str, port: int) -> str:
    """Return `host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def callable_host(host: str) -> str:
    """Return a host under which programs on this machine can call what listens on `host`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "::1" if address.version == 6 else "127.0.0.1"  # noqa: PLR2004 - of the Internet Protocol


def warn_if_exposed(host: str, *, grpc_port: int, http_port: int) -> None:
    """Log a warning if `host`, an address that is listened on, can be reached from other machines."""
    if is_loopback(host):
        return
    _log.warning(
        "The local queue listens on %s (gRPC) and %s (HTTP), which other machines may reach: anybody who "
        "does can have tokens signed for any account, and requests sent to any URL from here. "
        "Listen on 127.0.0.1; in a container, publish the ports to 127.0.0.1 of the machine only.",
        joined(host, grpc_port),
        joined(host, http_port),
    )
