from __future__ import annotations

import json
from base64 import b64decode, encodebytes

import pytest

from taskhandler.auth.certificates import CertificateKeeper, NoSuchKey, Unreachable
from taskhandler.auth.fetch_response import Certificate, Fetched
from taskhandler.config.settings import CERTS_URL
from taskhandler.errors import ConfigError
from tests.auth import issuer

GOOD = Fetched(issuer.certificates(), 1000)


@pytest.fixture
def clock() -> issuer.Clock:
    return issuer.Clock()


def keeper_of(source: issuer.Source, clock: issuer.Clock) -> CertificateKeeper:
    spawn = lambda act: act()  # noqa: E731 - at once, not on a thread
    return CertificateKeeper(CERTS_URL, clock=clock, chance=lambda: 0.0, fetch=source, spawn=spawn)


def knows(keeper: CertificateKeeper) -> bool:
    return isinstance(keeper.find(issuer.KID), Certificate)


BAD_URLS = [
    "",
    "certs",
    "file:///etc/passwd",
    "http://www.googleapis.com/oauth2/v1/certs",
    "http://127.0.0.1@evil.test/certs",
    "http://127.0.0.1:80@evil.test/certs",
    "http://127.0.0.1.evil.test/",
    "https:///certs",
    "https://a.test/ x",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_without_https_on_another_machine_is_refused(clock: issuer.Clock, url: str) -> None:
    with pytest.raises(ConfigError, match="TASKHANDLER_CERTS_URL"):
        CertificateKeeper(url, clock=clock)


@pytest.mark.parametrize("url", [CERTS_URL, "http://localhost/", "http://127.0.0.1:8/x", "http://[::1]:8"])
def test_an_address_with_https_or_on_this_machine_is_accepted(clock: issuer.Clock, url: str) -> None:
    CertificateKeeper(url, clock=clock)


GARBAGE = [
    b"",
    b"<html>sign in to the wifi</html>",
    b"[]",
    b"{}",
    b"7",
    b"\xff\xfe\xff",
    b'{"a": 1}',
    b'{"a": "garbage"}',
    b'{"keys": [{"kid": "a", "kty": "RSA", "n": "AQAB", "e": "AQAB"}]}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_an_answer_of_garbage_counts_as_unreachable_and_old_certificates_stay(
    clock: issuer.Clock, garbage: bytes
) -> None:
    assert isinstance(keeper_of(issuer.Source(Fetched(garbage)), clock).find("a"), Unreachable)
    keeper = keeper_of(issuer.Source(GOOD, Fetched(garbage)), clock)
    assert knows(keeper)
    clock.now += 1000
    assert knows(keeper)
    assert isinstance(keeper.find("a"), Unreachable)


def _altered(before: bytes, after: bytes) -> str:
    """Change some bytes inside of the certificate."""
    lines = issuer.certificate(issuer.KID).splitlines()
    der = b64decode("".join(lines[1:-1]))
    assert before in der
    return "\n".join([lines[0], encodebytes(der.replace(before, after)).decode().strip(), lines[-1]])


@pytest.mark.parametrize(
    "bad",
    [
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        "\ud800",
        None,
        [issuer.certificate(issuer.KID)],
        issuer.certificate_of_another_kind(),
        _altered(bytes.fromhex("a003020102"), bytes.fromhex("a003020105")),  # version 6
        _altered(
            bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01017f")
        ),  # no such key type
    ],
    ids=["no DER", "surrogate", "null", "list", "elliptic", "version", "algorithm"],
)
def test_one_bad_certificate_among_good_ones_is_skipped_with_a_warning(
    clock: issuer.Clock, bad: object, caplog: pytest.LogCaptureFixture
) -> None:
    body = json.dumps({"bad": bad, issuer.KID: issuer.certificate(issuer.KID)}).encode()
    keeper = keeper_of(issuer.Source(Fetched(body)), clock)
    assert knows(keeper)
    assert isinstance(keeper.find("bad"), NoSuchKey)
    assert "1 of 2 certificates cannot be used: not X.509, or not of an RSA key" in caplog.messages
