from __future__ import annotations

import json

import pytest

from taskhandler.auth.fetch_response import Certificate, read_certificates, read_max_age
from tests.auth import issuer


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("public, max-age=21000, must-revalidate", 21_000),
        ("MAX-AGE=0", 0),
        ('private,max-age="60"', 60),
        ("s-maxage=60", None),
        ("x-max-age=60", None),
        ("max-age=soon", None),
        ("max-age=\u0663", None),
        ("max-age=" + "9" * 5000, 999_999_999),
        ("", None),
    ],
)
def test_the_max_age_is_read_from_cache_control_of_any_spelling(header: str, seconds: float | None):
    assert read_max_age(header) == seconds


def test_the_public_keys_are_read_by_their_ids():
    published = read_certificates(issuer.certificates("one", "two"))
    assert published.certificates.keys() == {"one", "two"}
    assert published.unusable == 0
    one = published.certificates["one"]
    assert isinstance(one, Certificate)
    assert one.public_key.startswith(b"-----BEGIN RSA PUBLIC KEY-----\n")
    assert one != published.certificates["two"]


def test_a_certificate_without_an_rsa_key_is_counted_and_left_out():
    answer = {
        "pem": "x",
        "elliptic": issuer.certificate_of_another_kind(),
        "good": issuer.certificate("good"),
    }
    published = read_certificates(json.dumps(answer).encode())
    assert (set(published.certificates), published.unusable) == ({"good"}, 2)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"a": 1}', b"<html>"])
def test_an_answer_without_a_usable_certificate_is_an_error(body: bytes):
    with pytest.raises(ValueError, match=r".+"):
        read_certificates(body)
