"""A certificate authority of the tests' own, and a certificate of 127.0.0.1 that it has signed."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from tests.auth.issuer import rsa_key

_DAY = timedelta(days=1)


def made(folder: Path) -> tuple[Path, Path]:
    """Write the authority's certificate, and a key with its certificate; both in PEM."""
    authority, server = rsa_key("authority"), rsa_key("server")
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of the tests")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    root = _begun(issuer, issuer, "authority")
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root = root.add_extension(_usage(signs_certificates=True), critical=True)
    leaf = _begun(subject, issuer, "server")
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    leaf = leaf.add_extension(names, critical=False).add_extension(_usage(), critical=True)
    identity = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    leaf = leaf.add_extension(identity, critical=False)
    pem = serialization.Encoding.PEM
    key = server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    trusted, chain = folder / "authority.pem", folder / "chain.pem"
    trusted.write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(pem))
    chain.write_bytes(key + leaf.sign(authority, hashes.SHA256()).public_bytes(pem))
    return trusted, chain


def _begun(subject: x509.Name, issuer: x509.Name, key: str) -> x509.CertificateBuilder:
    now, public = datetime.fromtimestamp(time.time(), timezone.utc), rsa_key(key).public_key()
    builder = x509.CertificateBuilder(
        issuer, subject, public, x509.random_serial_number(), now - _DAY, now + _DAY
    )
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)


def _usage(*, signs_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
