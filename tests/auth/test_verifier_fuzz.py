from __future__ import annotations

import sys
import time
from functools import cache

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from taskhandler.auth.fetch_response import Fetched
from taskhandler.auth.token import Refused
from taskhandler.auth.verifier import Answer, Caller, OIDCVerifier, PlatformVerifier, Verifier
from tests.auth import issuer

GENUINE = issuer.token()
ANYTHING = st.text(st.characters(exclude_categories=[]))  # lone surrogates too
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)
CLAIMS = st.sampled_from(["aud", "email", "email_verified", "iss"])
TIMES = st.sampled_from(["exp", "iat", "nbf"])


@cache
def verifier() -> OIDCVerifier:
    made = issuer.verifier(issuer.Source(Fetched(issuer.certificates(), 3600)))
    assert isinstance(made.verify(f"Bearer {GENUINE}"), Caller)
    return made


def refused(authorization: str) -> bool:
    return isinstance(verifier().verify(authorization), Refused)


@given(ANYTHING)
def test_any_text_as_a_credential_is_refused(text: str):
    assert refused(text)
    assert refused(f"Bearer {text}")


@given(ANYTHING, ANYTHING, ANYTHING)
def test_any_three_segments_as_a_token_are_refused(head: str, body: str, signature: str):
    segments = [issuer.encoded(part.encode("utf-8", "surrogatepass")) for part in (head, body, signature)]
    assert refused(f"Bearer {'.'.join(segments)}")


@settings(deadline=None)  # the first one makes the keys
@given(st.integers(0, len(GENUINE)), st.integers(0, 3), ANYTHING)
def test_a_genuine_token_with_any_part_replaced_is_refused(start: int, length: int, text: str):
    changed = GENUINE[:start] + text + GENUINE[start + length :]
    assume(changed.lstrip(" ") != GENUINE)
    assert refused(f"Bearer {changed}")


@settings(deadline=None)
@given(st.integers(0, len(GENUINE) - 1), st.integers(0, 5))
def test_a_genuine_token_with_one_bit_flipped_is_refused(place: int, bit: int):
    turned = chr(ord(GENUINE[place]) ^ 1 << bit)
    assert refused(f"Bearer {GENUINE[:place]}{turned}{GENUINE[place + 1 :]}")


@settings(deadline=None)
@given(JSON, JSON)
def test_any_signed_json_as_header_or_claims_is_refused(head: object, body: object):
    assume(head is not None and body is not None)  # None would make a good one
    assert refused(issuer.handmade_bearer(body=body))
    assert refused(issuer.handmade_bearer(head))


@settings(deadline=None)
@given(CLAIMS, JSON)
def test_a_signed_token_with_any_other_value_of_a_claim_is_refused(name: str, value: object):
    honest = issuer.claims()
    assume(value is not honest[name] and value != honest[name])
    assert refused(issuer.bearer(body=honest | {name: value}))


@settings(deadline=None)
@given(TIMES, JSON | st.integers(-100, 2**70))
def test_a_time_of_any_type_is_answered_and_never_raises(name: str, value: object):
    token = issuer.bearer(body=issuer.claims() | {name: value})
    assert isinstance(verifier().verify(token), Caller | Refused)


def near_the_end_of_the_stack(verifies: Verifier, token: str, room: int) -> Answer | None:
    """Ask with room for so many more calls; None if there is none even to ask."""
    frame, depth = sys._getframe(), 0  # noqa: SLF001 - nothing else tells how deep we are
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1

    def descend(left: int) -> Answer | None:
        return verifies.verify(token) if left <= 0 else descend(left - 1)

    try:
        return descend(sys.getrecursionlimit() - depth - room)
    except RecursionError:
        return None


def test_a_token_that_the_stack_has_no_room_for_is_refused_without_an_error():
    verifiers: list[Verifier] = [verifier(), PlatformVerifier(issuer.RULES, now=time.time)]
    for each in verifiers:
        answers = [near_the_end_of_the_stack(each, issuer.bearer(), room) for room in range(60)]
        asked = [answer for answer in answers if answer is not None]
        assert answers[-len(asked) :] == asked  # who could ask was answered
        assert asked[0] == Refused("unauthenticated", "the call stack is too deep to verify a token")
        assert isinstance(asked[-1], Caller)
