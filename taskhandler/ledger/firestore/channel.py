"""The channel to Firestore, and when its connection counts as dead.

Theory of operation. A slow connection and a dead one look alike to a call: neither answers in time. So no
call decides. HTTP/2 pings do: while a call is unanswered and nothing has been heard for a while, gRPC
sends a ping, and a connection that leaves it unanswered is closed. The calls on it fail, and those that
come later open a new connection in the same channel.

What was tried with grpcio 1.85, and led to the settings below:

* `keepalive_timeout_ms` alone closes nothing: a connection that swallows everything was still in use 40 s
  later. `ping_timeout_ms`, a minute by default, decides (with grpcio 1.66, too).
* gRPC also sends pings to measure bandwidth. While one is unanswered no other is sent, and
  a call behind one takes half a round trip longer on a way that carries one thing at a time. They are off;
  without them the window stays as it is, so it is made large enough for the largest dead letter at once.
* Pings without a call are punished: after three of them the emulator (grpc-java, which permits one in five
  minutes) sends GOAWAY "too_many_pings", and gRPC halves their rate for good. Pings beside a call are not,
  as every answer of a server sets its count back. Google's own servers expect 30 s between pings without data
  (https://github.com/googleapis/google-cloud-php/pull/3565).
* An unanswered attempt to connect is waited for 20 s by default, and after a long outage the next
  attempt is up to two minutes away.
"""

from __future__ import annotations

from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
from google.cloud import firestore
from google.cloud.firestore_v1.services.firestore.transports.grpc import FirestoreGrpcTransport

PING_AFTER_SECONDS = 4.0
"""Seconds without a byte received, and with a call under way, until a ping is sent.

Shorter than the time limit of a call, so that a single heartbeat is enough to have one sent.
"""

PING_TIMEOUT_SECONDS = 6.0
"""Seconds until a connection that leaves a ping unanswered is closed. Round trips may take four.

With the four above, and a call every ten seconds, a dead connection is noticed within twenty.
"""

CONNECT_TIMEOUT_SECONDS = 15.0
"""Seconds that opening a connection may take: a round trip each for TCP, TLS and HTTP/2."""

LONGEST_BACKOFF_SECONDS = 5.0
"""Seconds from one attempt to connect to the next, at most."""

WINDOW_BYTES = 4 * 1024 * 1024
"""Bytes of an answer that may be on their way at once: more than a task has. gRPC's default is 64 KiB."""

_MILLISECONDS = 1000

OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.keepalive_time_ms", int(PING_AFTER_SECONDS * _MILLISECONDS)),
    ("grpc.keepalive_timeout_ms", int(PING_TIMEOUT_SECONDS * _MILLISECONDS)),
    ("grpc.http2.ping_timeout_ms", int(PING_TIMEOUT_SECONDS * _MILLISECONDS)),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
    ("grpc.min_reconnect_backoff_ms", int(CONNECT_TIMEOUT_SECONDS * _MILLISECONDS)),
    ("grpc.max_reconnect_backoff_ms", int(LONGEST_BACKOFF_SECONDS * _MILLISECONDS)),
    ("grpc.use_local_subchannel_pool", 1),  # after a fork, the parent's connection must not be shared
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
)


def open_channel(client: firestore.Client) -> Any:  # noqa: ANN401 - grpcio ships no types
    """A channel to where `client` would connect, with its credentials; it connects at the first call.

    The client's own channel cannot be used: its keep-alive is fixed in the library's code.
    """
    address = client._emulator_host  # noqa: SLF001 - the client has no public name for it
    if address is not None:
        return grpc.insecure_channel(address, options=OPTIONS)
    target, credentials = client._target, client._credentials  # noqa: SLF001 - the same
    return FirestoreGrpcTransport.create_channel(target, credentials=credentials, options=OPTIONS)
