from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from taskhandler.auth.token import (
    CLOCK_SKEW_SECONDS,
    LONGEST_CREDENTIAL_CHARACTERS,
    LONGEST_LIFETIME_SECONDS,
    MOST_BRACKETS,
    Refused,
    Token,
    read_token,
)
from tests.auth import issuer

NOW = 1_800_000_000
HEAD = issuer.segment(issuer.header())


def claims(**changes: object) -> dict[str, object]:
    return issuer.claims(**({"iat": NOW, "exp": NOW + 3600} | changes))


def read(
    body: object = None, *, head: str = HEAD, signature: str = "AAAA", scheme: str = "Bearer "
) -> Token | str:
    """Read a token; of what is refused its reason."""
    text = f"{head}.{issuer.segment(claims() if body is None else body)}.{signature}"
    read = read_token(
        f"{scheme}{text}", audiences={issuer.AUDIENCE}, issuers={"https://accounts.google.com"}, now=NOW
    )
    if isinstance(read, Refused):
        assert read.status_word == "unauthenticated"
        return read.why
    assert read.text == text
    return read


def is_good(token: Token | str) -> bool:
    return isinstance(token, Token) and (token.kid, token.email) == (issuer.KID, issuer.ACCOUNT)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER    "])
def test_a_token_is_read_whatever_the_spelling_of_its_scheme(scheme: str):
    assert is_good(read(scheme=scheme))


def test_a_missing_header_is_refused_with_that_reason():
    refused = read_token("", audiences=(), issuers=(), now=NOW)
    assert refused == Refused("unauthenticated", "there is no Authorization header")


def test_a_credential_is_read_up_to_4096_characters():
    whole = len(f"{HEAD}.{issuer.segment(claims())}.AAAA")
    assert LONGEST_CREDENTIAL_CHARACTERS == 4096
    assert is_good(read(scheme="Bearer".ljust(4096 - whole)))
    assert (
        read(scheme="Bearer".ljust(4097 - whole))
        == "the Authorization header is not one Bearer token of a plausible length"
    )


@pytest.mark.parametrize("signature", ["A", "AB", "ABC", "AAAAA", "AAAAAB"])
def test_a_segment_in_another_spelling_than_the_canonical_is_refused(signature: str):
    assert read(signature=signature) == "the token is not canonical base64url"


NOT_RS256 = "the token is not signed with RS256"
HEADERS: list[tuple[object, str]] = [
    ("no JSON", NOT_RS256),
    ([1], NOT_RS256),
    (b"\xff\xff", NOT_RS256),
    (issuer.header(alg="none"), NOT_RS256),
    (issuer.header(crit=["exp"]), "the token is not a plain JWT"),
    (issuer.header(typ="x"), "the token is not a plain JWT"),
    (issuer.header(kid=None), "the token names no key"),
    (issuer.header(kid=[]), "the token names no key"),
]


@pytest.mark.parametrize(("header", "why"), HEADERS)
def test_a_token_whose_header_is_not_plain_rs256_is_refused(header: object, why: str):
    assert read(head=issuer.segment(header)) == why


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}{}", '{"a": 1, "a": 1}', '{"a": NaN}', '{"a": -Infinity}', '{"a": 1' + "0" * 2500 + "e9}"],
)
def test_claims_that_are_not_one_plain_json_object_are_refused(text: str):
    assert read(text) in {
        "the token's claims are not a plain JSON object",
        "the token's times are not integers",
    }


@pytest.mark.parametrize("depth", [MOST_BRACKETS - 1, MOST_BRACKETS])
def test_claims_nested_up_to_a_bound_are_read(depth: int):
    text = json.dumps(claims())[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
    assert is_good(read(text)) == (depth < MOST_BRACKETS)


Change = Callable[[float], dict[str, object]]
BOUNDS: dict[str, tuple[Change, int, str]] = {
    "exp": (lambda at: {"iat": NOW - 3600, "exp": NOW + at}, -CLOCK_SKEW_SECONDS, "the token has expired"),
    "iat": (lambda at: {"iat": NOW - at}, -CLOCK_SKEW_SECONDS, "the token is not valid yet"),
    "nbf": (lambda at: {"nbf": NOW - at}, -CLOCK_SKEW_SECONDS, "the token is not valid yet"),
    "longest": (
        lambda at: {"exp": NOW + LONGEST_LIFETIME_SECONDS - at},
        0,
        "the token's lifetime is not plausible",
    ),
    "shortest": (lambda at: {"exp": NOW + at}, 1, "the token's lifetime is not plausible"),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_time_is_accepted_up_to_its_bound(name: str):
    change, bound, why = BOUNDS[name]
    assert is_good(read(claims(**change(bound))))
    assert read(claims(**change(bound - 1))) == why


@pytest.mark.parametrize("name", ["iat", "exp", "nbf"])
@pytest.mark.parametrize("value", [1.5, float(NOW), str(NOW), True, [NOW]])
def test_a_time_that_is_not_an_integer_is_refused(name: str, value: object):
    assert read(claims(**{name: value})) == "the token's times are not integers"


NAMES: list[tuple[dict[str, object], str]] = [
    ({"iss": "https://evil.test"}, "the token is of another issuer"),
    ({"iss": ["https://accounts.google.com"]}, "the token is of another issuer"),
    ({"aud": "https://evil.test"}, "the token is for another audience"),
    ({"aud": [issuer.AUDIENCE]}, "the token is for another audience"),
    ({"email": None}, "the token has no verified e-mail address"),
    ({"email": [issuer.ACCOUNT]}, "the token has no verified e-mail address"),
    ({"email_verified": 1}, "the token has no verified e-mail address"),
    ({"email_verified": None}, "the token has no verified e-mail address"),
]


@pytest.mark.parametrize(("changes", "why"), NAMES)
def test_a_claim_with_another_value_or_type_is_refused(changes: dict[str, object], why: str):
    assert read(claims(**changes)) == why
