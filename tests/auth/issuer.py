"""Issues what Google would: keys, certificates and their address, and tokens, honest or handmade."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from google.auth import crypt, jwt

from taskhandler.auth.certificates import CertificateKeeper
from taskhandler.auth.fetch_response import Fetched
from taskhandler.auth.verifier import OIDCVerifier, TokenPolicy
from taskhandler.config.settings import CERTS_URL

AUDIENCE = "https://svc-abcdefgh-uc.a.run.app/tasks"
ACCOUNT = "queue@project.iam.gserviceaccount.com"
KID = "f4d6b3a1"
RULES = TokenPolicy(frozenset({AUDIENCE}), frozenset({ACCOUNT}))
_LIFETIME = timedelta(days=9)
_NOT_BEFORE = datetime(2020, 1, 1, tzinfo=timezone.utc)  # google-auth does not look at a certificate's dates


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Make the key called `name`, once in the life of this process."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate(name: str) -> str:
    """Make a self-signed certificate of the RSA key called `name`, in PEM."""
    return _self_signed(rsa_key(name))


@cache
def certificate_of_another_kind() -> str:
    """Make a self-signed certificate of an elliptic-curve key, in PEM."""
    return _self_signed(ec.generate_private_key(ec.SECP256R1()))


def certificates(*names: str) -> bytes:
    """Make the body that Google's address serves, for the keys called `names`."""
    return json.dumps({name: certificate(name) for name in names or (KID,)}).encode()


def header(**changes: object) -> dict[str, object]:
    """Make the header of a token of Google's, with `changes`; None removes a member."""
    return _changed({"alg": "RS256", "kid": KID, "typ": "JWT"}, changes)


def claims(**changes: object) -> dict[str, object]:
    """Make the claims of a token of Google's that has just been made, with `changes`."""
    now = int(time.time())
    honest = {
        "aud": AUDIENCE,
        "azp": "104029292853099978293",
        "email": ACCOUNT,
        "email_verified": True,
        "exp": now + 3600,
        "iat": now,
        "iss": "https://accounts.google.com",
        "sub": "104029292853099978293",
    }
    return _changed(honest, changes)


def token(body: Mapping[str, object] | None = None, *, key: str = KID) -> str:
    """Make an honest token as google-auth signs it; the key called `key` has that id."""
    signer = crypt.RSASigner(rsa_key(key), key)  # type: ignore[no-untyped-call]  # google-auth's has no types
    return str(jwt.encode(signer, claims() if body is None else body).decode())  # type: ignore[no-untyped-call]  # the same


def bearer(body: Mapping[str, object] | None = None, *, key: str = KID) -> str:
    """Make the value of an `Authorization` header with an honest token."""
    return f"Bearer {token(body, key=key)}"


def handmade_bearer(head: object = None, body: object = None, *, key: str = KID) -> str:
    """Sign any token with RS256; `head` and `body` are JSON-able, or text or bytes taken as they are."""
    signed = f"{segment(header() if head is None else head)}.{segment(claims() if body is None else body)}"
    signature = rsa_key(key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"Bearer {signed}.{encoded(signature)}"


def segment(content: object) -> str:
    """Encode one segment of a token."""
    if isinstance(content, bytes):
        return encoded(content)
    return encoded((content if isinstance(content, str) else json.dumps(content)).encode())


def encoded(content: bytes) -> str:
    """Encode `content` in base64url without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


class Clock:
    """A clock that stands at the time it is set to."""

    def __init__(self, now: float = 50.0) -> None:
        """Set the clock to `now`."""
        self.now = now

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Source:
    """In place of the fetch: returns or raises each answer in turn, the last for ever, and counts calls."""

    def __init__(self, *answers: Fetched | Exception) -> None:
        """`answers` are returned or raised."""
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, _url: str, _timeout: float) -> Fetched:
        """Return or raise the next answer."""
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def verifier(source: Source, clock: Clock | None = None, *, remembered: int = 1_024) -> OIDCVerifier:
    """Make a verifier for `RULES` with certificates from `source` and the time of `clock`."""
    monotonic = clock or Clock()
    keeper = CertificateKeeper(
        CERTS_URL, clock=monotonic, chance=lambda: 0.0, fetch=source, spawn=lambda act: act()
    )
    return OIDCVerifier(RULES, keeper, now=clock or time.time, remembered=remembered)


class Publisher:
    """Serves certificates as Google's address does, on a free port, and counts the requests."""

    def __init__(self) -> None:
        """Serve the certificate of `KID`; it listens inside its `with` block."""
        self.body, self.status = certificates(), 200
        self.headers = {"Cache-Control": "public, max-age=21000, must-revalidate, no-transform"}
        self.asked = 0
        self.open = Event()
        self.open.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Answering, self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """The URL of the certificates."""
        return f"http://127.0.0.1:{self._server.server_port}/oauth2/v1/certs"

    def __enter__(self) -> Publisher:  # noqa: PYI034 - Self is not in Python 3.10
        """Listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Answer all who wait, and stop."""
        self.open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Answering(BaseHTTPRequestHandler):
    def __init__(self, publisher: Publisher, *request: Any) -> None:  # noqa: ANN401 - socketserver's
        self._publisher = publisher
        super().__init__(*request)

    def do_GET(self) -> None:
        """Answer as the publisher is set to, once it is open."""
        self._publisher.asked += 1
        self._publisher.open.wait(60)
        with suppress(ConnectionError):  # the client may have left
            self.send_response(self._publisher.status)
            for name, value in self._publisher.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(self._publisher.body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _changed(honest: dict[str, object], changes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in (honest | changes).items() if value is not None}


def _self_signed(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "federated-signon.test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, _NOT_BEFORE, _NOT_BEFORE + _LIFETIME)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
