"""The addresses that the queue listens on, and a warning if other machines can reach them."""

from __future__ import annotations

import ipaddress
import logging

from taskhandler.devqueue.http_access import is_loopback

LOGGER = logging.getLogger("taskhandler.devqueue")


def join_host_port(host: str, port: int) -> str:
    """Return `host:port`, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable_host(host: str) -> str:
    """Return a host by which programs on this machine reach what listens on `host`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "::1" if address.version == 6 else "127.0.0.1"  # noqa: PLR2004 - of the Internet Protocol


def warn_if_exposed(host: str, *, grpc_port: int, http_port: int) -> None:
    """Log a warning if other machines can reach `host`, an address that the queue listens on."""
    if is_loopback(host):
        return
    LOGGER.warning(
        "The local queue listens on %s (gRPC) and %s (HTTP), which other machines may reach. Anyone who can "
        "reach it can get tokens for any account, and make this machine send requests to any URL. "
        "Listen on 127.0.0.1; in a container, publish the ports to 127.0.0.1 of the host only.",
        join_host_port(host, grpc_port),
        join_host_port(host, http_port),
    )
