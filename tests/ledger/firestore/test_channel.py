"""The channel to Firestore: encrypted, with the client's credentials, and with pings beside calls only."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from taskhandler.ledger.firestore.channel import OPTIONS, PING_AFTER_SECONDS, PING_TIMEOUT_SECONDS
from taskhandler.ledger.firestore.storage import CALL_SECONDS
from tests.faults.relay import Relay
from tests.ledger.emulator import HOST

HEARTBEAT_SECONDS = 10.0
ROUND_TRIP_SECONDS = 4.0
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
PROGRAM = """
import sys
from google.cloud import firestore
from google.oauth2.credentials import Credentials
from taskhandler.ledger.firestore.storage import FirestoreStorage
from taskhandler.ledger.storage import Key

client = firestore.Client(
    project="shop", credentials=Credentials("token-1"), client_options={"api_endpoint": sys.argv[1]}
)
print(FirestoreStorage(client=client).read(Key("n", "q", "t")))
"""


class Secured(Relay):
    """A server that answers by itself, under TLS, with a certificate for `localhost`."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:1")
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        self.certificate = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(NOW)
            .not_valid_after(NOW + dt.timedelta(days=36_500))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
        )

    def listen(self, server: grpc.Server) -> int:
        """See `Relay.listen`."""
        key = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        credentials = grpc.ssl_server_credentials([(key, self.certificate)])
        return int(server.add_secure_port("127.0.0.1:0", credentials))


@pytest.fixture
def server() -> Iterator[Secured]:
    with Secured() as running:
        yield running


def test_outside_of_the_emulator_calls_are_encrypted_and_bear_the_clients_token(
    server: Secured, tmp_path: Path
):
    roots = tmp_path / "roots.pem"
    roots.write_bytes(server.certificate)
    server.answer("BatchGetDocuments", "PERMISSION_DENIED")
    environ = {name: value for name, value in os.environ.items() if name != HOST}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, f"localhost:{server.address.rpartition(':')[2]}"],
        env=environ | {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "PERMISSION_DENIED" in done.stdout
    assert server.metadata["authorization"] == "Bearer token-1"
    assert server.metadata["x-goog-request-params"] == "database=projects/shop/databases/%28default%29"


def test_one_unanswered_heartbeat_has_a_ping_sent_and_two_notice_a_dead_connection():
    assert PING_AFTER_SECONDS < CALL_SECONDS
    assert HEARTBEAT_SECONDS + PING_AFTER_SECONDS + PING_TIMEOUT_SECONDS <= 2 * HEARTBEAT_SECONDS


def test_a_round_trip_of_four_seconds_is_within_every_limit():
    assert min(CALL_SECONDS, PING_TIMEOUT_SECONDS) > ROUND_TRIP_SECONDS


def test_no_ping_is_sent_while_no_call_is_under_way():
    assert dict(OPTIONS)["grpc.keepalive_permit_without_calls"] == 0
