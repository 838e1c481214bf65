"""Reads the response with the certificates into public keys."""

from __future__ import annotations

import json
import re

from msgspec import Struct

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.ASCII | re.IGNORECASE)


class Fetched(Struct, frozen=True):
    """What came from the network: the body, and the `max-age` in seconds where there was one."""

    body: bytes
    max_age: float | None = None


class Certificate(Struct, frozen=True):
    """A key that Google signs with: its id, and the public key in PEM, parsed out of the X.509 once.

    A PEM public key is what `google.auth.jwt.decode` also takes, and reads in half the time.
    """

    kid: str
    public_key: bytes


class Published(Struct, frozen=True):
    """The keys of a response by their ids, and how many of its members are not usable certificates."""

    certificates: dict[str, Certificate]
    unusable: int


def read_max_age(cache_control: str) -> float | None:
    """Read the `max-age` of a `Cache-Control` header, in seconds; None where there is none."""
    match = _MAX_AGE.search(cache_control)
    return float(match[1]) if match else None


def read_certificates(body: bytes) -> Published:
    """Read `body`, a JSON object of PEM certificates by key id.

    Raises:
        ValueError: it holds no usable certificate.
        RecursionError: it is nested too deeply to be read.
    """
    response = json.loads(body)
    if not isinstance(response, dict):
        raise ValueError("the response is not a JSON object")  # noqa: TRY004 - the response is wrong, not a caller
    read = [_read_certificate(kid, pem) for kid, pem in response.items()]
    usable = {certificate.kid: certificate for certificate in read if certificate is not None}
    if not usable:
        raise ValueError("the response has no X.509 certificate of an RSA key")
    return Published(usable, len(read) - len(usable))


def _read_certificate(kid: str, pem: object) -> Certificate | None:
    from cryptography import exceptions, x509  # noqa: PLC0415 - `import taskhandler` must stay light
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - the same
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - the same

    try:
        key = x509.load_pem_x509_certificate(str(pem).encode()).public_key()
    except (ValueError, exceptions.UnsupportedAlgorithm, x509.InvalidVersion):
        return None
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    form = serialization.PublicFormat.PKCS1
    return Certificate(kid, key.public_bytes(serialization.Encoding.PEM, form))
